"""Sealed runs, alone and together."""
