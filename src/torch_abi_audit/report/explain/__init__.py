"""Renders an explanation as text, Markdown and JSON."""
