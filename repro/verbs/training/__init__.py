"""One run, from a command to a sealed directory and two records of the log."""
