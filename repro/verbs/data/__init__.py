"""``repro data``: what the dataset is, what it looks like, and what of it changed."""
