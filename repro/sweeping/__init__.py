"""Sweeps: a grid of values, an ordinary run for each point, and one process that writes the log."""
