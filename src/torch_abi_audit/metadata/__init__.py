"""What names say of a library that a package is linked to."""
