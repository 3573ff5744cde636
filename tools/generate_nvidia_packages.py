#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/nvidia_packages.tsv`` from the package index.

For each library of NVIDIA's CUDA packages, by its file name, the table has the distributions that
contain it, the first and the last release in which they do, and the CUDA major version that these
are for. The names are read from the ends of the wheels with HTTP range requests, through the user's
pip configuration. Between two releases with the same libraries no other release is read.

    generate_nvidia_packages.py           read the wheels, write the table
    generate_nvidia_packages.py --check   exit 1 if the committed table differs
"""

from __future__ import annotations

import argparse
import re
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import table_text  # noqa: E402
from torch_abi_audit.knowledge import platforms  # noqa: E402
from torch_abi_audit.knowledge.tables import Table  # noqa: E402
from torch_abi_audit.model.releases import release_key  # noqa: E402
from torch_abi_audit.sources.archives.seekable import Seekable  # noqa: E402
from torch_abi_audit.sources.index.pip_config import pip_config  # noqa: E402
from torch_abi_audit.sources.index.simple import listing  # noqa: E402
from torch_abi_audit.sources.index.web import Web  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch_abi_audit.sources.index.simple import Listed

TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "nvidia_packages.tsv"
_TOOLKIT = (
    "cublas cuda-cupti cuda-nvrtc cuda-runtime cufft curand cusolver cusparse npp nvjpeg nvtx"
)
"""Parts of the toolkit: ``nvidia-NAME-cu11``, ``-cu12``, and since CUDA 13 ``nvidia-NAME``."""
_NEWER = "cufile nvfatbin nvjitlink"
"""The same, since CUDA 12."""
_APART = "cudnn nccl nvjpeg2k nvshmem nvtiff"
"""Published apart from the toolkit, for CUDA 11 to 13."""
_NEWER_APART = "cublasmp cudss cufftmp cusolvermp cusparselt"
"""The same, since CUDA 12."""
DISTRIBUTIONS = (
    *(f"nvidia-{name}{end}" for name in _TOOLKIT.split() for end in ("-cu11", "-cu12", "")),
    *(f"nvidia-{name}{end}" for name in _NEWER.split() for end in ("-cu12", "")),
    *(f"nvidia-{name}-cu{cuda}" for name in _APART.split() for cuda in (11, 12, 13)),
    *(f"nvidia-{name}-cu{cuda}" for name in _NEWER_APART.split() for cuda in (12, 13)),
    *(f"cutensor-cu{cuda}" for cuda in (11, 12, 13)),
)
_WHEEL = re.compile(r"[^-]+-(\d+(?:\.\d+)+(?:\.post\d+)?)-[^-]+-[^-]+-(.+)\.whl")
_LIBRARY = re.compile(r"[^/]+\.so(?:\.\d+)*|[^/]+\.dll")
_CUDA = re.compile(r"(?:^|-)cu(\d+)$")
_LARGEST_DIRECTORY = 1 << 17


@dataclass(frozen=True, slots=True, order=True)
class Contained:
    """A library in a wheel."""

    library: str
    cuda: str
    """The CUDA major version: in the name of the distribution, or of the folder in the wheel."""


class _End:
    """The end of a file on a server, which is all that ``zipfile`` needs to list a wheel."""

    def __init__(self, web: Web, url: str) -> None:
        got = web.part(url, -_LARGEST_DIRECTORY, 0)
        if got is None:
            raise OSError(f"{url}: the server does not support range requests")
        self._data, self.size = got

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes of the file, from its end."""
        start = offset - (self.size - len(self._data))
        if start < 0:
            raise OSError("the directory of the wheel is larger than expected")
        return self._data[start : start + length]


def contents(one: Listed, distribution: str, web: Web) -> frozenset[Contained]:
    """The libraries in a wheel.

    Raises:
        OSError: the wheel cannot be read.
        ValueError: neither its name nor a folder in it states the CUDA release.
    """
    with zipfile.ZipFile(Seekable(_End(web, one.url))) as wheel:
        members = [member.split("/") for member in wheel.namelist()]
    found = set()
    for *folders, name in members:
        if _LIBRARY.fullmatch(name) and "stubs" not in folders:
            stated = [
                match[1] for word in (distribution, *folders) if (match := _CUDA.search(word))
            ]
            if not stated:
                raise ValueError(f"{one.filename}: nothing states the CUDA release of {name}")
            found.add(Contained(name, stated[0]))
    return frozenset(found)


