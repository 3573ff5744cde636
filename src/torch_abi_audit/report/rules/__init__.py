"""Renders the rules as text, JSON and Markdown."""
