"""The shim table: the declarations and exports of all releases, merged; its rows and changes.

``merged`` accepts releases in any order, so that one release can be added to a committed table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tools import table_text
from tools.shim_headers import Declaration, GeneratorError
from torch_abi_audit.knowledge import tables
from torch_abi_audit.model.releases import release_key

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "1"


@dataclass(frozen=True, slots=True)
class Release:
    """The declarations and exports in the wheels of one release."""

    version: str
    declared: Mapping[str, Declaration]
    exported: Mapping[str, tuple[str, ...]]
    """Exports that look like shims, each with the file names of the libraries that export it."""
    platforms: tuple[str, ...]
    """Platform tags of the wheels whose exports were read; empty if none were."""


@dataclass(frozen=True, slots=True)
class Row:
    """The merged facts about one shim."""

    first: str
    last: str
    declaration: Declaration
    """The declaration in the newest release that has one."""
    exported_by: tuple[str, ...] = ()
    """Libraries that export the shim in the newest release whose exports were read."""


@dataclass(frozen=True, slots=True)
class Table:
    """The contents of the data file: the union of all releases merged so far."""

    releases: tuple[str, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)
    exports_of: str | None = None
    """The release whose exports are in ``exported_by`` and ``undeclared``."""
    platforms: tuple[str, ...] = ()
    """Platform tags of the wheels of that release."""
    undeclared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Exports of that release that look like shims but are in no header, with their libraries."""

    def merged(self, release: Release) -> Table:
        """The table with one release added or replaced."""
        version = release.version
        rows = dict(self.rows)
        for name, declaration in release.declared.items():
            exported_by = self.undeclared.get(name, ())
            row = rows.get(name) or Row(version, version, declaration, exported_by)
            newest = release_key(version) >= release_key(row.last)
            rows[name] = replace(
                row,
                first=min(row.first, version, key=release_key),
                last=max(row.last, version, key=release_key),
                declaration=declaration if newest else row.declaration,
            )
        releases = tuple(sorted({*self.releases, version}, key=release_key))
        undeclared = {name: by for name, by in self.undeclared.items() if name not in rows}
        table = replace(self, releases=releases, rows=rows, undeclared=undeclared)
        if not release.platforms or release_key(version) < release_key(self.exports_of or "0"):
            return table
        by = release.exported
        return replace(
            table,
            rows={name: replace(row, exported_by=by.get(name, ())) for name, row in rows.items()},
            exports_of=version,
            platforms=release.platforms,
            undeclared={name: by[name] for name in sorted(by) if name not in rows},
        )

    def absent(self, release: Release) -> list[str]:
        """Names that the release should declare according to the table, but does not."""
        key = release_key(release.version)
        return sorted(
            name
            for name, row in self.rows.items()
            if release_key(row.first) <= key <= release_key(row.last)
            and name not in release.declared
        )

    def unexported(self) -> list[str]:
        """Declared names that no wheel exports, without XPU, which no published wheel supports."""
        return sorted(
            name
            for name, row in self.rows.items()
            if not row.exported_by and row.declaration.device != "xpu"
        )


def document(table: Table, date: str) -> tables.Table:
    """The table for the data file: first release, device, exporters and marks of each shim."""
    exporters = sorted({row.exported_by for row in table.rows.values()})
    shims = {}
    for name in sorted(table.rows):
        row = table.rows[name]
        device, deprecated, guard = row.declaration
        marks = [
            "deprecated" if deprecated else "",
            f"guard={guard}" if guard else "",
            "" if row.last == table.releases[-1] else f"last={row.last}",
        ]
        cells = [row.first, device, str(exporters.index(row.exported_by)), *filter(None, marks)]
        shims[name] = " ".join(cells)
    return tables.Table(
        {
            "format": FORMAT,
            "about": "C functions that the headers of published torch wheels declare",
            "generator": "tools/generate_torch_shims.py",
            "date": date,
            "releases": " ".join(table.releases),
            "exports_of": table.exports_of or "",
            "platforms": " ".join(table.platforms),
            "words": "first device exporters [deprecated] [guard=] [last=]",
        },
        {
            "undeclared": {name: " ".join(by) for name, by in table.undeclared.items()},
            "unexported": dict.fromkeys(table.unexported(), ""),
            "exporters": {str(number): " ".join(by) for number, by in enumerate(exporters)},
            "shims": shims,
        },
    )


def load(kept: tables.Table) -> Table:
    """The table in a committed data file.

    Raises:
        GeneratorError: the file has another format version.
    """
    if kept.facts["format"] != FORMAT:
        raise GeneratorError(f"the committed table has format {kept.facts['format']}, not {FORMAT}")
    releases = tuple(kept.facts["releases"].split())
    exporters = kept.sections["exporters"]
    rows = {}
    for name, words in kept.sections["shims"].items():
        first, device, by, *marks = words.split()
        said = dict(mark.partition("=")[::2] for mark in marks)
        rows[name] = Row(
            first,
            said.get("last", releases[-1]),
            Declaration(device, "deprecated" in said, said.get("guard")),
            tuple(exporters[by].split()),
        )
    return Table(
        releases,
        rows,
        kept.facts["exports_of"] or None,
        tuple(kept.facts["platforms"].split()),
        {name: tuple(by.split()) for name, by in kept.sections["undeclared"].items()},
    )


def differences(old: tables.Table, new: tables.Table) -> list[str]:
    """The changes between two data files, except the date, one line per entry."""
    lines = table_text.differences(old.facts, {**new.facts, "date": old.facts.get("date", "")})
    for section in sorted(old.sections.keys() | new.sections.keys()):
        before, after = old.sections.get(section, {}), new.sections.get(section, {})
        lines += table_text.differences(before, after, f"{section}.")
    return lines
