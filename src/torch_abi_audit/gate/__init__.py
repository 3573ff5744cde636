"""The gate: which findings a run has, which of them are hidden on purpose, and whether it passes.

Pure functions of reports. Nothing here reads a file, asks for the time or prints.
"""