def rows_of(distribution: str, web: Web) -> dict[Contained, tuple[str, str]]:
    """Every library in the releases of a distribution, with the first and last release."""
    found: dict[Contained, tuple[str, str]] = {}
    for wheels in _wheels(distribution, web).values():

        def read(release: str, of: Mapping[str, Listed] = wheels) -> frozenset[Contained]:
            return contents(of[release], distribution, web)

        releases = sorted(wheels, key=_key)
        known = between(releases, read)
        for release in releases:
            for one in known[release]:
                first, last = found.get(one, (release, release))
                found[one] = min(first, release, key=_key), max(last, release, key=_key)
    return found


def _wheels(distribution: str, web: Web) -> dict[str, dict[str, Listed]]:
    """Platform to release to wheel."""
    found: dict[str, dict[str, Listed]] = {}
    for one in listing(distribution, pip_config(), web):
        match = _WHEEL.fullmatch(one.filename)
        platform = _platform(match[2]) if match else None
        if match and platform and not one.yanked and not one.is_local:
            found.setdefault(platform, {}).setdefault(match[1], one)
    return found


def newest(distribution: str, platform: str, web: Web) -> Listed:
    """The wheel of the newest release of a distribution for an index platform.

    Raises:
        KeyError: there is no wheel for the platform.
    """
    wheels = _wheels(distribution, web)[platform]
    return wheels[max(wheels, key=_key)]


def between(
    releases: Sequence[str], read: Callable[[str], frozenset[Contained]]
) -> dict[str, frozenset[Contained]]:
    """The libraries of each release, in order; those between two that are alike are not read."""
    known = {end: read(end) for end in {releases[0], releases[-1]}}
    if known[releases[0]] == known[releases[-1]]:
        return dict.fromkeys(releases, known[releases[0]])
    if len(releases) == 2:
        return known
    middle = len(releases) // 2
    return between(releases[: middle + 1], read) | between(releases[middle:], read)


def _platform(tags: str) -> str | None:
    """The index platform that a wheel with these platform tags is for, if any."""
    for read in filter(None, map(platforms.platform, tags.split("."))):
        for one in platforms.PLATFORMS:
            if read.system == one.system.word and one.arch in read.architectures:
                return one.name
    return None


def _key(release: str) -> tuple[object, ...]:
    plain, _, post = release.partition(".post")
    return release_key(plain), int(post or 0)


def document(rows: Mapping[str, Mapping[Contained, tuple[str, str]]]) -> Table:
    """The table of all libraries, by name."""
    found: dict[str, list[str]] = {}
    for distribution, libraries in sorted(rows.items()):
        for one, (first, last) in sorted(libraries.items()):
            found.setdefault(one.library, []).append(f"{distribution}={first},{last},{one.cuda}")
    return Table(
        {
            "about": "libraries in NVIDIA's CUDA packages: distribution=first,last,CUDA major",
            "generator": "tools/generate_nvidia_packages.py",
            "source": "the names in the wheels for Linux and Windows on the package index",
        },
        {"libraries": {name: " ".join(found[name]) for name in sorted(found)}},
    )


def main() -> int:
    """Write the table, or compare it, and return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the table of NVIDIA's packages.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    web = Web(pip_config())
    with ThreadPoolExecutor(8) as pool:
        rows = dict(
            zip(DISTRIBUTIONS, pool.map(lambda one: rows_of(one, web), DISTRIBUTIONS), strict=True)
        )
    wanted = document(rows)
    if not options.check:
        table_text.write(TABLE, wanted)
        return 0
    committed = table_text.load(TABLE)
    if committed == wanted:
        return 0
    old, new = (one.sections.get("libraries", {}) for one in (committed, wanted))
    print(*table_text.differences(old, new), sep="\n")
    print(f"{TABLE} differs from the package index", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
