"""Targets on a package index: ``pypi:NAME``."""
