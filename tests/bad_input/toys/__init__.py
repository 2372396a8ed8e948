"""A trainer of a third party that misbehaves as it is told to; installed by ``installation``."""
