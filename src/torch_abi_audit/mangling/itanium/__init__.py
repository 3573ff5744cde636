"""The Itanium name mangling of GCC and Clang: ``_Z…``."""
