"""Documents against JSON Schemas: quickly whether they fit, and in words what does not."""
