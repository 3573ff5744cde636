"""The domain types: frozen values that all other packages use. Nothing here reads or decides."""
