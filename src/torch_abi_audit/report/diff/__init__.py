"""Renders differences as text, Markdown and JSON."""
