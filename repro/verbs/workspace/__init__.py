"""A workspace itself: made, edited, completed in a shell, and what its machine can promise."""
