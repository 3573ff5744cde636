"""Files on disk.

- ``place``: what is at a path, as a loader finds it
- ``readable``: positioned reads of an open file or a buffer
- ``tree``: the files in a directory that may be libraries, each once
- ``build_tree``: the object files in a build directory
- ``documents``: text files that the user names, such as baselines
"""
