"""Renders the answers of ``gpus`` as text, Markdown and JSON."""
