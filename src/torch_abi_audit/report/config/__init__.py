"""Renders the settings in force as TOML and JSON."""
