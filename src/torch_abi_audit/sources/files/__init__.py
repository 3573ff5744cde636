"""Files on disk.

- ``readable``: an open file or a buffer, read by position
- ``tree``: which files of a directory may be libraries, each once
- ``build_tree``: the object files of a build directory
- ``documents``: text files that a run is told to read, such as baselines
"""
