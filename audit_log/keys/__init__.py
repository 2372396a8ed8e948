"""Private keys and what they have signed: outside the workspace, one directory a log."""
