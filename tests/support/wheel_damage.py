"""Damaged wheels for tests: finds the parts of a wheel, and overwrites them."""

from __future__ import annotations

import random
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.installs import ELF
from torch_abi_audit.model.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

    from torch_abi_audit.sources.found import Found

NOISE = random.Random(7).randbytes(1 << 16)
LIBRARY = ELF + NOISE


def errors(found: Found) -> dict[str, str]:
    return {each.relative: each.message for each in found.errors}


def failure(found: Found, relative: str = "demo/_C.so") -> str:
    """The error when the only candidate of that name is opened, although it was listed."""
    (candidate,) = (each for each in found.candidates if each.relative == relative)
    with pytest.raises(FormatError) as caught, candidate.open():
        pass
    return str(caught.value)


def patch(path: Path, offset: int, data: bytes) -> None:
    """Overwrite bytes of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def central(path: Path, name: str) -> int:
    """Offset of a member's entry in the archive's central directory."""
    data = path.read_bytes()
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(name.encode()))
    assert data[at + 46 :].startswith(name.encode())
    return at


def data_of(path: Path, name: str) -> tuple[int, int]:
    """Offset and length of a member's compressed bytes."""
    with zipfile.ZipFile(path) as zipped:
        entry = zipped.getinfo(name)
    header = path.read_bytes()[entry.header_offset :][:30]
    name_length, extra_length = struct.unpack("<26xHH", header)
    return entry.header_offset + 30 + name_length + extra_length, entry.compress_size
