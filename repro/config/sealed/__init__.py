"""A configuration as a run holds it: written down, compared with another, put back."""
