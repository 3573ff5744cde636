#!/usr/bin/env python3
"""Compare the load matrix with the dynamic loader of Linux x86_64.

Published wheels are unpacked beside stand-ins for published torch releases (``tools.loader``). For
each library, the loader lists the names that it does not find in the library's own scope, as it is
opened with ``RTLD_LOCAL``. Those of torch must be exactly those that the matrix lists as missing.
Then a process that has opened torch as ``import torch`` does opens each library: it must refuse
just those with a missing name or library, and open them once exactly these names are provided.

    compare_with_loader.py                                    compare everything below
    compare_with_loader.py --torch 2.11.0 --wheel torchaudio==2.9.0
    compare_with_loader.py --wheel dist/mypkg-1.0-cp311-cp311-linux_x86_64.whl
    compare_with_loader.py --markdown docs/loader.md          record the result

pip downloads about 5 GB of torch once; ``--cache`` keeps only the stand-ins.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import loader  # noqa: E402
from tools.wheels import WheelError, download  # noqa: E402
from torch_abi_audit import formats  # noqa: E402
from torch_abi_audit.api import inspect_package  # noqa: E402
from torch_abi_audit.judges import torch_names  # noqa: E402
from torch_abi_audit.judges.loads import compat  # noqa: E402
from torch_abi_audit.knowledge import export_index  # noqa: E402
from torch_abi_audit.knowledge.names.torch import is_libtorch  # noqa: E402
from torch_abi_audit.model.binary import Binary, Format, NotALibrary  # noqa: E402
from torch_abi_audit.sources.files.readable import open_readable  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch_abi_audit.judges.library_loads import TorchBuilds
    from torch_abi_audit.model.loads import LibraryLoads
    from torch_abi_audit.model.reports import PackageReport

CACHE = Path.home() / ".cache" / "torch-abi-audit-loader"
PLATFORM = "linux_x86_64"
TAGS = tuple(
    f"{tag}_x86_64"
    for tag in ("manylinux1", "manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")
)
TORCHES = ("2.6.0", "2.8.0", "2.9.1", "2.11.0", "2.13.0", "2.15.0")
WHEELS = (
    "auto-gptq==0.7.1",
    "autoawq-kernels==0.0.9",
    "cuequivariance-ops-torch-cu12==0.13.0",
    "deepspeed-kernels==0.0.1.dev1698255861",
    "dgl==1.1.3",
    "dgl==2.1.0",
    "executorch==1.0.0",
    "executorch==1.2.0",
    "executorch==1.5.1",
    "fairseq2n==0.8.1",
    "fbgemm-gpu-cpu==1.9.0",
    "featomic-torch==0.7.6",
    "humming-kernels==0.1.20",
    "intel-extension-for-pytorch==2.7.0",
    "intel-extension-for-pytorch==2.8.0",
    "metatensor-torch==0.10.8",
    "metatomic-torch==0.1.19",
    "nixl-cu12==1.5.1",
    "nvfuser-cu128-torch29==0.2.35.dev20260115",
    "sphericart-torch==2.0.4",
    "torch-npu==2.14.0",
    "torch-tensorrt==2.9.0",
    "torchao==0.12.0",
    "torchao==0.13.0",
    "torchao==0.14.0",
    "torchao==0.18.0",
    "torchaudio==0.13.1",
    "torchaudio==2.0.2",
    "torchaudio==2.4.1",
    "torchaudio==2.5.1",
    "torchaudio==2.6.0",
    "torchaudio==2.7.0",
    "torchaudio==2.8.0",
    "torchaudio==2.9.0",
    "torchaudio==2.9.1",
    "torchaudio==2.10.0",
    "torchaudio==2.11.0",
    "torchaudio==2.11.1",
    "torchcodec==0.5",
    "torchcodec==0.8.0",
    "torchcodec==0.9.0",
    "torchcodec==0.9.1",
    "torchcodec==0.11.1",
    "torchcodec==0.12.0",
    "torchcodec==0.17.0",
    "torchdata==0.8.0",
    "torchrl==0.9.2",
    "torchrl==0.10.0",
    "torchrl==0.14.1",
    "torchtext==0.16.2",
    "torchtext==0.18.0",
    "torchvision==0.12.0",
    "torchvision==0.15.2",
    "torchvision==0.19.1",
    "torchvision==0.20.1",
    "torchvision==0.21.0",
    "torchvision==0.24.1",
    "torchvision==0.29.1",
    "vllm-flash-attn==2.6.2",
    "xformers==0.0.28",
    "xformers==0.0.33",
    "xformers==0.0.34",
    "xformers==0.0.35",
)


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
    opened: str | None = None
    """What a process that had opened torch did otherwise than expected; None if nothing."""

    @property
    def agree(self) -> bool:
        """Whether all results are equal."""
        return self.matrix == self.loader and self.absent == self.not_found and self.opened is None


class Unpacked:
    """A wheel for Linux x86_64, its report, and its libraries in a directory."""

    def __init__(self, wheel: Path, home: Path) -> None:
        self.wheel = wheel
        self.home = home
        loader.unpack(wheel, home)
        self.report: PackageReport = inspect_package(wheel)
        self.files = {
            Path(os.path.realpath(home / one.path.relative_to(wheel))): one
            for one in self.report.libraries
            if one.format is Format.ELF and one.arch == "x86_64" and one.error is None
        }
        self._theirs: dict[bytes, bool] = {}

    def of_torch(self, names: Iterable[bytes]) -> frozenset[bytes]:
        """Return the names that any torch release exports, or whose owner is torch."""
        names = frozenset(names)
        new = names - self._theirs.keys()
        if new:
            known = export_index.lookup(PLATFORM, new)
            kinds = torch_names.classify(sorted(new), _ANY)
            used = {*torch_names.USES, torch_names.Kind.HEADER_ONLY}
            self._theirs.update((one, one in known or kinds.get(one) in used) for one in new)
        return frozenset(one for one in names if self._theirs[one])

    def directories(self, file: Path, torch: Path) -> list[Path]:
        """Where the loader looks: torch's directory, that of the library, the wheel's others."""
        others = sorted(each.parent for each in self.files)
        return list(dict.fromkeys([torch, file.parent, *others]))


ENDED = "the process ended"
_ANY = Binary(Format.ELF, "x86_64", 64, "little", ())


def compare(
    unpacked: Unpacked, torches: Mapping[str, Path], builds: TorchBuilds, scratch: Path
) -> Iterator[Comparison]:
    """Compare the results for every library in a wheel, whether or not it uses torch.

    Args:
        unpacked: The wheel.
        torches: Releases of ``builds`` to the directories of stand-ins for them.
        builds: The builds from which the matrix is made.
        scratch: An empty directory.
    """
    matrix = compat(unpacked.report, builds, within=lambda one: one in torches)
    asked = {
        release: {
            file: loader.resolved(file, unpacked.directories(file, torch))
            for file in unpacked.files
        }
        for release, torch in torches.items()
    }
    stubs = _stubs(unpacked, [one for each in asked.values() for one in each.values()], scratch)
    own = {one.name for one in unpacked.files}
    for release, torch in torches.items():
        answers, exported = asked[release], _exported(torch)
        found = _undefined(unpacked, answers)
        surprises = _open(unpacked, torch, answers, stubs)
        for file, library in unpacked.files.items():
            judged = matrix.of(library.path)
            absent = (each for one in judged for each in one.absent if release in each.releases)
            yield Comparison(
                wheel=unpacked.wheel.name,
                library=str(library.path.relative_to(unpacked.wheel)),
                torch=release,
                matrix=frozenset(name for one in judged for name in _missing(one, release)),
                loader=unpacked.of_torch(found[file]) | (found[file] & exported),
                absent=frozenset(each.library for each in absent),
                not_found=frozenset(
                    # the loader also lists the dependencies of the libraries that it opens
                    one
                    for one in answers[file].not_found.intersection(library.needed)
                    if is_libtorch(one) and one not in own
                ),
                opened=surprises.get(file),
            )


def _missing(library: LibraryLoads, release: str) -> frozenset[bytes]:
    return frozenset(one.name for one in library.missing if release in one.releases)


def _roots(unpacked: Unpacked, answers: Mapping[Path, loader.Resolved]) -> list[Path]:
    """The extension modules, and the libraries that no other one opens."""
    return [
        file
        for file, library in unpacked.files.items()
        if library.entry_points
        or all(file == one or str(file) not in answers[one].opened for one in unpacked.files)
    ]


def _undefined(
    unpacked: Unpacked, answers: Mapping[Path, loader.Resolved]
) -> dict[Path, frozenset[bytes]]:
    """The names of each library that are not found, whichever root opens it."""
    found = {}
    roots = _roots(unpacked, answers)
    for file in unpacked.files:
        above = [one for one in roots if str(file) in answers[one].opened] or [file]
        each = [answers[one].undefined.get(str(file), frozenset()) for one in above]
        found[file] = frozenset.intersection(*each)
    return found


def _stubs(unpacked: Unpacked, answers: Iterable[loader.Resolved], scratch: Path) -> Path:
    """Build what the wheel needs beside torch, in a directory: libraries and names.

    ``others.so`` has the names that are not torch's, ``torchs.so`` those of torch that are not
    found with any of the releases. Libraries that are not found are empty.
    """
    undefined: set[bytes] = set()
    not_found: set[str] = set()
    for one in answers:
        undefined.update(*one.undefined.values())
        not_found |= one.not_found
    theirs = unpacked.of_torch(undefined)
    loader.build(scratch / "others.so", undefined - theirs)
    loader.build(scratch / "torchs.so", theirs)
    loader.build(scratch / "empty.so", ())
    for name in not_found:
        shutil.copy(scratch / "empty.so", scratch / name)
    return scratch


def _open(
    unpacked: Unpacked, torch: Path, answers: Mapping[Path, loader.Resolved], stubs: Path
) -> dict[Path, str]:
    """Open the libraries, without torch's missing names and then with them; return surprises."""
    roots = _roots(unpacked, answers)
    names = [one.name for one in unpacked.files]
    apart = len(set(names)) < len(names)  # the directory decides which library a name means
    groups = [[one] for one in roots] if apart else [roots]
    surprises = {}
    for files in groups:
        places = [*unpacked.directories(files[0], torch), stubs]
        stages = loader.opened(files, places, [stubs / "others.so", stubs / "torchs.so"])
        for file in files:
            undefined = frozenset[bytes]().union(*answers[file].undefined.values())
            expected = unpacked.of_torch(undefined)
            first, second = (stage[file] for stage in stages)
            if ENDED in (first or "") or ENDED in (second or ""):
                continue  # it runs code before the loader is done, which the stubs make crash
            fits = first.encode() in expected if first is not None else not expected
            if not fits:
                surprises[file] = f"opened: {first}; expected of {sorted(expected)[:3]}"
            elif second is not None:
                surprises[file] = f"opened with all names that are missing: {second}"
    return surprises


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


