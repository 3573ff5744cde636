#!/usr/bin/env python3
"""Compare the load matrix with the dynamic loader: ``ldd -r`` on Linux x86_64.

Published wheels are unpacked beside the shared libraries of published torch releases, and the
loader lists the symbols of each library that it cannot resolve. Torch's symbols among them must be
exactly those that the matrix lists as missing. NVIDIA's libraries are not needed: without them, the
loader only reports more symbols of other libraries, and symbols that torch does not export.

    compare_with_loader.py                                    compare everything below
    compare_with_loader.py --torch 2.11.0 --wheel torchaudio==2.9.0
    compare_with_loader.py --markdown docs/loader.md          record the result

pip downloads about 3 GB of torch once; ``--cache`` keeps only the libraries.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools.wheels import WheelError, download  # noqa: E402
from torch_abi_audit import formats  # noqa: E402
from torch_abi_audit.api import inspect_package  # noqa: E402
from torch_abi_audit.judges import torch_names  # noqa: E402
from torch_abi_audit.judges.loads import compat  # noqa: E402
from torch_abi_audit.knowledge import export_index  # noqa: E402
from torch_abi_audit.knowledge.names.torch import is_libtorch  # noqa: E402
from torch_abi_audit.model.binary import Format, NotALibrary  # noqa: E402
from torch_abi_audit.sources.files.readable import open_readable  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.judges.library_loads import TorchBuilds
    from torch_abi_audit.model.loads import LibraryLoads

CACHE = Path.home() / ".cache" / "torch-abi-audit-loader"
PLATFORM = "linux_x86_64"
LOADER = "/lib64/ld-linux-x86-64.so.2"
TAGS = tuple(
    f"{tag}_x86_64"
    for tag in ("manylinux1", "manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")
)
TORCHES = ("2.6.0", "2.9.1", "2.11.0", "2.15.0")
WHEELS = (
    *("dgl==2.1.0", "fbgemm-gpu-cpu==1.4.0", "humming-kernels==0.1.19", "tensordict==0.10.0"),
    *("torch-tensorrt==2.9.0", "torchao==0.13.0", "torchao==0.14.0", "torchao==0.18.0"),
    *("torchaudio==2.6.0", "torchaudio==2.7.0", "torchaudio==2.8.0", "torchaudio==2.9.0"),
    *("torchaudio==2.10.0", "torchaudio==2.11.0", "torchcodec==0.8.0", "torchcodec==0.9.0"),
    *("torchcodec==0.11.1", "torchcodec==0.17.0", "torchdata==0.7.1", "torchrl==0.10.0"),
    *("torchrl==0.14.1", "torchtext==0.18.0", "torchvision==0.21.0", "torchvision==0.23.0"),
    *("torchvision==0.24.0", "torchvision==0.25.0", "xformers==0.0.33", "xformers==0.0.35"),
)

_UNDEFINED = re.compile(r"^undefined symbol: (\S+?)(?:, version \S+)?\s+\((.+)\)$", re.MULTILINE)
_NOT_FOUND = re.compile(r"^\s*(\S+) => not found$", re.MULTILINE)
_SHARED = re.compile(r"[^/]*\.so(?:\.[\w.]+)?")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The results of the matrix and of the loader for one library and one torch release."""

    wheel: str
    library: str
    torch: str
    matrix: frozenset[bytes]
    """Symbols that are missing according to the matrix."""
    loader: frozenset[bytes]
    """Torch's symbols that the loader cannot resolve."""
    absent: frozenset[str]
    """Torch's libraries that the release does not ship according to the matrix."""
    not_found: frozenset[str]
    """Torch's libraries that the loader does not find."""

    @property
    def agree(self) -> bool:
        """Whether both results are equal."""
        return self.matrix == self.loader and self.absent == self.not_found


