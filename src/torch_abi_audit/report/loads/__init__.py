"""Renders load matrices as text, Markdown and JSON."""
