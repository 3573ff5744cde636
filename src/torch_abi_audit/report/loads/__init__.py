"""The load matrix as text and JSON."""
