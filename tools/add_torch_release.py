#!/usr/bin/env python3
"""Update all generated files for a new torch release, or check them.

    add_torch_release.py 2.16.0             run the generators for the release, in order, and print
                                            what is left to do by hand
    add_torch_release.py --check            run every generator's --check
    add_torch_release.py --check 2.16.0     the same, reading only this release where possible
    add_torch_release.py --check --offline  run only the checks without network and compiler

Exit code 0: done, or nothing differs; 1: a generated file differs; 2: a generator failed. Adding a
release downloads about 2 GB, which are deleted as soon as they are read, and needs g++.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from torch_abi_audit.knowledge import (  # noqa: E402
    export_index,
    operators,
    replacements,
    torch_gpus,
    torch_shims,
)
from torch_abi_audit.knowledge.torch_releases import torch_releases  # noqa: E402
from torch_abi_audit.model.releases import release_key  # noqa: E402

DATA = ROOT / "src" / "torch_abi_audit" / "data"
RELEASES = DATA / "torch_releases.tsv"


@dataclass(frozen=True, slots=True)
class Step:
    """One generator."""

    program: Path
    writes: tuple[Path, ...]
    of_torch: bool = True
    """Whether a new torch release changes the files that the generator writes."""
    by_release: bool = False
    """Whether the generator has the option ``--release``."""
    offline: tuple[str, ...] | None = None
    """Options to add to ``--check`` without a network; None if it cannot check offline."""


STEPS = (
    Step(TOOLS / "generate_torch_shims.py", (DATA / "torch_shims.tsv",), by_release=True),
    Step(TOOLS / "generate_torch_releases.py", (RELEASES,), by_release=True),
    Step(TOOLS / "generate_torch_gpus.py", (DATA / "torch_gpus.tsv",), by_release=True),
    Step(
        TOOLS / "generate_export_index.py",
        tuple(sorted(DATA.glob("exports-*.idx"))),
        by_release=True,
    ),
    Step(
        TOOLS / "generate_bundled_exports.py",  # from the wheels that the export index kept
        tuple(sorted(DATA.glob("bundled-*.idx"))),
        by_release=True,
    ),
    Step(
        TOOLS / "generate_replacements.py",  # reads the table of shims; takes the longest
        (DATA / "torch_replacements.json",),
        offline=("--source-only",),
    ),
    Step(
        TOOLS / "generate_spellings.py",  # names rows of the replacements
        (DATA / "torch_spellings.json",),
        offline=("--source-only",),
    ),
    Step(TOOLS / "generate_operators.py", (DATA / "operator_schemas.idx",)),
    Step(TOOLS / "generate_torch_names.py", (DATA / "torch_names.tsv",)),
    Step(
        TOOLS / "generate_cpython_abi.py", (DATA / "cpython_abi.tsv",), of_torch=False, offline=()
    ),
    Step(
        TOOLS / "generate_platform_policies.py",
        (DATA / "platform_policies.tsv",),
        of_torch=False,
        offline=(),
    ),
    Step(TOOLS / "generate_old_exports.py", (DATA / "old_exports.idx",), of_torch=False),
    Step(TOOLS / "generate_nvidia_packages.py", (DATA / "nvidia_packages.tsv",)),
    Step(TOOLS / "generate_nvidia_functions.py", (DATA / "nvidia_functions.tsv",)),
    Step(
        TOOLS / "generate_cuda_toolkits.py",
        (DATA / "cuda_toolkits.tsv",),
        of_torch=False,
        offline=("--source-only",),
    ),
    Step(TOOLS / "generate_gpus.py", (DATA / "gpus.tsv",), of_torch=False, offline=()),
    Step(
        TOOLS / "generate_rules_page.py",
        (ROOT / "docs" / "rules.md",),
        of_torch=False,
        offline=(),
    ),
    Step(
        TOOLS / "generate_cli_page.py",
        (ROOT / "docs" / "cli.md",),
        of_torch=False,
        offline=(),
    ),
)
"""The generators in the order in which they run: each may read the output of earlier ones."""

_SUFFIXES = {".md", ".py", ".txt", ".json"}
"""Of the files that may name a release and that no program writes."""


def check(steps: Sequence[Step], release: str | None, *, offline: bool) -> int:
    """Compare the tables with each other, and run the generators with ``--check``.

    Returns the worst of the exit codes.
    """
    known = newest_releases()
    worst = 0 if len(set(known.values())) == 1 else 1
    print("== the newest release in each table")
    print(*(f"   {name}: {release}" for name, release in known.items()), sep="\n", flush=True)
    for step in steps:
        words = ["--check"]
        if offline:
            if step.offline is None:
                print(f"== {step.program.name}: needs the network, not checked", flush=True)
                continue
            words += step.offline
        elif release is not None and step.by_release:
            words += ["--release", release]
        worst = max(worst, run(step, words))
    return worst


def add(steps: Sequence[Step], release: str) -> int:
    """Run the generators of files that depend on torch; stop at the first that fails."""
    for step in steps:
        if not step.of_torch:
            continue
        before = [path.read_bytes() for path in step.writes]
        code = run(step, ["--release", release] if step.by_release else [])
        if code:
            print(f"{step.program.name} failed with exit code {code}: later generators did not run")
            return code
        for path, old in zip(step.writes, before, strict=True):
            change = "unchanged" if path.read_bytes() == old else "written"
            print(f"   {path.relative_to(ROOT)}: {change}", flush=True)
    return 0


def run(step: Step, words: Sequence[str]) -> int:
    """Run a generator, show its output, and return its exit code."""
    print(f"== {step.program.name} {' '.join(words)}".rstrip(), flush=True)
    return subprocess.run([sys.executable, str(step.program), *words], check=False).returncode


def by_hand(previous: str, release: str) -> Iterator[str]:
    """The steps that no generator does, one line each."""
    yield f"read the headers of {release} for new stable APIs: add rows to tools/replacements.toml"
    yield f"add the builds of {release} for Windows and ROCm to tools/torch_builds.toml"
    yield (
        f"add {release} to TORCHES in tools/compare_with_loader.py, and run that script with "
        "--markdown docs/loader.md"
    )
    yield "run UPDATE_SNAPSHOTS=1 python -m pytest tests/cli, and read the difference"
    yield "add a line to CHANGELOG.md"
    written = {
        ROOT / "tests" / "cli" / "snapshots",
        *(path for one in STEPS for path in one.writes),
    }
    named = re.compile(rf"(?<![\d.]){re.escape(previous)}(?![\d.]*\d)")
    for home in ("README.md", "docs", "src", "tests"):
        place = ROOT / home
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.suffix not in _SUFFIXES or not path.is_file():
                continue
            if written.isdisjoint((path, *path.parents)):
                count = len(named.findall(path.read_text(encoding="utf-8")))
                if count:
                    where = path.relative_to(ROOT).as_posix()
                    yield f"{where} names {previous} {count} times: should it name {release} now?"


def newest_releases() -> dict[str, str]:
    """Each table of torch releases, to the newest release in it: all must be equal.

    The replacements are only verified with the first release of each minor version, and the schemas
    of operators only read from it; they count as equal to the shims if the minor version is the
    same.
    """
    shims = max(torch_shims.shim_releases(), key=release_key)

    def compared(of_minors: Sequence[str]) -> str:
        newest = max(of_minors, key=release_key)
        return shims if shims.rpartition(".")[0] == newest.rpartition(".")[0] else newest

    return {
        "torch_shims": shims,
        "torch_replacements": compared(replacements.header_releases()),
        "operator_schemas": compared(operators.releases()),
        "torch_releases": torch_releases()[-1].version,
        "torch_gpus": torch_gpus.releases()[-1],
        **{
            f"exports-{platform}": export_index.releases(platform)[-1].version
            for platform in export_index.platforms()
        },
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the program, and return the exit code that the module's docstring describes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("release", nargs="?", metavar="X.Y.Z")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--offline", action="store_true", help="with --check: use no network")
    options = parser.parse_args(arguments)
    if options.release is not None and not re.fullmatch(r"\d+\.\d+\.\d+", options.release):
        parser.error(f"{options.release} is not a release: write X.Y.Z, such as 2.16.0")
    if options.check:
        return check(STEPS, options.release, offline=options.offline)
    if options.release is None or options.offline:
        parser.error("give a release, or --check")
    previous = newest_releases()["torch_releases"]
    code = add(STEPS, options.release)
    if code == 0:
        print("Left to do by hand:")
        print(*(f"- {line}" for line in by_hand(previous, options.release)), sep="\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
