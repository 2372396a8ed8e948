"""YAML text to values with places; layers to resolved values with origins; schemas to problems."""
