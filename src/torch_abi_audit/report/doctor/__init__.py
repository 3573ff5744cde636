"""Renders a diagnosis as text, Markdown and JSON."""
