"""Targets that are installed: names, distributions, environments."""
