"""The conformance kit, and what strangers do with it."""
