"""Byte positions in a Python source, from the lines and columns of its syntax tree."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


class Positions:
    """Where the nodes of a syntax tree are in the bytes that it was parsed from."""

    __slots__ = ("_starts", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        begin = len(_BOM) if data.startswith(_BOM) else 0
        self._starts = [begin, *(match.end() for match in _LINE_END.finditer(data))]
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            self._starts = []  # columns count bytes of UTF-8, whatever the source has

    def start(self, node: ast.expr) -> int | None:
        """The offset of the first byte of a node; None for a source that is not UTF-8."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.keyword) -> int | None:
        """The offset behind the last byte of a node; None for a source that is not UTF-8."""
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def span(self, node: ast.expr) -> tuple[int, int] | None:
        """Both offsets of a node."""
        start, end = self.start(node), self.end(node)
        return None if start is None or end is None else (start, end)

    def line_break_before(self, node: ast.expr | ast.keyword) -> str | None:
        """The newline and indentation before a node that begins its line; None otherwise."""
        start = self._offset(node.lineno, node.col_offset)
        if start is None or node.lineno < 2:
            return None
        line = self._starts[node.lineno - 1]
        indent = self.data[line:start]
        if indent.strip(b" \t"):
            return None
        end = _LINE_END.search(self.data, max(0, line - 2), line)
        newline = b"\n" if end is None else end.group()
        return (newline + indent).decode()

    def quote(self, node: ast.expr | None) -> str:
        """The quotation mark that a literal begins with; a double one for anything else."""
        start = None if node is None else self.start(node)
        return "'" if start is not None and self.data[start : start + 1] == b"'" else '"'

    def _offset(self, line: int, column: int) -> int | None:
        return self._starts[line - 1] + column if line <= len(self._starts) else None
