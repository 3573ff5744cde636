"""LLVM's offload binaries: containers of one device image each, as clang's newer driver makes them.

They stand one after the other in a section. All numbers are little-endian::

    header: 4 bytes magic, u32 version, u64 size, u64 offset and u64 size of the entry
    entry: u16 kind of the image, u16 kind of the language, u32 flags, u64 offset and u64 number of
        pairs of strings, u64 offset and u64 size of the image

A pair is two u64 offsets, of a name (``triple``, ``arch``) and its value; all offsets count from
the header. Layout: ``llvm/Object/OffloadBinary.h``.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.bounded import c_string
from torch_abi_audit.formats.device_code.padding import after_zeros
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.binary import Readable

MAGIC = b"\x10\xff\x10\xad"
_HEADER = Struct("<4sIQQQ")
_ENTRY = Struct("<HHIQQQQ")
_PAIR = Struct("<QQ")
_LOOK, _MOST_TEXT, _MOST_PAIRS, _MOST = 1 << 10, 1 << 16, 1 << 6, 1 << 14
_OBJECT, _CUBIN, _PTX = 1, 3, 5
_KINDS = {2: "LLVM bitcode", 4: "a fat binary", 6: "SPIR-V"}
_GFX, _SM = re.compile(r"gfx[0-9a-z:+-]+"), re.compile(r"sm_(\d+[af]?)")


class Image(NamedTuple):
    """One device image."""

    target: str | None
    """The architecture that it has code for; None if it is no machine code and no PTX."""
    other: str
    """What it is, where ``target`` is None."""
    size: int


def images(source: Readable, start: int, size: int) -> Iterator[Image]:
    """Every image in a range of a file.

    Raises:
        FormatError: what stands at some place of the range is no offload binary of a known form.
    """
    at, end = start, start + size
    if end > source.size:
        raise FormatError(f"device images should end at byte {end} of a file of {source.size}")
    for _ in range(_MOST):
        at = after_zeros(source, at, end, "the section of device images")
        if at >= end:
            return
        head = source.read_at(at, min(_LOOK, end - at))
        if len(head) < _HEADER.size or not head.startswith(MAGIC):
            raise FormatError(f"no offload binary at byte {at}: {head[:4].hex()} stands there")
        _, version, length, entry, entry_size = _HEADER.unpack_from(head)
        if version != 1 or entry_size < _ENTRY.size or not _HEADER.size <= length <= end - at:
            raise FormatError(
                f"the offload binary at byte {at} has version {version} and {length} bytes"
            )
        yield _image(source, at, length, entry)
        at += length
    raise FormatError(f"more than {_MOST} device images")


def _image(source: Readable, at: int, length: int, entry: int) -> Image:
    raw = source.read_at(at + entry, _ENTRY.size) if entry + _ENTRY.size <= length else b""
    if len(raw) < _ENTRY.size:
        raise FormatError(f"the entry of the offload binary at byte {at} lies outside of it")
    kind, _, _, pairs, count, image, size = _ENTRY.unpack(raw)
    if count > _MOST_PAIRS or image + size > length or pairs + count * _PAIR.size > length:
        raise FormatError(f"the parts of the offload binary at byte {at} lie outside of it")
    text = source.read_at(at, min(image or length, _MOST_TEXT))
    found: dict[bytes, str] = {}
    for number in range(count):
        if pairs + (number + 1) * _PAIR.size > len(text):
            raise FormatError(f"the strings of the offload binary at byte {at} are misplaced")
        name, value = _PAIR.unpack_from(text, pairs + number * _PAIR.size)
        found[c_string(text, name, "name")] = c_string(text, value, "value").decode("latin-1")
    architecture = found.get(b"arch", "")
    sm = _SM.fullmatch(architecture)
    if kind == _OBJECT and _GFX.fullmatch(architecture):
        return Image(architecture, "", size)
    if kind in (_OBJECT, _CUBIN) and sm:
        return Image(f"sm_{sm[1]}", "", size)
    if kind == _PTX and sm:
        return Image(f"compute_{sm[1]}", "", size)
    what = _KINDS.get(kind, f"an image of kind {kind}")
    shown = re.sub(r"[^!-~]", "?", architecture[:64] or found.get(b"triple", "?")[:64])
    return Image(None, f"{what} for {shown}", size)
