"""The strict environment as data, the launcher, the pipe protocol, the worker's entry, the guards."""
