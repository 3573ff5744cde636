"""Targets on a package index: ``pypi:NAME``.

- ``wheels``: which wheels of a project such a TARGET means
- ``pip_config``: where the user gets packages from; ``simple``: what those places list
- ``web``: HTTP; ``remote_file``: one file behind an address, read in parts or through a cache
"""
