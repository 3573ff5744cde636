"""Compares two reports of the same packages."""
