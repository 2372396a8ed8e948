"""YAML text to values with places; the only room that knows YAML."""
