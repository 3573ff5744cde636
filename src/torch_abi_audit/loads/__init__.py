"""Which torch releases a library finds its names in, and what every release exports."""
