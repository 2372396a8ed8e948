"""The template of a workspace's ``CONFIG`` tree; ``repro init`` copies it, a run never reads it."""
