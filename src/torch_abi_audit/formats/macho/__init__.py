"""Mach-O: dylibs, bundles and object files."""
