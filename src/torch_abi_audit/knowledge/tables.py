"""The generated tables in ``data/``: plain text, parsed only with methods of ``str``.

A file begins with its facts, ``# date<TAB>2026-11-22``. Its sections follow: a line ``[shims]``,
then one row per line: a name, a tab, and words separated by spaces; a name without words has no
tab. ``tools/table_text.py`` writes such files. JSON would do as well, but importing ``json`` takes
nearly as long as starting the interpreter.
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
    """The contents of one file."""

    facts: Mapping[str, str]
    """Facts about the table as a whole, such as its source."""
    sections: Mapping[str, Mapping[str, str]]
    """The rows of each section: name to words, which are not split."""


def read(name: str) -> Table:
    """The table ``data/NAME.tsv`` of this package.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is malformed.
    """
    with open(f"{DATA}/{name}.tsv", "rb") as file:
        return parse(file.read().decode())


def parse(text: str) -> Table:
    """The table in a text, with facts, sections and rows in the same order.

    Raises:
        ValueError: the text is malformed, or a name occurs twice in a section.
    """
    head, *parts = text.removesuffix("\n").split("\n[")
    facts: dict[str, str] = {}
    for line in head.split("\n"):
        fact, tab, value = line.partition("\t")
        if not (tab and fact.startswith("# ")):
            raise ValueError(f"a table begins with its facts, not with the line {line!r}")
        facts[fact[2:]] = value
    sections: dict[str, dict[str, str]] = {}
    for part in parts:
        title, closed, body = part.partition("]")
        rest_of_title, *lines = body.split("\n")
        # the only step that takes time: a table has thousands of rows, and little else
        rows = {name: words for name, _, words in [line.partition("\t") for line in lines]}
        twice = title in sections or len(rows) < len(lines)
        if twice or not closed or rest_of_title or "" in rows:
            raise ValueError(f"section {title!r} is malformed, or has a name twice")
        sections[title] = rows
    return Table(facts, sections)


def by_raw_name(rows: Mapping[str, str]) -> dict[bytes, str]:
    """The rows of a section, with names as bytes, as in string tables."""
    return dict(zip(map(str.encode, rows), rows.values(), strict=True))


def values(words: list[str]) -> dict[str, str]:
    """A mapping from words such as ``GLIBC=2.17``."""
    return dict([word.split("=") for word in words])
