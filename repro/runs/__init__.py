"""The sealed run on disk: written beside its final name, renamed when complete, never rewritten."""
