"""The kit's side of the worker: it alone loads the trainer, and does with it what a check asks."""
