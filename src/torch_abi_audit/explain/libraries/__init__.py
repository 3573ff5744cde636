"""Explains libraries that were not found: whose they are, and what brings them."""
