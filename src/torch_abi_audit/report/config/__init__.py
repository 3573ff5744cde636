"""The settings in force, as TOML and JSON."""
