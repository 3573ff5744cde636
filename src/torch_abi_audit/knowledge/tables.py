"""The generated tables of ``data/``: a plain text that the methods of ``str`` alone take apart.

A file begins with its facts, ``# date<TAB>2026-11-22``. Its sections follow: a line ``[shims]``,
then one row a line: a name, a tab, and the words that the table says of it, a space between two. A
name of which it says nothing stands alone. ``tools/table_text.py`` writes such files. JSON could
say the same, but importing its module costs nearly as much as the interpreter's own start.
"""

from __future__ import annotations

import os

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = f"{os.path.dirname(os.path.dirname(__file__))}/data"  # pathlib is slow to import


@dataclass(frozen=True, slots=True)
class Table:
    """What one file holds."""

    facts: Mapping[str, str]
    """Where it comes from, and what else is true of it as a whole."""
    sections: Mapping[str, Mapping[str, str]]
    """The rows of each section: name to words, as they stand in the text."""


def read(name: str) -> Table:
    """The table ``data/NAME.tsv`` of the package.

    Raises:
        OSError: there is none.
        ValueError: it is malformed.
    """
    with open(f"{DATA}/{name}.tsv", "rb") as file:
        return parse(file.read().decode())


def parse(text: str) -> Table:
    """The table that a text holds; facts, sections and rows in its order.

    Raises:
        ValueError: it is malformed, or a section names something twice.
    """
    head, *parts = text.removesuffix("\n").split("\n[")
    facts: dict[str, str] = {}
    for line in head.split("\n"):
        fact, tab, value = line.partition("\t")
        if not (tab and fact.startswith("# ")):
            raise ValueError(f"a table begins with its facts, not with {line!r}")
        facts[fact[2:]] = value
    sections: dict[str, dict[str, str]] = {}
    for part in parts:
        title, closed, body = part.partition("]")
        rest_of_title, *lines = body.split("\n")
        # the one step that counts: a table has thousands of rows, and a handful of all else
        rows = {name: words for name, _, words in [line.partition("\t") for line in lines]}
        twice = title in sections or len(rows) < len(lines)
        if twice or not closed or rest_of_title or "" in rows:
            raise ValueError(f"section {title!r} is malformed, or names something twice")
        sections[title] = rows
    return Table(facts, sections)


def by_raw_name(rows: Mapping[str, str]) -> dict[bytes, str]:
    """The rows of a section by name as a string table holds it: raw bytes."""
    return dict(zip(map(str.encode, rows), rows.values(), strict=True))


def values(words: list[str]) -> dict[str, str]:
    """``GLIBC=2.17`` and the like, as a mapping."""
    return dict([word.split("=") for word in words])
