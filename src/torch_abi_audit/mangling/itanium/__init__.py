"""Names as GCC and Clang mangle them: ``_Z…``."""
