"""Plans the migration of a package to the LibTorch Stable ABI."""
