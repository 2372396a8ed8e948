"""Changes to a YAML text that keep every byte they do not mean, and their writing."""
