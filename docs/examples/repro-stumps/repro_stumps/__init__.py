"""Boosted stumps, as a trainer for repro.

Only this file is imported to find the declaration, so it imports nothing.
"""