def compare(
    wheel: Path, torch: Path, builds: TorchBuilds, release: str, scratch: Path
) -> Iterator[Comparison]:
    """Compare the results for every library in a wheel, whether or not it uses torch.

    Args:
        wheel: A wheel file for Linux x86_64.
        torch: The directory of torch's shared libraries.
        builds: The builds from which the matrix is made.
        release: The release of ``builds`` whose libraries are in the directory.
        scratch: An empty directory for unpacking the wheel.
    """
    with zipfile.ZipFile(wheel) as archive:
        members = [one for one in archive.namelist() if _SHARED.fullmatch(one.rpartition("/")[2])]
        archive.extractall(scratch, members)
    report = inspect_package(wheel)
    matrix = compat(report, builds, within=lambda one: one == release)
    exported = _exported(torch)
    own = {one.path.name for one in report.libraries}
    for library in report.libraries:
        if library.format is not Format.ELF:
            continue
        file = scratch / library.path.relative_to(wheel)
        judged = matrix.of(library.path)
        missing, not_found = _asked_of_loader(file, torch, scratch)
        yield Comparison(
            wheel=wheel.name,
            library=str(library.path.relative_to(wheel)),
            torch=release,
            matrix=frozenset(name for one in judged for name in _missing(one, release)),
            loader=frozenset(one for one in missing if _is_torchs(one, file) or one in exported),
            absent=frozenset(each.library for one in judged for each in one.absent),
            not_found=frozenset(
                # the loader also lists the dependencies of the libraries that it opens on the way
                one
                for one in not_found.intersection(library.needed)
                if is_libtorch(one) and one not in own
            ),
        )


def _missing(library: LibraryLoads, release: str) -> frozenset[bytes]:
    return frozenset(one.name for one in library.missing if release in one.releases)


def _is_torchs(name: bytes, file: Path) -> bool:
    """Whether any torch release exports a symbol, or its owner is torch's."""
    if export_index.exported(PLATFORM, name):
        return True
    with open_readable(file) as source:
        images = formats.read(source)
    if isinstance(images, NotALibrary):
        return False
    kind = torch_names.classify([name], images[0]).get(name)
    return kind in torch_names.USES or kind is torch_names.Kind.HEADER_ONLY


def _asked_of_loader(file: Path, torch: Path, unpacked: Path) -> tuple[set[bytes], set[str]]:
    """The symbols of one library that the loader cannot resolve, and the libraries not found.

    ``libtorch.so`` and ``libtorch_python.so`` are preloaded, as when Python has imported torch. The
    wheel's own directories are on the search path, since packages find them in different ways.
    """
    homes = {path.parent for path in unpacked.rglob("*.so*")}
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(map(str, (torch, *sorted(homes)))),
        "LD_PRELOAD": f"{torch / 'libtorch.so'} {torch / 'libtorch_python.so'}",
        # the variables that ldd -r sets; ldd itself is a shell script, and would preload torch too
        "LD_TRACE_LOADED_OBJECTS": "1",
        "LD_WARN": "yes",
        "LD_BIND_NOW": "yes",
    }
    done = subprocess.run(
        [LOADER, str(file)], capture_output=True, text=True, check=False, env=environment
    )
    output = done.stdout + done.stderr
    if "=>" not in output:
        raise RuntimeError(f"{LOADER} {file}: {output[:300]}")
    undefined = {name.encode() for name, where in _UNDEFINED.findall(output) if where == str(file)}
    return undefined, set(_NOT_FOUND.findall(output))


_EXPORTS: dict[Path, frozenset[bytes]] = {}


def _exported(torch: Path) -> frozenset[bytes]:
    """All names that libtorch's libraries in a directory export."""
    if torch not in _EXPORTS:
        names: set[bytes] = set()
        for file in sorted(torch.glob("*.so*")):
            if is_libtorch(file.name):
                with open_readable(file) as source:
                    images = formats.read(source)
                    if not isinstance(images, NotALibrary):
                        names |= formats.exports(source, images[0])
        _EXPORTS[torch] = frozenset(names)
    return _EXPORTS[torch]


# --- fetching ------------------------------------------------------------------------------------


