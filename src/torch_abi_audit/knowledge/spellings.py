"""How sources spell libtorch's unstable C++ API: a table in ``data/``, read on first use.

``tools/generate_spellings.py`` generates the table from a reviewed source, and verifies it with the
headers of the published torch wheels. What a row of the table of replacements says stands there.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from torch_abi_audit.knowledge import replacements
from torch_abi_audit.knowledge.replacements import Replacement
from torch_abi_audit.model.releases import release_key

_TABLE = Path(__file__).parents[1] / "data" / "torch_spellings.json"
_NO_ROW = Replacement(api="", effort=2)


class Spelling(NamedTuple):
    """One name of the unstable API, and what to write in its place."""

    kind: str
    """``macro``, ``type``, ``constant``, ``function``, ``method``, or ``global`` for a function of
    no namespace."""
    name: str
    """Without the first namespace, which is ``at``, ``c10`` or ``torch``."""
    row: Replacement
    """The replacement; ``row.api`` is empty if no row of the table of replacements has it."""
    to: str | None = None
    """What stands in place of the name after a mechanical edit; None if there is no such edit."""
    gives: str = "tensor"
    """What a call, or an object of the type, is."""
    alone: str = ""
    """``always``, or ``template`` with template arguments: a method that only tensors have."""


class _Table:
    __slots__ = ("kept", "macros", "methods", "names", "open_headers", "plain", "wild")

    def __init__(self, document: dict[str, Any]) -> None:
        self.plain: dict[str, Spelling] = {}
        self.names: dict[str, Spelling] = {}
        self.methods: dict[str, Spelling] = {}
        self.wild: list[tuple[str, Spelling]] = []
        rows = {row.api: row for row in replacements.rows()}
        for entry in document["spellings"]:
            for name in entry["names"]:
                one = _spelling(name, entry, rows)
                if name.endswith("*"):
                    self.wild.append((name[:-1], one))
                elif one.kind == "method":
                    self.methods[name] = one
                elif one.kind in ("macro", "global"):
                    self.plain[name] = one
                else:
                    self.names[name] = one
        self.macros = frozenset(document["macros"].split())
        self.kept: dict[str, tuple[str, str]] = {
            name: (since, header) for name, (since, header) in document["kept"].items()
        }
        self.open_headers: dict[str, str] = document["open_headers"]


def plain(name: str) -> Spelling | None:
    """A macro, or a function of no namespace; None if the name is not torch's."""
    table = _table()
    if (found := table.plain.get(name)) is not None:
        return found
    if name not in table.macros:
        return None
    for prefix, one in table.wild:
        if one.kind == "macro" and name.startswith(prefix):
            return one._replace(name=name)
    return Spelling("macro", name, _NO_ROW)


def named(name: str) -> Spelling | None:
    """A name of the namespaces ``at``, ``c10`` or ``torch``, given without the first of them."""
    table = _table()
    if (found := table.names.get(name)) is not None:
        return found
    for prefix, one in table.wild:
        if one.kind != "macro" and name.startswith(prefix):
            return one._replace(name=name)
    return None


def exactly(name: str) -> Spelling | None:
    """As ``named``, but no name that only begins as one of the table does."""
    return _table().names.get(name)


def method(name: str) -> Spelling | None:
    """A method of a tensor that the table knows; None if it does not."""
    return _table().methods.get(name)


@cache
def operator(name: str) -> Spelling | None:
    """An operator by its name without overload; None if ATen has none."""
    row = _rows_by_name().get(name) or replacements.replacement(f"at::Tensor::{name}")
    if row is None or (row.operator is None and name not in _rows_by_name()):
        row = replacements.replacement(f"at::{name}")
        if row is None or row.operator is None:
            return None
    return Spelling("function", name, row)


def kept(name: str, release: str) -> bool:
    """Whether the stable headers of a release declare a qualified name, such as ``c10::Half``."""
    found = _table().kept.get(name)
    return found is not None and release_key(found[0]) <= release_key(release)


def header_of(name: str) -> str | None:
    """The stable header that declares a qualified name; None if there is none."""
    found = _table().kept.get(name)
    return None if found is None else found[1]


def names() -> frozenset[str]:
    """First parts of all names that ``named`` knows, such as ``Tensor`` and ``cuda``."""
    return _first_parts()


def plain_names() -> frozenset[str]:
    """Every macro of torch's unstable headers, and the functions of no namespace."""
    return _table().macros | _table().plain.keys()


def open_headers() -> frozenset[str]:
    """The headers of torch's stable ABI."""
    return frozenset(_table().open_headers)


def open_header(path: str) -> bool:
    """Whether torch's stable ABI has a header with this path."""
    return path in _table().open_headers


@cache
def _first_parts() -> frozenset[str]:
    table = _table()
    found = {name.partition("::")[0] for name in table.names}
    return frozenset(found | {name.partition("::")[0] for name, one in table.wild if "::" in name})


@cache
def _rows_by_name() -> dict[str, Replacement]:
    """Rows by the last part of each name in ``Replacement.api``: ``sum`` for ``at::sum``."""
    found: dict[str, Replacement] = {}
    for row in replacements.rows():
        for api in row.api.split(", "):
            if api.startswith(("Tensor::", "at::")) and api.count("::") == 1:
                found.setdefault(api.partition("::")[2], row)
    return found


@cache
def _table() -> _Table:
    return _Table(json.loads(_TABLE.read_bytes()))


def _spelling(name: str, entry: dict[str, Any], rows: dict[str, Replacement]) -> Spelling:
    row = rows.get(entry.get("api", ""), _NO_ROW)
    if "use" in entry:
        use = None if entry["use"] == "-" else entry["use"]
        row = row._replace(
            use=use,
            header=entry.get("header"),
            since=entry.get("since"),
            floor=entry.get("floor"),
            macros=tuple(entry.get("macros", ())),
            operator=None,
            fallback=None,
            differs="",
            refused=(),
            origin=None,
        )
    if "note" in entry:
        row = row._replace(note=entry["note"])
    return Spelling(
        entry["kind"],
        name,
        row,
        entry.get("to"),
        entry.get("gives", "tensor"),
        entry.get("alone", ""),
    )
