"""Facts about torch, CPython and platforms: generated tables, and the meaning of names.

Tables are read when they are first used.
"""
