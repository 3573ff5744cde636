"""The contents of a torch wheel for the export index: every library, and the names that it exports.

A wheel is downloaded, read and deleted. A cache keeps the names, so that an interrupted run can
resume, and the index can keep other names without a new download.
"""

from __future__ import annotations

import json
import lzma
import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

from tools.wheels import download, stated_cuda
from torch_abi_audit import formats
from torch_abi_audit.knowledge import platforms
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from collections.abc import Mapping

PLATFORMS = {one.name: one.wheel_tags for one in platforms.PLATFORMS}
"""Index platform to the platform tags of torch's wheels."""

_LIBRARY = re.compile(r"torch/(?:lib/|\.dylibs/|_C)[^/]*\.(?:so[.\d]*|dylib|dll|pyd)")


@dataclass(frozen=True, slots=True)
class Wheel:
    """The libraries of one published wheel."""

    version: str
    platform: str
    file: str
    """File name of the wheel."""
    cuda: str | None
    """CUDA version in ``torch/version.py``, such as ``12.6``; None for a CPU build."""
    requires: tuple[str, ...]
    """``Requires-Dist`` lines for NVIDIA's projects, which contain torch's CUDA libraries."""
    exports: Mapping[str, tuple[str, ...]]
    """File name of each library, to every name that it exports, sorted."""
    needed: Mapping[str, tuple[str, ...]]
    """File name of each library, to the libraries that it is linked to, in their order."""


def cached(cache: Path, version: str, platform: str) -> Wheel:
    """The wheel of one release and platform, from ``cache``, or else downloaded and read.

    Raises:
        WheelError: pip cannot download the wheel.
    """
    path = cache / f"{platform}-{version}.2.json.xz"
    if path.exists():
        facts = json.loads(lzma.decompress(path.read_bytes()))
        return Wheel(
            version,
            platform,
            facts["file"],
            facts["cuda"],
            tuple(facts["requires"]),
            {library: tuple(names) for library, names in facts["exports"].items()},
            {library: tuple(names) for library, names in facts["needed"].items()},
        )
    wheel = read(version, platform)
    facts = {
        "file": wheel.file,
        "cuda": wheel.cuda,
        "requires": wheel.requires,
        "exports": wheel.exports,
        "needed": wheel.needed,
    }
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(lzma.compress(json.dumps(facts).encode(), preset=1))
    partial.replace(path)
    return wheel


def read(version: str, platform: str) -> Wheel:
    """Download, read and delete the wheel of one release and platform.

    Raises:
        WheelError: pip cannot download the wheel.
    """
    with tempfile.TemporaryDirectory(prefix="torch-exports-") as name:
        directory = Path(name)
        file = download("torch", version, PLATFORMS[platform], directory)
        return read_wheel(file, version, platform, directory)


def read_wheel(file: Path, version: str, platform: str, directory: Path) -> Wheel:
    """Read a wheel; its libraries are unpacked to ``directory`` one at a time."""
    exports: dict[str, tuple[str, ...]] = {}
    needed: dict[str, tuple[str, ...]] = {}
    with zipfile.ZipFile(file) as archive:
        members = archive.namelist()
        metadata = next(m for m in members if m.endswith(".dist-info/METADATA"))
        requires = HeaderParser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist")
        cuda = stated_cuda(archive, file.name)
        for member in sorted(filter(_LIBRARY.fullmatch, members)):
            path = directory / "library"
            with archive.open(member) as packed, path.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
            library = member.rpartition("/")[2]
            needed[library], exports[library] = _linked(path)
            path.unlink()
    nvidia = tuple(sorted(line for line in requires or () if re.match(r"nvidia-|cuda-", line)))
    return Wheel(version, platform, file.name, cuda, nvidia, exports, needed)


def _linked(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The libraries that a library is linked to, and its exported names, decoded as Latin-1."""
    with open_readable(path) as source:
        images = formats.read(source)
        if isinstance(images, NotALibrary):
            return (), ()
        names = {
            name.decode("latin-1") for image in images for name in formats.exports(source, image)
        }
    needed = dict.fromkeys(name for image in images for name in image.needed)
    return tuple(needed), tuple(sorted(names))
