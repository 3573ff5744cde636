"""The shim table: what the wheels of each release say, merged; its JSON text; what changed.

``merged`` takes the releases in any order, so that one release can be added to a committed table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tools.shim_headers import Declaration, GeneratorError
from torch_abi_audit.model import release_key

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Release:
    """What the wheels of one release say."""

    version: str
    declared: Mapping[str, Declaration]
    exported: Mapping[str, tuple[str, ...]]
    """Shim-like exports, each with the libraries that have it, by file name."""
    platforms: tuple[str, ...]
    """Platform tags of the wheels that ``exported`` was read from; none where it was not."""


@dataclass(frozen=True, slots=True)
class Row:
    """All that is known of one shim."""

    first: str
    last: str
    declaration: Declaration
    """As the newest release that declares it has it."""
    exported_by: tuple[str, ...] = ()
    """Libraries of the newest release whose exports were read."""


@dataclass(frozen=True, slots=True)
class Table:
    """The content of the data file: the union of the releases merged so far."""

    releases: tuple[str, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)
    exports_of: str | None = None
    """The release that ``exported_by`` and ``undeclared`` were read from."""
    platforms: tuple[str, ...] = ()
    """Platform tags of the wheels of that release."""
    undeclared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Shim-like exports of that release that no header declares, with their libraries."""

    def merged(self, release: Release) -> Table:
        """The table with one release added, or read again."""
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
        """Names that the table gives to a release which does not declare them."""
        key = release_key(release.version)
        return sorted(
            name
            for name, row in self.rows.items()
            if release_key(row.first) <= key <= release_key(row.last)
            and name not in release.declared
        )

    def unexported(self) -> list[str]:
        """Declared names that no wheel read exports; XPU aside, which no published wheel has."""
        return sorted(
            name
            for name, row in self.rows.items()
            if not row.exported_by and row.declaration.device != "xpu"
        )


def document(table: Table, date: str) -> dict[str, Any]:
    """The table as the JSON document that is committed."""
    exporters = sorted({row.exported_by for row in table.rows.values()})
    shims: dict[str, list[Any]] = {}
    for name in sorted(table.rows):
        row = table.rows[name]
        device, deprecated, guard = row.declaration
        last = None if row.last == table.releases[-1] else row.last
        by = exporters.index(row.exported_by)
        cells: list[Any] = [row.first, device, by, int(deprecated), guard, last]
        while not cells[-1]:
            cells.pop()
        shims[name] = cells
    return {
        "format": FORMAT,
        "about": "C functions that the headers of published torch wheels declare",
        "generator": "tools/generate_torch_shims.py",
        "date": date,
        "releases": list(table.releases),
        "exports": {"release": table.exports_of, "platforms": list(table.platforms)},
        "undeclared": {name: list(by) for name, by in table.undeclared.items()},
        "unexported": table.unexported(),
        "exporters": [list(libraries) for libraries in exporters],
        "columns": ["first", "device", "exporters", "deprecated", "guard", "last"],
        "shims": shims,
    }


def load(kept: Mapping[str, Any]) -> Table:
    """The table that a committed document holds.

    Raises:
        GeneratorError: the document has another format.
    """
    if kept["format"] != FORMAT:
        raise GeneratorError(f"the committed table has format {kept['format']}, not {FORMAT}")
    rows = {}
    for name, cells in kept["shims"].items():
        first, device, exporters, deprecated, guard, last = cells + [None] * (6 - len(cells))
        rows[name] = Row(
            first,
            last or kept["releases"][-1],
            Declaration(device, bool(deprecated), guard),
            tuple(kept["exporters"][exporters or 0]),
        )
    return Table(
        tuple(kept["releases"]),
        rows,
        kept["exports"]["release"],
        tuple(kept["exports"]["platforms"]),
        {name: tuple(libraries) for name, libraries in kept["undeclared"].items()},
    )


def render(content: Mapping[str, Any]) -> str:
    """The document as text: one line for each entry, and for each shim."""
    lines = [f"{json.dumps(k)}: {json.dumps(v)}," for k, v in content.items() if k != "shims"]
    shims = [
        f"{json.dumps(name)}:{json.dumps(cells, separators=(',', ':'))}"
        for name, cells in content["shims"].items()
    ]
    return "\n".join(["{", *lines, '"shims": {', ",\n".join(shims), "}", "}"]) + "\n"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What changed between two documents, the date aside, one line an entry."""
    lines: list[str] = []
    for key in sorted((old.keys() | new.keys()) - {"date"}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines.extend(
                f"{key}.{name}: {before.get(name)} -> {after.get(name)}"
                for name in sorted(before.keys() | after.keys())
                if before.get(name) != after.get(name)
            )
        elif before != after:
            lines.append(f"{key}: {before} -> {after}")
    return lines
