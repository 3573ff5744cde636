"""What is known of the world: generated tables, and what names say. Read when asked."""
