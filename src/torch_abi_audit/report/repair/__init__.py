"""Renders plans of wheel repairs as text, JSON, Markdown and configuration of cibuildwheel."""
