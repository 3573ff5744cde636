"""Answers for errors about GPUs and drivers: for which GPU there is code, and whose is missing."""
