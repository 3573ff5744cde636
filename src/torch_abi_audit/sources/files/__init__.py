"""Files on disk.

- ``readable``: positioned reads of an open file or a buffer
- ``tree``: the files in a directory that may be libraries, each once
- ``build_tree``: the object files in a build directory
- ``documents``: text files that the user names, such as baselines
"""
