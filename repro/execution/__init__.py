"""The strict environment as data, the launcher, the pipe protocol, the worker, the guards."""
