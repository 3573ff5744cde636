"""Differences as text, Markdown and JSON."""
