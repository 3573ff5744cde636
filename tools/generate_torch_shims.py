#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/torch_shims.tsv`` from published torch wheels.

The table lists every C function that the headers of each final release since 2.5.1 declare for
AOTInductor and the stable ABI, from the macOS arm64 wheel (the smallest, with the same headers as
the others). The exports of the libraries in the macOS, Linux and Windows wheels of the newest
release are the cross-check: differences are printed, and recorded in the table.

    generate_torch_shims.py                    read every release, write the table
    generate_torch_shims.py --check            read every release, exit 1 if the table differs
    generate_torch_shims.py --release 2.16.0   merge one release into the committed table
    generate_torch_shims.py --check --release 2.11.0 --headers-only       verify one release

``pip download`` fetches wheels into a temporary directory; they are deleted as soon as they are
read. ``--cache DIR`` keeps the results (not the wheels), so that an interrupted run can resume.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import shutil
import sys
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import table_text  # noqa: E402
from tools.shim_headers import Declaration, GeneratorError, declarations  # noqa: E402
from tools.shim_table import Release, Table, differences, document, load  # noqa: E402
from tools.wheels import WheelError, download, final_releases  # noqa: E402
from torch_abi_audit import formats  # noqa: E402
from torch_abi_audit.model.binary import NotALibrary  # noqa: E402
from torch_abi_audit.model.errors import AuditError  # noqa: E402
from torch_abi_audit.model.releases import release_key  # noqa: E402
from torch_abi_audit.sources.files.readable import open_readable  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "torch_shims.tsv"

OLDEST = "2.5.1"
HEADER_PLATFORM = "macosx_26_0_arm64"  # pip accepts wheels for every older macOS as well
EXPORT_PLATFORMS = ("manylinux_2_28_x86_64", "win_amd64")
HEADERS = re.compile(r"torch/include/torch/csrc/(?:inductor/aoti_torch|stable)/.*\.h")
LIBRARIES = re.compile(r"torch/lib/((?:lib)?torch_(?:cpu|cuda|xpu|python)\.(?:so|dylib|dll))")
SHIM_LIKE = re.compile(rb"(?:aoti|torch)_[a-z]\w*")


def read_release(version: str, *, exports: bool) -> Release:
    """Download, read and delete the macOS wheel of one release; with ``exports`` the others too.

    Raises:
        WheelError: pip cannot download a wheel.
        GeneratorError: the headers cannot be parsed.
        FormatError: a library in a wheel is damaged.
    """
    declared: dict[str, Declaration] = {}
    exported: dict[str, set[str]] = {}
    platforms: list[str] = []
    for platform in (HEADER_PLATFORM, *(EXPORT_PLATFORMS if exports else ())):
        with tempfile.TemporaryDirectory(prefix="torch-shims-") as scratch:
            wheel = download("torch", version, (platform,), Path(scratch))
            with zipfile.ZipFile(wheel) as archive:
                if platform == HEADER_PLATFORM:
                    declared = read_headers(version, archive)
                if exports:
                    platforms.append(wheel.stem.rpartition("-")[2])
                    for library, names in _read_exports(archive, Path(scratch)):
                        for name in names:
                            exported.setdefault(name, set()).add(library)
    libraries = {name: tuple(sorted(exported[name])) for name in sorted(exported)}
    return Release(version, declared, libraries, tuple(platforms))


def read_headers(version: str, archive: zipfile.ZipFile) -> dict[str, Declaration]:
    """Every shim that the headers in a torch wheel declare.

    Raises:
        GeneratorError: there are no shims, or two headers declare one differently.
    """
    declared: dict[str, Declaration] = {}
    for member in sorted(filter(HEADERS.fullmatch, archive.namelist())):
        for name, declaration in declarations(member, archive.read(member).decode()).items():
            if declared.setdefault(name, declaration) != declaration:
                raise GeneratorError(
                    f"torch {version}: the headers disagree on {name}: "
                    f"{declared[name]}, and in {member} {declaration}"
                )
    if not declared:
        raise GeneratorError(f"torch {version}: the wheel has no shim headers")
    return declared


def _read_exports(archive: zipfile.ZipFile, scratch: Path) -> Iterator[tuple[str, set[str]]]:
    """Exports of each of torch's libraries that look like shims, unpacked one at a time."""
    for member in archive.namelist():
        if match := LIBRARIES.fullmatch(member):
            library = scratch / match[1]
            with archive.open(member) as packed, library.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
            with open_readable(library) as source:
                images = formats.read(source)
                if isinstance(images, NotALibrary):
                    raise GeneratorError(f"{member} is not a library: {images.kind}")
                names = {name for image in images for name in formats.exports(source, image)}
            library.unlink()
            yield match[1], {name.decode() for name in names if SHIM_LIKE.fullmatch(name)}


def _learned(version: str, cache: Path | None, *, exports: bool) -> Release:
    """The result of ``read_release``, from ``cache`` if an earlier run saved it."""
    if cache is None:
        return read_release(version, exports=exports)
    path = cache / f"{version}{'-exports' if exports else ''}.json"
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Release(
            version,
            {name: Declaration(*fields) for name, fields in kept["declared"].items()},
            {name: tuple(libraries) for name, libraries in kept["exported"].items()},
            tuple(kept["platforms"]),
        )
    release = read_release(version, exports=exports)
    cache.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(release)), encoding="utf-8")
    return release


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns 0 if done or equal, 1 if the table differs, 2 for an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--release", metavar="X", help="read only this release, and merge it")
    parser.add_argument("--headers-only", action="store_true", help="do not read exports again")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep results here")
    options = parser.parse_args(arguments)
    committed = table_text.load(TABLE)
    try:
        resumed = committed.facts and (options.release or options.headers_only)
        table = load(committed) if resumed else Table()
        versions = [options.release] if options.release else final_releases("torch", OLDEST)
        newest = max([*versions, *table.releases], key=release_key)
        releases = []
        for version in versions:
            exports = version == newest and not options.headers_only
            releases.append(_learned(version, options.cache, exports=exports))
            table = table.merged(releases[-1])
            print(f"torch {version}: {len(releases[-1].declared)} declared", flush=True)
    except (GeneratorError, WheelError, AuditError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    gaps = [f"torch {r.version} does not declare {n}" for r in releases for n in table.absent(r)]
    notes = [f"declared, but not exported by any wheel: {name}" for name in table.unexported()]
    notes += [f"exported, but not declared by any header: {name}" for name in table.undeclared]
    content = document(table, dt.datetime.now(tz=dt.UTC).date().isoformat())
    changes = differences(committed, content)
    print(*notes, *gaps, *changes, f"{len(changes)} differences from {TABLE.name}", sep="\n")
    if options.check:
        return 1 if gaps or changes else 0
    if changes:
        table_text.write(TABLE, content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
