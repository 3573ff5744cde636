"""Renders the outcome of an audit in every format."""
