"""The rules as text, JSON and a page."""
