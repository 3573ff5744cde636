"""Edits of a Python source that keep its layout: items of lists, arguments, parts of texts."""

from __future__ import annotations

from torch_abi_audit.port.source.build.positions import Positions
from torch_abi_audit.port.source.build.script_syntax import has_more
from torch_abi_audit.port.source.findings import Edit

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence


class ScriptEdits:
    """Makes the edits of one source; no list is added to twice."""

    __slots__ = ("_at", "_done")

    def __init__(self, data: bytes) -> None:
        self._at = Positions(data)
        self._done: set[int] = set()

    def new_argument(self, call: ast.Call, name: str, items: Sequence[str]) -> tuple[Edit, ...]:
        """A list as the last argument of a call that has none of that name."""
        arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        if not arguments or has_more(call):
            return ()
        last = max(arguments, key=lambda one: (one.end_lineno or 0, one.end_col_offset or 0))
        end = self._at.end(last)
        if end is None:
            return ()
        gap = self._at.line_break_before(last)
        return (Edit(end, end, f",{gap or ' '}{name}=[{', '.join(items)}]"),)

    def flags(self, where: ast.List | None, flags: tuple[str, ...]) -> tuple[Edit, ...]:
        """Flags as the first items of a list, once for each list."""
        if where is None:
            return ()
        quote = self._at.quote(where.elts[0] if where.elts else None)
        return self.items(where, [f"{quote}{flag}{quote}" for flag in flags])

    def items(self, where: ast.List, items: Sequence[str]) -> tuple[Edit, ...]:
        """The first items of a list, once for each list."""
        start = self._at.start(where)
        if start is None or start in self._done:
            return ()
        self._done.add(start)
        first = where.elts[0] if where.elts else None
        gap = None if first is None else self._at.line_break_before(first)
        if gap is not None:
            text = "".join(f"{gap}{one}," for one in items)
        else:
            text = ", ".join(items) + (", " if first is not None else "")
        return (Edit(start + 1, start + 1, text),)

    def corrected(self, node: ast.expr, old: str, new: str) -> tuple[Edit, ...]:
        """The replacement of a text within a literal; nothing unless it is there just once."""
        span = self._at.span(node)
        if span is None:
            return ()
        literal = self._at.data[span[0] : span[1]]
        wanted = old.strip().encode()
        if literal.count(wanted) != 1:
            return ()
        start = span[0] + literal.index(wanted)
        return (Edit(start, start + len(wanted), new),)
