#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/exports-PLATFORM.idx`` from published torch wheels.

Every final release since 2.4.0, for Linux x86_64 and aarch64, macOS arm64 and Windows x86_64: which
of torch's own libraries export which names, and the CUDA version of the build.

    generate_export_index.py                       read every release, write the files
    generate_export_index.py --check               read every release, exit 1 if a file differs
    generate_export_index.py --release 2.16.0      add one release to the committed files
    generate_export_index.py --check --release 2.11.0 --platform win_amd64      verify one release

Wheels are fetched by ``pip download`` one at a time and deleted as soon as they are read. All that
they export is kept in ``--cache``, so a run resumes, and a new rule of what to keep needs no second
download: about 30 GB in all at first, nothing after.

What is kept is what an extension can ask of torch, as ``export_contents.is_kept`` decides.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a program run by path finds only what lies beside it

from tools.export_contents import contents, differences, merged  # noqa: E402
from tools.torch_wheels import PLATFORMS, Wheel, cached  # noqa: E402
from tools.wheels import WheelError, final_releases  # noqa: E402
from torch_abi_audit.knowledge.export_file import ExportFile, IndexFileError, pack  # noqa: E402
from torch_abi_audit.knowledge.export_index import DATA  # noqa: E402

if TYPE_CHECKING:
    from tools.export_contents import Contents

OLDEST = "2.4.0"
CACHE = Path.home() / ".cache" / "torch-abi-audit-index"
LIMIT = 3_000_000  # bytes that the files may take together


def path_of(platform: str) -> Path:
    """Where the index of a platform is committed."""
    return DATA / f"exports-{platform}.idx"


def committed(platform: str) -> Contents:
    """The committed contents; none where there is no file."""
    path = path_of(platform)
    if not path.exists():
        return [], {}
    file = ExportFile(path.read_bytes())
    return list(file.releases), {name: dict(each.by_library) for name, each in file.names()}


def update(platform: str, versions: list[str], options: argparse.Namespace) -> bool:
    """Bring one platform's file up to date, or with ``--check`` only say what differs.

    Returns whether anything does.
    """
    fresh = contents(read(version, platform, options.cache) for version in versions)
    old = committed(platform)
    if options.release:
        fresh = merged(old, fresh)
    changes = differences(old, fresh)
    print(f"{platform}: {len(fresh[0])} releases, {len(fresh[1])} names, {len(changes)} changes")
    print(*(f"  {line}" for line in changes), sep="\n", end="\n" if changes else "")
    if changes and not options.check:
        data = pack(platform, *fresh)
        path_of(platform).write_bytes(data)
        print(f"  wrote {len(data)} bytes")
    return bool(changes)


def read(version: str, platform: str, cache: Path) -> Wheel:
    """One wheel, from the cache or the package index."""
    print(f"{platform}: torch {version}", file=sys.stderr)
    return cached(cache, version, platform)


def main(arguments: list[str] | None = None) -> int:
    """Run the program; 0 done or nothing differs, 1 a file differs, 2 it cannot be made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--release", metavar="X", help="this release alone, into the files")
    parser.add_argument("--platform", choices=PLATFORMS, help="this platform alone")
    parser.add_argument("--cache", type=Path, metavar="DIR", default=CACHE, help=f"[{CACHE}]")
    options = parser.parse_args(arguments)
    try:
        versions = [options.release] if options.release else final_releases("torch", OLDEST)
        chosen = [options.platform] if options.platform else list(PLATFORMS)
        changed = [platform for platform in chosen if update(platform, versions, options)]
    except (WheelError, IndexFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in map(path_of, PLATFORMS) if path.exists())
    print(f"{size} bytes in all" + (f": more than {LIMIT}" if size > LIMIT else ""))
    return 1 if size > LIMIT or (options.check and changed) else 0


if __name__ == "__main__":
    sys.exit(main())
