"""Explains names as sources and builds spell them: macros, functions, headers."""
