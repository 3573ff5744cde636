"""Explains symbols: whose they are, which releases of torch export them, why they are missing."""
