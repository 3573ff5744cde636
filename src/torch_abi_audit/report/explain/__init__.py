"""An explanation as text, Markdown and JSON."""
