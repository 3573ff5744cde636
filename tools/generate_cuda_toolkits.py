#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/cuda_toolkits.tsv``: what CUDA toolkits and drivers know.

The versions of PTX, the architectures and the families of architectures are measured: the
assembler in the newest wheel of each minor version of NVIDIA's compiler on the package index (since
11.7) says which version of PTX and which architectures it knows, and which of them it assembles
code of a family for. Drivers, and what older toolkits know, come from NVIDIA's documents, by way of
``tools/cuda_toolkits.toml``; its PTX versions must be those measured.

    generate_cuda_toolkits.py                   measure (about 600 MB of downloads), write the table
    generate_cuda_toolkits.py --check           exit 1 if the committed table differs
    generate_cuda_toolkits.py --check --source-only
                                                compare what follows from the documents alone

The assemblers are programs for Linux on x86-64, which this program runs.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import table_text, wheels  # noqa: E402
from torch_abi_audit.knowledge import platforms  # noqa: E402
from torch_abi_audit.knowledge.tables import Table  # noqa: E402
from torch_abi_audit.model.device_code import target_key  # noqa: E402
from torch_abi_audit.model.releases import minor_of, release_key  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    Source = Mapping[str, Mapping[str, Mapping[str, str]]]

SOURCE = ROOT / "tools" / "cuda_toolkits.toml"
TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "cuda_toolkits.tsv"
COMPILERS = ("nvidia-cuda-nvcc-cu11", "nvidia-cuda-nvcc-cu12", "nvidia-cuda-nvcc")
"""The distributions with ``ptxas``: for CUDA 11, for CUDA 12, and for CUDA 13 and later."""
_TOO_NEW = "99.9"
"""A version of PTX that no assembler knows: each says which one is its newest."""
_NEWEST = re.compile(r"Unsupported \.version .*; current version is '(\d+\.\d+)'")
_NAMES = re.compile(r"'sm_(\d+[af]?)'")
_KERNEL = ".version {isa}\n.target {target}\n.address_size 64\n.visible .entry k() {{ ret; }}\n"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the assembler of a toolkit knows."""

    ptx: str
    """The newest version of PTX."""
    targets: frozenset[str]
    """Architectures: ``sm_90``, ``sm_90a``, ``sm_100f``."""
    families: Mapping[str, tuple[str, ...]]
    """Each ``f`` architecture, to those that its code can be assembled for."""
    renamed: Mapping[str, str]
    """Each ``a`` architecture that older toolkits know by another name, to the name of this one."""


@dataclass(frozen=True, slots=True)
class Assembler:
    """A ``ptxas`` program."""

    program: Path

    def measure(self, exact: Collection[str] = ()) -> Measured:
        """Ask it for everything.

        Args:
            exact: Architectures of older toolkits for which code is made that runs on nothing else.

        Raises:
            ValueError: it does not answer as expected.
        """
        shown = "".join(self._run("--help").stdout.split())
        targets = frozenset(f"sm_{name}" for name in _NAMES.findall(shown))
        plain = sorted((one for one in targets if one[-1].isdecimal()), key=target_key)
        newest = _NEWEST.search(self._assemble(_TOO_NEW, plain[0], plain[0]) if plain else "")
        if newest is None:
            raise ValueError(f"{self.program} does not tell its architectures and PTX version")
        families = {
            family: tuple(one for one in plain if not self._assemble(newest[1], family, one))
            for family in sorted(targets, key=target_key)
            if family.endswith("f")
        }
        renamed = {
            old: new
            for old in set(exact) - targets
            for new in targets
            if new.endswith("a") and not self._assemble(newest[1], old, new)
        }
        return Measured(newest[1], targets, families, renamed)

    def _assemble(self, isa: str, target: str, arch: str) -> str:
        """Its complaint about a kernel written for ``target``, made into code for ``arch``."""
        source = self.program.with_suffix(".ptx")
        source.write_text(_KERNEL.format(isa=isa, target=target))
        ran = self._run(f"-arch={arch}", "-o", str(self.program.with_suffix(".cubin")), str(source))
        return ran.stderr if ran.returncode else ""

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.program), *words], capture_output=True, text=True, check=False
        )


def newest_compilers() -> dict[str, tuple[str, str]]:
    """Each toolkit with a compiler on the index, to its distribution and its newest release."""
    found: dict[str, tuple[str, str]] = {}
    for distribution in COMPILERS:
        for release in wheels.final_releases(distribution, "11.0"):
            found[minor_of(release)] = distribution, release
    return dict(sorted(found.items(), key=lambda one: release_key(one[0])))


def measure_all(compilers: Mapping[str, tuple[str, str]]) -> dict[str, Measured]:
    """What the assembler of each toolkit knows, oldest first.

    Raises:
        WheelError: a wheel cannot be downloaded.
        ValueError: one has no assembler, or one that does not answer as expected.
    """
    found: dict[str, Measured] = {}
    exact: set[str] = set()
    for release, compiler in compilers.items():
        found[release] = measured(*compiler, exact)
        exact |= {one for one in found[release].targets if one.endswith("a")}
    return found


def measured(distribution: str, release: str, exact: Collection[str]) -> Measured:
    """What the assembler in a published wheel knows.

    Raises:
        WheelError: the wheel cannot be downloaded.
        ValueError: it has no assembler, or one that does not answer as expected.
    """
    tags = next(one for one in platforms.PLATFORMS if one.name == "linux_x86_64").wheel_tags
    with tempfile.TemporaryDirectory() as temporary:
        wheel = wheels.download(distribution, release, tags, Path(temporary))
        with zipfile.ZipFile(wheel) as archive:
            member = next((n for n in archive.namelist() if n.endswith("/bin/ptxas")), None)
            if member is None:
                raise ValueError(f"{wheel.name} has no ptxas")
            program = Path(archive.extract(member, temporary))
        program.chmod(0o755)
        return Assembler(program).measure(exact)


def document(source: Source, toolkits: Mapping[str, Measured]) -> Table:
    """The table.

    Raises:
        ValueError: the source and the compilers differ, or the source lacks a toolkit.
    """
    for release, one in toolkits.items():
        stated = source["toolkits"].get(release, {}).get("ptx")
        if stated != one.ptx:
            raise ValueError(f"CUDA {release} has PTX {one.ptx}, and {SOURCE.name} says {stated}")
    return Table(
        {
            "about": "CUDA toolkits: PTX version, drivers, architectures",
            "generator": "tools/generate_cuda_toolkits.py",
            "measured": " ".join(toolkits),
            **{f"source of {name}": str(url) for name, url in source["sources"].items()},
        },
        {
            **documented(source),
            "architectures": architectures(source, toolkits),
            "families": families(toolkits),
            "renamed": renamed(toolkits),
        },
    )


def documented(source: Source) -> dict[str, dict[str, str]]:
    """The sections that the documents alone determine."""
    return {
        name: {release: _words(row) for release, row in source[name].items()}
        for name in ("toolkits", "majors")
    }


def architectures(source: Source, toolkits: Mapping[str, Measured]) -> dict[str, str]:
    """Each architecture, to the toolkit that is the first to know it, and to know it no longer."""
    first = {f"sm_{one}": release for release, one in _each(source["first"])}
    dropped = {f"sm_{one}": release for release, one in _each(source["dropped"])}
    before = set(first) - set(dropped)
    for release, now in toolkits.items():
        first |= {one: release for one in now.targets if one not in first}
        dropped |= dict.fromkeys(before - now.targets, release)
        before = (before - set(dropped)) | now.targets
    return {
        one: _words(
            {
                name: releases[one]
                for name, releases in (("first", first), ("dropped", dropped))
                if one in releases
            }
        )
        for one in sorted(first.keys() | dropped.keys(), key=target_key)
    }


def families(toolkits: Mapping[str, Measured]) -> dict[str, str]:
    """Each architecture of a family, to the GPUs that run its code, by all toolkits that know it.

    Raises:
        ValueError: a toolkit no longer assembles for a GPU that an older one assembles for.
    """
    found: dict[str, tuple[str, ...]] = {}
    for release, now in toolkits.items():
        for family, members in now.families.items():
            if not set(found.get(family, ())) <= set(members):
                raise ValueError(f"CUDA {release} has another family {family}: {members}")
            found[family] = members
    return {family: " ".join(found[family]) for family in sorted(found, key=target_key)}


def renamed(toolkits: Mapping[str, Measured]) -> dict[str, str]:
    """Each architecture that newer toolkits call otherwise, to its name there, without suffixes."""
    return {
        old.removesuffix("a"): new.removesuffix("a")
        for now in toolkits.values()
        for old, new in sorted(now.renamed.items())
    }


def _each(rows: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for release, names in rows.items():
        yield from ((release, name) for name in str(names).split())


def _words(row: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in row.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table, or compare it, and return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the table of CUDA toolkits.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument(
        "--source-only", action="store_true", help="with --check: only what documents say"
    )
    options = parser.parse_args(arguments)
    if options.source_only and not options.check:
        parser.error("--source-only needs --check")
    source = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    committed = table_text.load(TABLE)
    if options.source_only:
        wanted = documented(source)
    else:
        table = document(source, measure_all(newest_compilers()))
        if not options.check:
            table_text.write(TABLE, table)
            return 0
        if table == committed:
            return 0
        wanted = {name: dict(rows) for name, rows in table.sections.items()}
    changes = [
        line
        for name, rows in wanted.items()
        for line in table_text.differences(committed.sections.get(name, {}), rows, f"{name} ")
    ]
    if options.source_only and not changes:
        return 0
    print(*changes, sep="\n")
    print(f"{TABLE} differs from its sources", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
