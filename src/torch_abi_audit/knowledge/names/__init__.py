"""What a name says: of a file, a library, a distribution, a requirement. Told here, once."""
