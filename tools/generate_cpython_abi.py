#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/cpython_abi.tsv``: the names of CPython's C API.

The table has two parts. The Stable ABI comes from ``abi3info``, which is made from CPython's own
manifest. The other names distinguish CPython's from names of other projects that begin with ``Py``:
they are exported by libpython, or declared by the headers beside it with ``PyAPI_FUNC`` or
``PyAPI_DATA`` (for builds that are not installed: Windows, debug, free-threaded).

A third section lists the stable names that libpython exports in releases from before the Stable ABI
had them, with the first of these releases: ``PyUnicode_AsUTF8AndSize``, stable since 3.10, resolves
on 3.6 as well. A name is listed as far back as every release in between exports it. Windows is not
covered: ``python3.dll`` forwards only what the Stable ABI of its release has.

    generate_cpython_abi.py             read the installed Pythons, add their names to the table
    generate_cpython_abi.py --check     exit 1 if the Stable ABI part differs from abi3info, or an
                                        installed Python has a name that the table lacks
    generate_cpython_abi.py --libpython /opt/python/lib/libpython3.14.so.1.0 ...

By default it reads the shared libpython of the running interpreter, and those of pyenv
(``$PYENV_ROOT``, else ``~/.pyenv``). With fewer Pythons nothing is lost: names in the committed
table stay. A ``pyodide.asm.wasm`` counts as a libpython (``npm pack pyodide`` has one of a recent
Python); its version is in the ``pyodide-lock.json`` beside it. No libpython of Windows is read:
names that only Windows has come from the headers, and in a PE file each import states its DLL.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import re
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import abi3info

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import table_text  # noqa: E402
from torch_abi_audit import formats  # noqa: E402
from torch_abi_audit.knowledge.cpython_abi import split_stem  # noqa: E402
from torch_abi_audit.knowledge.tables import Table  # noqa: E402
from torch_abi_audit.model.binary import NotALibrary  # noqa: E402
from torch_abi_audit.model.errors import AuditError  # noqa: E402
from torch_abi_audit.model.releases import release_key  # noqa: E402
from torch_abi_audit.sources.files.readable import open_readable  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "cpython_abi.tsv"

FORMAT = "1"
CPYTHON_NAME = re.compile(r"_?Py[A-Z_]\w*")
WASM_EXPORTS = 7
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#.*", re.MULTILINE)
_DECLARED = re.compile(r"\bPyAPI_(?:FUNC|DATA)\s*\([^()]*\)\s*(_?Py[A-Z_]\w*)")


class GeneratorError(Exception):
    """The table cannot be generated; the text names the file at fault."""


@dataclass(frozen=True, slots=True)
class Python:
    """One installed CPython, and the names that it exports or declares."""

    version: str
    names: frozenset[str]
    exported: frozenset[str] = frozenset()
    """The names that a shared libpython exports; empty for a build without one."""


def stable_names() -> dict[str, str]:
    """The Stable ABI: name to ``added`` and marks, ``3.2 data abi_only`` or ``3.7 MS_WINDOWS``."""
    found = {}
    for kind, table in (("", abi3info.FUNCTIONS), ("data", abi3info.DATAS)):
        for symbol, entry in table.items():
            marks = [
                f"{entry.added.major}.{entry.added.minor}",
                kind,
                "abi_only" if entry.abi_only else "",
                entry.ifdef.name if entry.ifdef else "",
            ]
            found[symbol.name] = " ".join(filter(None, marks))
    return dict(sorted(found.items()))


def declared_names(header: str) -> set[str]:
    """Names that a CPython header declares as exported, in any configuration."""
    code = _COMMENT.sub(" ", header.replace("\\\n", " "))
    return set(_DECLARED.findall(_DIRECTIVE.sub("", code)))


def default_libpythons() -> list[Path]:
    """Shared libpythons of the running interpreter and of pyenv, by version."""
    library = sysconfig.get_config_var("INSTSONAME")
    home = sysconfig.get_config_var("PYTHONFRAMEWORKPREFIX") or sysconfig.get_config_var("LIBDIR")
    found = {Path(home, library)} if library and home else set()
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found.update(pyenv.glob("versions/*/lib/libpython3.[0-9]*"))
    dynamic = {path.resolve() for path in found if path.is_file() and path.suffix != ".a"}
    return sorted(dynamic, key=lambda path: release_key(python_version(path)))


def python_version(library: Path) -> str:
    """The version, such as ``3.13``, of a libpython, a macOS framework or a Pyodide.

    Raises:
        GeneratorError: the file name does not state it.
    """
    if library.suffix == ".wasm":
        lock = json.loads(library.with_name("pyodide-lock.json").read_text(encoding="utf-8"))
        return ".".join(lock["info"]["python"].split(".")[:2])
    name = library.parent.name if library.name == "Python" else library.name
    match = re.fullmatch(r"(?:libpython)?(3\.\d+).*", name)
    if match is None:
        raise GeneratorError(f"{library}: the file name does not state the Python version")
    return match[1]


