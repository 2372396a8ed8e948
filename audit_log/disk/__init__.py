"""What is on the disk when a call returns, and who may write: syncs, locks."""
