"""What changed between two reports of the same packages."""
