"""Runs held against runs: differences, stability, trend, and doing one again."""
