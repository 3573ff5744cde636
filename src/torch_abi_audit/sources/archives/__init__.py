"""Targets in an archive: wheels, conda packages, tar and zip files."""
