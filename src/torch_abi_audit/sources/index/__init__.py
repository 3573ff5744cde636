"""Targets on a package index: ``pypi:NAME``.

- ``wheels``: which wheels of a project such a TARGET selects
- ``pip_config``: the indexes that the user configured; ``simple``: the files that they list
- ``web``: HTTP; ``remote_file``: one file at a URL, read in ranges or through a cache
"""
