"""What is wrong with a resolved configuration, at the place where it can be mended."""
