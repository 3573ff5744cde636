"""Pieces of patterns that several families use.

Each of them takes time in proportion to the text: what may begin anywhere begins at the start of a
word, so that a long word is not tried from each of its characters.
"""

from __future__ import annotations

FILE = r"(?:(?<![^\s:'\"])(?P<file>[^\s:'\"]{1,400}): )?"
"""The file that a message of the loader begins with."""
ELF_NAME = r"(?<![^\s'\"`(\[])(?P<library>[^\s:'\"`(\[]{1,400})"
"""The name of a library, as a word."""
REST = r"[^\n]{0,400}?"
"""What follows in the line, as little as possible."""
