"""The gate: what a run found, what is hidden on purpose, and whether it passes.

Pure questions asked of reports. Nothing here reads a file, knows the time or prints.
"""