def torch_libraries(cache: Path, version: str) -> Path:
    """The directory with the shared libraries of a published torch release.

    Raises:
        WheelError: pip cannot download the wheel.
    """
    home = cache / f"torch-{version}-{PLATFORM}"
    if not home.is_dir():
        print(f"torch {version}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            wheel = download("torch", version, TAGS, Path(scratch))
            unpack_torch(wheel, Path(scratch) / "libraries")
            (Path(scratch) / "libraries").rename(home)
    return home


def unpack_torch(wheel: Path, home: Path) -> Path:
    """Unpack the shared libraries of a torch wheel into the directory ``home``."""
    home.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = member.rpartition("/")[2]
            if member.startswith("torch/lib/") and _SHARED.fullmatch(name):
                with archive.open(member) as packed, (home / name).open("wb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
    return home


def published(cache: Path, requirement: str) -> Path:
    """A published wheel, downloaded only once.

    Raises:
        WheelError: pip cannot download the wheel.
    """
    project, _, version = requirement.partition("==")
    home = cache / "published" / requirement
    found = sorted(home.glob("*.whl"))
    if found:
        return found[0]
    print(requirement, file=sys.stderr)
    home.mkdir(parents=True, exist_ok=True)
    return download(project, version, TAGS, home)


# --- program -------------------------------------------------------------------------------------


def table(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """The result in Markdown: a row for each wheel, a column for each torch release."""
    torches = list(dict.fromkeys(one.torch for one in comparisons))
    yield f"| wheel | libraries | {' | '.join(f'torch {one}' for one in torches)} |"
    yield f"|---|---|{'---|' * len(torches)}"
    for wheel in dict.fromkeys(one.wheel for one in comparisons):
        of_it = [one for one in comparisons if one.wheel == wheel]
        cells = []
        for torch in torches:
            rows = [one for one in of_it if one.torch == torch]
            agree = sum(one.agree for one in rows)
            lacking = len({name for one in rows for name in one.loader})
            files = sorted({name for one in rows for name in one.not_found})
            cells.append(
                f"{agree} of {len(rows)} agree; "
                + (f"{lacking} symbol{'s' * (lacking > 1)} missing" if lacking else "none missing")
                + (f"; not found: {', '.join(files)}" if files else "")
            )
        count = len({one.library for one in of_it})
        yield f"| {'-'.join(wheel.split('-')[:2])} | {count} | {' | '.join(cells)} |"


def differences(comparisons: Iterable[Comparison]) -> Iterator[str]:
    """A line for each symbol or library that only one side reports."""
    for one in comparisons:
        if not one.agree:
            where = f"{one.wheel}: {one.library}: torch {one.torch}"
            for title, names in (
                ("only the loader misses", sorted(one.loader - one.matrix)),
                ("only the matrix misses", sorted(one.matrix - one.loader)),
            ):
                yield from (f"{where}: {title} {name.decode('latin-1')}" for name in names)
            for file in sorted(one.absent ^ one.not_found):
                yield f"{where}: only one side misses the library {file}"


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns 0 if all results agree, 1 if not, 2 if a wheel is unavailable."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--torch",
        action="append",
        metavar="X",
        help=f"compare with this torch release [{' '.join(TORCHES)}]",
    )
    parser.add_argument(
        "--wheel",
        action="append",
        metavar="NAME==X",
        help="compare the libraries of this wheel [two dozen wheels]",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        default=CACHE,
        help=f"keep downloaded wheels and torch's libraries in DIR [{CACHE}]",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table to FILE")
    options = parser.parse_args(arguments)
    options.cache.mkdir(parents=True, exist_ok=True)
    comparisons: list[Comparison] = []
    try:
        for requirement in options.wheel or WHEELS:
            wheel = published(options.cache, requirement)
            for version in options.torch or TORCHES:
                torch = torch_libraries(options.cache, version)
                with tempfile.TemporaryDirectory() as scratch:
                    comparisons += compare(wheel, torch, export_index, version, Path(scratch))
    except WheelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    lines = list(table(comparisons))
    agreed = sum(one.agree for one in comparisons)
    unlike = list(differences(comparisons))
    text = "\n".join([*lines, "", f"{agreed} of {len(comparisons)} comparisons agree.", *unlike])
    print(text)
    if options.markdown:
        options.markdown.write_text(f"{_HEAD}\n{text}\n", encoding="utf-8")
    return 1 if unlike else 0


_HEAD = """\
# The load matrix against the dynamic loader

Written by `tools/compare_with_loader.py`. For each library, the dynamic loader of Linux x86_64
lists the symbols that it cannot resolve with the libraries of one published torch. It is run as
`ldd -r` runs it (`ldd` itself is a shell script, to which the preloads would apply as well), with
`LD_LIBRARY_PATH`, and with `LD_PRELOAD` of `libtorch.so` and `libtorch_python.so`, which Python has
loaded once torch is imported. Those of the symbols that belong to torch (exported by an indexed
release or by this torch, or in a namespace of torch) must be exactly the symbols that the load
matrix reports as missing for this release. The torch libraries that the loader does not find must
be exactly those that the matrix reports as not shipped. Each cell counts the libraries on which
both agree, and the distinct missing symbols.
"""

if __name__ == "__main__":
    sys.exit(main())
