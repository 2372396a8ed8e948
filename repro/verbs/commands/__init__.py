"""``repro exec``: any command, planned and ended in the log as a run is."""
