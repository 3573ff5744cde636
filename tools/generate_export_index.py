#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/exports-PLATFORM.idx`` from published torch wheels.

The files list, for every final release since 2.4.0 on Linux x86_64 and aarch64, macOS arm64 and
Windows x86_64, the names that each of torch's own libraries exports, and the build's CUDA version.

    generate_export_index.py                       read every release, write the files
    generate_export_index.py --check               read every release, exit 1 if a file differs
    generate_export_index.py --release 2.16.0      add one release to the committed files
    generate_export_index.py --check --release 2.11.0 --platform win_amd64      verify one release

``pip download`` fetches one wheel at a time, which is deleted as soon as it is read. ``--cache``
keeps all exported names, so that an interrupted run resumes, and a change of ``is_kept`` needs no
new downloads. The first run downloads about 30 GB.

The index keeps the names that an extension can import, as ``export_contents.is_kept`` decides.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools.export_contents import contents, differences, merged  # noqa: E402
from tools.torch_wheels import PLATFORMS, Wheel, cached  # noqa: E402
from tools.wheels import WheelError, final_releases  # noqa: E402
from torch_abi_audit.knowledge.export_file import ExportFile, IndexFileError, pack  # noqa: E402
from torch_abi_audit.knowledge.export_index import DATA  # noqa: E402

if TYPE_CHECKING:
    from tools.export_contents import Contents

OLDEST = "2.4.0"
CACHE = Path.home() / ".cache" / "torch-abi-audit-index"
LIMIT = 3_000_000  # most bytes of all files together


def path_of(platform: str) -> Path:
    """The path of a platform's committed index."""
    return DATA / f"exports-{platform}.idx"


def committed(path: Path) -> Contents:
    """The contents of a committed file; empty if there is none."""
    if not path.exists():
        return [], {}
    file = ExportFile(path.read_bytes())
    return list(file.releases), {name: dict(each.by_library) for name, each in file.names()}


def update(platform: str, path: Path, fresh: Contents, options: argparse.Namespace) -> bool:
    """Update one platform's file, or with ``--check`` only print the differences.

    Returns whether there are any.
    """
    old = committed(path)
    if options.release:
        fresh = merged(old, fresh)
    changes = differences(old, fresh)
    print(f"{platform}: {len(fresh[0])} releases, {len(fresh[1])} names, {len(changes)} changes")
    print(*(f"  {line}" for line in changes), sep="\n", end="\n" if changes else "")
    if changes and not options.check:
        data = pack(platform, *fresh)
        path.write_bytes(data)
        print(f"  wrote {len(data)} bytes")
    return bool(changes)


def read(version: str, platform: str, cache: Path) -> Wheel:
    """One wheel, from the cache or the package index."""
    print(f"{platform}: torch {version}", file=sys.stderr)
    return cached(cache, version, platform)


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns 0 if done or equal, 1 if a file differs, 2 for an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--release", metavar="X", help="read only this release, and merge it")
    parser.add_argument("--platform", choices=PLATFORMS, help="only this platform")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        default=CACHE,
        help=f"keep exported names in DIR [{CACHE}]",
    )
    options = parser.parse_args(arguments)
    try:
        versions = [options.release] if options.release else final_releases("torch", OLDEST)
        chosen = [options.platform] if options.platform else list(PLATFORMS)
        changed = []
        for platform in chosen:
            fresh = contents(read(version, platform, options.cache) for version in versions)
            if update(platform, path_of(platform), fresh, options):
                changed.append(platform)
    except (WheelError, IndexFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in map(path_of, PLATFORMS) if path.exists())
    print(f"{size} bytes in all" + (f": more than the limit of {LIMIT}" if size > LIMIT else ""))
    return 1 if size > LIMIT or (options.check and changed) else 0


if __name__ == "__main__":
    sys.exit(main())
