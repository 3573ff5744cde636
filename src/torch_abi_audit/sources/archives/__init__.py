"""Targets in an archive.

- ``wheel``: wheels and other zip files; ``zip_member``: one member of them, read in place
- ``tar``: tar files, source distributions and conda packages, in one pass
- ``seekable``: positioned reads as a stream, for the standard library's readers
"""
