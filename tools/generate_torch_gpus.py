#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/torch_gpus.tsv``: the GPUs that torch's builds are made for.

Of each final release, the wheels for CUDA on the package index are read with range requests,
through the user's pip configuration: see ``torch_kernels``. The builds for other CUDA releases, for
Windows and for ROCm are not there: ``torch_builds.toml`` has them. Since 2.13, the wheels have a
table of all builds for Linux, which is read instead.

    generate_torch_gpus.py                       read every release, write the table
    generate_torch_gpus.py --check               exit 1 if the committed table differs
    generate_torch_gpus.py --release 2.16.0      merge one release into the committed table
    generate_torch_gpus.py --fatbins 2.9.1 ...   hold the table to the fat binaries of releases

A run downloads 10 MB of each wheel, and 500 MB of the nine before 1.6; ``--cache`` keeps what was
read. ``--fatbins`` downloads 300 to 700 MB of each wheel. Exit code 2: a source is missing, or two
contradict each other.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import generate_torch_releases, table_text, torch_builds, torch_kernels  # noqa: E402
from tools.wheels import WheelError  # noqa: E402
from torch_abi_audit.knowledge.tables import Table  # noqa: E402
from torch_abi_audit.knowledge.torch_gpus import Source  # noqa: E402
from torch_abi_audit.model.errors import AuditError  # noqa: E402
from torch_abi_audit.model.releases import release_key  # noqa: E402
from torch_abi_audit.sources.index.pip_config import pip_config  # noqa: E402
from torch_abi_audit.sources.index.web import Web  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tools.generate_torch_releases import Wheels
    from torch_abi_audit.sources.index.simple import Listed

    Rows = dict[str, str]
    """``2.9.1 linux_x86_64 cuda12.8``, to ``sm_70 sm_75``."""

TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "torch_gpus.tsv"
CACHE = Path.home() / ".cache" / "torch-abi-audit-gpus"


def measured(groups: Mapping[str, Wheels], web: Web, cache: Path) -> tuple[Rows, Rows]:
    """The rows of the wheels, and those of the builds in the tables that newer wheels have.

    Raises:
        WheelError: the architectures of a wheel cannot be read.
        OSError: a wheel cannot be read.
    """
    rows: Rows = {}
    stated: Rows = {}
    for release, platform, one in _cuda_wheels(groups):
        kernels = torch_kernels.read(one, web, cache)
        if kernels.cuda is None:
            continue
        print(f"{platform}: torch {release}", file=sys.stderr)
        targets = kernels.flags or torch_kernels.own(torch_kernels.kernel_sets(one, web, cache))
        rows[f"{release} {platform} cuda{kernels.cuda}"] = " ".join(targets)
        if release_key(release) >= release_key(torch_builds.FIRST_STATED):
            stated |= torch_builds.stated(release, platform, kernels.code)
    return rows, stated


def _cuda_wheels(groups: Mapping[str, Wheels]) -> Iterator[tuple[str, str, Listed]]:
    for release in sorted(groups, key=release_key):
        for platform in generate_torch_releases.PLATFORMS:
            one = generate_torch_releases.wheel_for(groups[release], platform)
            if one is not None:
                yield release, platform.name, one


def document(wheels: Mapping[str, str], scripts: Mapping[str, str]) -> Table:
    """The table of these rows; a build on the package index is only listed as such.

    Raises:
        WheelError: a script does not agree with the wheel that it built.
    """
    wrong = [
        f"{name}: the wheel has {targets}, its script {scripts[name]}"
        for name, targets in wheels.items()
        if scripts.get(name, targets) != targets
    ]
    if wrong:
        raise WheelError("\n".join(wrong))
    others = {name: targets for name, targets in scripts.items() if name not in wheels}
    return Table(
        {
            "about": "builds of final releases of torch, and what get_arch_list answers in them",
            "generator": "tools/generate_torch_gpus.py",
            Source.WHEEL: "libtorch_python.so of the wheel on the package index; before 1.6, the "
            "fat binaries in it",
            Source.SCRIPT: "torch/cuda/__init__.py of wheels since "
            f"{torch_builds.FIRST_STATED}, and for others as follows",
            **torch_builds.sources(),
        },
        {Source.WHEEL: _sorted(wheels), Source.SCRIPT: _sorted(others)},
    )


def _sorted(rows: Mapping[str, str]) -> Rows:
    def order(name: str) -> tuple[object, ...]:
        release, platform, build = name.split(" ")
        kind = build.rstrip("0123456789.")
        return release_key(release), platform, kind, release_key(build.removeprefix(kind))

    return {name: rows[name] for name in sorted(rows, key=order)}


def _kept(scripts: Mapping[str, str]) -> Rows:
    """The rows that the tables in wheels gave; ``torch_builds.toml`` is always read anew."""
    oldest = release_key(torch_builds.FIRST_STATED)
    words = {name: name.split(" ") for name in scripts}
    return {
        name: scripts[name]
        for name, (release, platform, build) in words.items()
        if release_key(release) >= oldest
        and platform.startswith("linux")
        and build.startswith("cuda")
    }


def contradictions(releases: list[str], web: Web, cache: Path, groups: Mapping[str, Wheels]) -> int:
    """Hold the committed table to the fat binaries of some releases; returns how many rows fail.

    Raises:
        WheelError: the device code of a wheel cannot be read.
        OSError: a wheel cannot be read.
    """
    rows = table_text.load(TABLE).sections[Source.WHEEL]
    failed = 0
    for release, platform, one in _cuda_wheels({each: groups[each] for each in releases}):
        cuda = torch_kernels.read(one, web, cache).cuda
        if cuda is not None:
            targets = tuple(rows[f"{release} {platform} cuda{cuda}"].split())
            sets = torch_kernels.kernel_sets(one, web, cache)
            print(f"{release} {platform}: {' '.join(targets)}")
            for some, count in sets.items():
                more = " ".join(each for each in some if each not in targets)
                less = " ".join(each for each in targets if each not in some)
                print(
                    f"  {count} fat binaries"
                    + (f" +{more}" if more else "")
                    + (f" -{less}" if less else "")
                )
            failed += targets not in sets
    return failed


def main() -> int:
    """Write the table, or compare it, and return the exit code."""
    parser = argparse.ArgumentParser(
        description="Generate the table of the GPUs of torch's builds."
    )
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--release", metavar="X", help="read only this release, and merge it")
    parser.add_argument(
        "--fatbins", nargs="+", metavar="X", help="hold the table to these releases"
    )
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIR", help=f"[{CACHE}]")
    options = parser.parse_args()
    committed = table_text.load(TABLE)
    try:
        config = pip_config()
        web = Web(config)
        groups = generate_torch_releases.groups(options.release, config, web)
        if options.fatbins:
            return int(contradictions(options.fatbins, web, options.cache, groups) > 0)
        wheels, stated = measured(groups, web, options.cache)
        if options.release is not None:
            wheels = {**committed.sections.get(Source.WHEEL, {}), **wheels}
            stated = {**_kept(committed.sections.get(Source.SCRIPT, {})), **stated}
        releases = sorted({name.split(" ")[0] for name in wheels}, key=release_key)
        wanted = document(wheels, {**stated, **torch_builds.listed(releases)})
    except (WheelError, AuditError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not options.check:
        table_text.write(TABLE, wanted)
        return 0
    if committed == wanted:
        return 0
    for section in Source:
        old = committed.sections.get(section, {})
        changes = table_text.differences(old, wanted.sections[section])
        print(*changes, sep="\n", file=sys.stderr)
    print(f"{TABLE} differs from the wheels and tools/torch_builds.toml", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
