"""Which character and which name somebody meant."""
