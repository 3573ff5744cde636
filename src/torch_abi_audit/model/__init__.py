"""The vocabulary: frozen values that every other part speaks in. Nothing here reads or decides."""
