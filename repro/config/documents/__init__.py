"""What lies in ``CONFIG``: which documents there can be, where, and reading them."""
