"""Pure: facts and resolved configuration to payloads, signatures, keys and seeds."""