def torch_stand_in(cache: Path, version: str) -> Path:
    """The stand-in for a published torch release.

    Raises:
        WheelError: pip cannot download the wheel.
    """
    home = cache / f"stand-in-{version}"
    if not home.is_dir():
        print(f"torch {version}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            wheel = download("torch", version, TAGS, Path(scratch))
            loader.stand_in(unpack_torch(wheel, Path(scratch) / "libraries"), home)
    return home


def unpack_torch(wheel: Path, home: Path) -> Path:
    """Unpack libtorch's shared libraries from a torch wheel into the directory ``home``."""
    home.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = member.rpartition("/")[2]
            if member.startswith("torch/lib/") and is_libtorch(name):
                with archive.open(member) as packed, (home / name).open("wb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
    return home


def published(cache: Path, requirement: str) -> Path:
    """A published wheel, downloaded only once; a path is the wheel itself.

    Raises:
        WheelError: pip cannot download the wheel.
    """
    if requirement.endswith(".whl"):
        return Path(requirement).absolute()
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
            if one.opened is not None:
                yield f"{where}: {one.opened}"


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
        torches = {one: torch_stand_in(options.cache, one) for one in options.torch or TORCHES}
        for requirement in options.wheel or WHEELS:
            wheel = published(options.cache, requirement)
            with tempfile.TemporaryDirectory() as home:
                unpacked = Unpacked(wheel, Path(home))
                with tempfile.TemporaryDirectory() as scratch:
                    comparisons += compare(unpacked, torches, export_index, Path(scratch))
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

Written by `tools/compare_with_loader.py`. Each torch is a stand-in: libraries with the names, links
(`DT_NEEDED`) and exports of those of the published CUDA build, but without their code and without
NVIDIA's libraries. Nothing is preloaded.

1. The dynamic loader of Linux x86_64 lists, as `ldd -r` does, the symbols that it cannot resolve in
   the scope of each library: the library, and all that it is linked to. A library that is only
   opened by others is read in their scope. Those of the symbols that belong to torch (exported by
   an indexed release or by this torch, or in a namespace of torch) must be exactly the symbols that
   the load matrix reports as missing. The torch libraries that the loader does not find must be
   exactly those that the matrix reports as not shipped.
2. A Python process opens `libtorch_global_deps.so` with `RTLD_GLOBAL` and `libtorch_python.so` with
   `RTLD_LOCAL`, as `import torch` does, and then each library that no other one opens. It must
   refuse those with a missing symbol, naming one of them, and open the others. Once exactly the
   missing symbols are provided, it must open all. The libraries have no initializers, so no code of
   theirs runs, except resolvers of indirect functions: where such code crashes, only 1 counts.

Each cell counts the libraries on which all agree, and the distinct missing symbols.
"""

if __name__ == "__main__":
    sys.exit(main())
