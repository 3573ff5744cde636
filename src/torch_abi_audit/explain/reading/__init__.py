"""Reads a pasted text: undoes what logs and terminals did to it, and finds the errors in it."""
