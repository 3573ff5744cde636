#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/torch_releases.tsv`` from the package index.

For each final release of torch, the table has the Pythons with wheels, by the wheels' names, and
the CUDA version of the wheels for Linux and Windows, from the ``torch/version.py`` in them. That
file is read from each wheel with HTTP range requests, through the user's pip configuration.

    generate_torch_releases.py                    read every release, write the table
    generate_torch_releases.py --check            exit 1 if the committed table differs
    generate_torch_releases.py --release 2.16.0   merge one release into the committed table
"""

from __future__ import annotations

import argparse
import re
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import table_text  # noqa: E402
from tools.wheels import stated_cuda  # noqa: E402
from torch_abi_audit.knowledge import platforms  # noqa: E402
from torch_abi_audit.knowledge.tables import Table  # noqa: E402
from torch_abi_audit.model.releases import release_key  # noqa: E402
from torch_abi_audit.sources.archives.seekable import Seekable  # noqa: E402
from torch_abi_audit.sources.index.pip_config import pip_config  # noqa: E402
from torch_abi_audit.sources.index.remote_file import opener  # noqa: E402
from torch_abi_audit.sources.index.simple import listing  # noqa: E402
from torch_abi_audit.sources.index.web import Web  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_abi_audit.sources.index.pip_config import PipConfig
    from torch_abi_audit.sources.index.simple import Listed

    Wheels = list[tuple[re.Match[str], Listed]]
    """Wheels on the index, each with the parts of its name."""

TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "torch_releases.tsv"
_WHEEL = re.compile(r"torch-(\d+(?:\.\d+)+)-cp3(\d+)-(\w+)-(.+)\.whl")
PLATFORMS = [one for one in platforms.PLATFORMS if one.system is not platforms.MACOS]
"""The platforms for which CUDA exists."""


def releases(wanted: str | None) -> dict[str, str]:
    """The row of each release; only of the release ``wanted`` if given."""
    config = pip_config()
    web = Web(config)
    return {version: _row(wheels, web) for version, wheels in groups(wanted, config, web).items()}


def groups(wanted: str | None, config: PipConfig, web: Web) -> dict[str, Wheels]:
    """The wheels of each final release; only of the release ``wanted`` if given."""
    found: dict[str, Wheels] = {}
    for one in listing("torch", config, web):
        match = _WHEEL.fullmatch(one.filename)
        if match and not one.yanked and not one.is_local and wanted in {None, match[1]}:
            found.setdefault(match[1], []).append((match, one))
    return found


def wheel_for(wheels: Wheels, platform: platforms.IndexPlatform) -> Listed | None:
    """The first of these wheels that is for a platform."""
    return next((one for match, one in wheels if _is_for(match[4], platform)), None)


def _row(wheels: Wheels, web: Web) -> str:
    words = [f"3.{minor}" for minor in sorted({int(match[2]) for match, _ in wheels})]
    for platform in PLATFORMS:
        one = wheel_for(wheels, platform)
        if one is not None:
            version = _cuda(one, web)
            if version is not None:
                words.append(f"{platform.name}={version}")
    return " ".join(words)


def _is_for(tags: str, wanted: platforms.IndexPlatform) -> bool:
    """Whether a wheel with these platform tags, separated by dots, is for a platform."""
    read = filter(None, map(platforms.platform, tags.split(".")))
    return any(
        one.system == wanted.system.word and wanted.arch in one.architectures for one in read
    )


def _cuda(one: Listed, web: Web) -> str | None:
    opened = opener(web, one.url, one.size, one.sha256)
    with opened() as wheel, zipfile.ZipFile(Seekable(wheel)) as archive:
        return stated_cuda(archive, one.filename)


def document(rows: Mapping[str, str]) -> Table:
    """The table of these releases, oldest first."""
    return Table(
        {
            "about": "final releases of torch: Pythons that have wheels, CUDA that they are for",
            "generator": "tools/generate_torch_releases.py",
        },
        {"releases": {version: rows[version] for version in sorted(rows, key=release_key)}},
    )


def main() -> int:
    """Write the table, or compare it, and return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the table of torch releases.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--release", metavar="X", help="read only this release, and merge it")
    options = parser.parse_args()
    committed = table_text.load(TABLE)
    rows = releases(options.release)
    if options.release is not None:
        rows = {**committed.sections["releases"], **rows}
    wanted = document(rows)
    if not options.check:
        table_text.write(TABLE, wanted)
        return 0
    if committed == wanted:
        return 0
    print(f"{TABLE} differs from the package index", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
