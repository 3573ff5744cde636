"""Applies the edits of a source in rounds, as the plan does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_abi_audit.port.source.contexts import NOTHING, Context
from torch_abi_audit.port.source.findings import Kind
from torch_abi_audit.port.source.reading import read

if TYPE_CHECKING:
    from torch_abi_audit.port.source.findings import Edit, SourceUse

ROUNDS = 20


def edited(text: str, target: str = "2.10.0", context: Context = NOTHING) -> str:
    """The source after all edits but those of its includes.

    Raises:
        AssertionError: the edits do not come to an end.
    """
    data = text.encode()
    for _ in range(ROUNDS):
        uses = read("a.cpp", data, target, context).uses
        chosen = _chosen([one for one in uses if one.edits and one.kind is not Kind.INCLUDE])
        if not chosen:
            return data.decode()
        for edit in sorted(chosen, key=lambda one: -one.start):
            data = data[: edit.start] + edit.text.encode() + data[edit.end :]
    raise AssertionError(f"edits go on for ever: {data.decode()}")


def _chosen(uses: list[SourceUse]) -> list[Edit]:
    """The edits of uses that do not overlap, the one that begins first before another."""
    spans = [(min(e.start for e in one.edits), max(e.end for e in one.edits)) for one in uses]
    found: list[Edit] = []
    end = -1
    for (start, stop), one in sorted(
        zip(spans, uses, strict=True), key=lambda pair: (pair[0][0], -pair[0][1])
    ):
        if start >= end:
            found.extend(one.edits)
            end = stop
    return found
