"""Trainers: one module and one declaration for each model family."""
