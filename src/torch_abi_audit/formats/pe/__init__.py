"""PE: DLLs and COFF object files."""
