"""Bytes to facts: every binary format, and nothing about torch or Python."""
