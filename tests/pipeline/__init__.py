"""The worker's side of data, without a worker."""
