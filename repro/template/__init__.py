"""What ``repro init`` copies: the example panel, and (mapped here) the ``CONFIG`` tree."""
