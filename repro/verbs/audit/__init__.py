"""What can be done with the workspace's log: one module a verb or two."""
