"""ELF: shared objects and relocatable files."""
