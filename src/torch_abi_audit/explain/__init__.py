"""Explains load errors, symbols, labels and rules. Pure: it reads nothing but its tables."""
