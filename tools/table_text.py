"""Write generated tables in the format of ``knowledge.tables``, and list changes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_abi_audit.knowledge.tables import Table, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def render(table: Table) -> str:
    """The table as text: one line for each fact and each row.

    Raises:
        ValueError: the text would not parse to the same table, for example with a tab in a name.
    """
    lines = [f"# {fact}\t{value}" for fact, value in table.facts.items()]
    for section, rows in table.sections.items():
        lines.append(f"[{section}]")
        lines += [f"{name}\t{words}" if words else name for name, words in rows.items()]
    text = "\n".join(lines) + "\n"
    if parse(text) != table:
        raise ValueError("the table cannot be written as text: a name with a tab, for example")
    return text


def load(path: Path) -> Table:
    """The table in a file; empty if there is no file yet."""
    return parse(path.read_text(encoding="utf-8")) if path.exists() else Table({}, {})


def write(path: Path, table: Table) -> None:
    """Write the table's text, with the same line endings on every system."""
    path.write_text(render(table), encoding="utf-8", newline="\n")


def differences(old: Mapping[str, str], new: Mapping[str, str], prefix: str = "") -> list[str]:
    """The changes between the facts or the rows of two tables, one line per name."""
    return [
        f"{prefix}{name}: {_shown(old.get(name))} -> {_shown(new.get(name))}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _shown(words: str | None) -> str:
    return str(words) or '""'
