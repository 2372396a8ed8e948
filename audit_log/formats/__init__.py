"""What things are, in bytes: canonical JSON, records, the tree, notes, checkpoints. Pure."""
