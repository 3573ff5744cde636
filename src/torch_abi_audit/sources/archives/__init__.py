"""Targets that are archives.

- ``wheel``: wheels and other zip files; ``zip_member``: one member of a zip file, read in place
- ``tar``: tar files, source distributions and conda packages, read in one pass
- ``seekable``: positioned reads as a stream, for the standard library's readers
"""
