"""Wheels for tests of damage: where their parts are, and how to overwrite them."""

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
    """Why the one candidate of that name cannot be opened, though it was listed."""
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
    """Where a member's entry begins in the archive's directory."""
    data = path.read_bytes()
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(name.encode()))
    assert data[at + 46 :].startswith(name.encode())
    return at


def data_of(path: Path, name: str) -> tuple[int, int]:
    """Where a member's packed bytes are, and how many."""
    with zipfile.ZipFile(path) as zipped:
        entry = zipped.getinfo(name)
    header = path.read_bytes()[entry.header_offset :][:30]
    name_length, extra_length = struct.unpack("<26xHH", header)
    return entry.header_offset + 30 + name_length + extra_length, entry.compress_size
