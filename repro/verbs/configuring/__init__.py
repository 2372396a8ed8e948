"""What is asked of the configuration: whether it holds, where a value is from, how it was."""
