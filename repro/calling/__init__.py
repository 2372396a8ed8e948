"""How the verbs are called from Python: what may be passed, and what is said of anything else."""
