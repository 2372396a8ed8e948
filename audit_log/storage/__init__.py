"""The log on disk and its only writer."""
