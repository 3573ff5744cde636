"""A migration plan as text, Markdown and JSON."""