def read_python(library: Path) -> Python:
    """The exports of a libpython, and the declarations in the headers installed beside it.

    Raises:
        OSError: the library cannot be opened.
        FormatError: the library is damaged.
        GeneratorError: the file is not a libpython.
    """
    version = python_version(library)
    if library.suffix == ".wasm":
        exported = wasm_exports(library.read_bytes())
    else:
        with open_readable(library) as source:
            images = formats.read(source)
            if isinstance(images, NotALibrary):
                raise GeneratorError(f"{library} is not a library: {images.kind}")
            exported = {name for image in images for name in formats.exports(source, image)}
    names = {name.decode() for name in exported}
    dynamic = frozenset[str]() if library.suffix == ".wasm" else frozenset(names)
    for header in (library.parent.parent / "include").glob(f"python{version}*/**/*.h"):
        names |= declared_names(header.read_text(encoding="utf-8", errors="replace"))
    return Python(version, frozenset(filter(CPYTHON_NAME.fullmatch, names)), dynamic)


def wasm_exports(module: bytes) -> set[bytes]:
    """The names in the export section of a WebAssembly module (core specification, 5.5.10).

    Entry points of the standard library's extension modules, which such a build links statically,
    are left out: no libpython exports them.
    """
    position = 8  # after the magic and the version

    def number() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = module[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    found = set()
    while position < len(module):
        section = module[position]
        position += 1
        size = number()
        if section != WASM_EXPORTS:
            position += size
            continue
        for _ in range(number()):
            length = number()
            found.add(module[position : position + length])
            position += length + 1  # and the kind
            number()
    return {name for name in found if not name.startswith(b"PyInit_")}


def other_names(document: Table) -> set[str]:
    """The names outside of the Stable ABI in a table."""
    rows = document.sections.get("others", {})
    return {stem + rest for stem, rests in rows.items() for rest in rests.split()}


def early_names(stable: Mapping[str, str], pythons: Iterable[Python]) -> dict[str, str]:
    """The stable names that releases before ``added`` export, with the first such release.

    A release that was not read is taken to export what the ones before it do.
    """
    exported = {int(one.version.partition(".")[2]): one.exported for one in pythons if one.exported}
    found = {}
    for name, row in stable.items():
        first = added = int(row.split()[0].partition(".")[2])
        for minor in sorted((each for each in exported if each < added), reverse=True):
            if name not in exported[minor]:
                break
            first = minor
        if first < added:
            found[name] = f"3.{first}"
    return found


def generate(committed: Table, pythons: Iterable[Python], date: str) -> Table:
    """The table: the Stable ABI of abi3info, and the names committed before or read now."""
    stable = stable_names()
    pythons = list(pythons)
    names = {name for python in pythons for name in python.names} | other_names(committed)
    versions = {python.version for python in pythons}
    versions.update(committed.facts.get("pythons", "").split())
    others: dict[str, list[str]] = {}
    for name in sorted(names - stable.keys()):
        stem, rest = split_stem(name)
        others.setdefault(stem, []).append(rest)
    early = {**committed.sections.get("early", {})}
    for name, first in early_names(stable, pythons).items():
        early[name] = min(first, early.get(name, first), key=release_key)
    return Table(
        {
            "format": FORMAT,
            "about": "C names of CPython: the Stable ABI, and the others by their stems",
            "generator": "tools/generate_cpython_abi.py",
            "date": date,
            "abi3info": importlib.metadata.version("abi3info"),
            "newest": max((words.split()[0] for words in stable.values()), key=release_key),
            "pythons": " ".join(sorted(versions, key=release_key)),
        },
        {
            "stable": stable,
            "early": dict(sorted(early.items())),
            "others": {stem: " ".join(rests) for stem, rests in others.items()},
        },
    )


def differences(old: Table, new: Table) -> list[str]:
    """The changes between two tables, one line per entry, without dates and Python versions."""
    compared = ("format", "newest")
    before, after = ({fact: one.facts.get(fact, "") for fact in compared} for one in (old, new))
    lines = table_text.differences(before, after)
    stable = old.sections.get("stable", {}), new.sections["stable"]
    lines += table_text.differences(*stable, "stable.")
    early = old.sections.get("early", {}), new.sections["early"]
    lines += table_text.differences(*early, "early.")
    known = other_names(old)
    lines += [f"others: {name} is missing" for name in sorted(other_names(new) - known)]
    lines += [f"others: {name} must be removed" for name in sorted(known - other_names(new))]
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns 0 if done or equal, 1 if the table differs, 2 for an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument(
        "--libpython",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="read these instead of the default",
    )
    options = parser.parse_args(arguments)
    committed = table_text.load(TABLE)
    pythons = []
    try:
        for library in options.libpython or default_libpythons():
            pythons.append(read_python(library))
            print(f"Python {pythons[-1].version}: {len(pythons[-1].names)} names in {library}")
    except (GeneratorError, AuditError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    content = generate(committed, pythons, dt.datetime.now(tz=dt.UTC).date().isoformat())
    changes = differences(committed, content)
    print(*changes, f"{len(changes)} differences from {TABLE.name}", sep="\n")
    if options.check:
        return 1 if changes else 0
    if changes:
        table_text.write(TABLE, content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
