"""The load commands of a Mach-O image, one by one.

Layouts: Apple's ``<mach-o/loader.h>``.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from torch_abi_audit.formats.bounded import c_string
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DYLIB_USE = 0x1A741800  # in the timestamp field: the command is a dylib_use_command
_DYLIB_USE_SIZE = 28
_USE_WEAK, _USE_REEXPORT, _USE_DELAYED = 1, 2, 8
_PLATFORM_MACOS = 1


class Tag(IntEnum):
    """The load commands that are read."""

    SEGMENT = 0x1
    SYMTAB = 0x2
    DYSYMTAB = 0xB
    LOAD_DYLIB = 0xC
    ID_DYLIB = 0xD
    SEGMENT_64 = 0x19
    UUID = 0x1B
    LAZY_LOAD_DYLIB = 0x20
    DYLD_INFO = 0x22
    VERSION_MIN_MACOSX = 0x24
    BUILD_VERSION = 0x32
    LOAD_WEAK_DYLIB = 0x80000018
    RPATH = 0x8000001C
    REEXPORT_DYLIB = 0x8000001F
    DYLD_INFO_ONLY = 0x80000022
    LOAD_UPWARD_DYLIB = 0x80000023
    DYLD_EXPORTS_TRIE = 0x80000033
    DYLD_CHAINED_FIXUPS = 0x80000034


LOADS = frozenset(
    {
        Tag.LOAD_DYLIB,
        Tag.LOAD_WEAK_DYLIB,
        Tag.REEXPORT_DYLIB,
        Tag.LAZY_LOAD_DYLIB,
        Tag.LOAD_UPWARD_DYLIB,
    }
)
"""Commands that name a library to load."""
FIXUPS = frozenset({Tag.DYLD_INFO, Tag.DYLD_INFO_ONLY, Tag.DYLD_CHAINED_FIXUPS})
"""Commands that locate the tables of what dyld binds."""


class Dylib(NamedTuple):
    """A library that the image loads; its 1-based position is its ordinal."""

    name: str
    weak: bool
    """Whether the library may be missing; its symbols are null then."""
    delayed: bool
    """Whether dyld loads the library at its first use."""
    reexported: bool = False
    """Whether the library's symbols count as symbols of the image."""


class Versions(NamedTuple):
    """The macOS that an image is built for; a release is None if the image does not state it."""

    oldest: str | None = None
    """Oldest macOS that it runs on, such as ``11.0``."""
    sdk: tuple[int, int] | None = None
    """Major and minor release of the SDK that it was linked with."""


class Command(NamedTuple):
    """One load command."""

    tag: int
    body: bytes
    """All of it, tag and size included."""


def split(blob: bytes, count: int, order: str) -> Iterator[Command]:
    """The ``count`` load commands in ``blob``.

    Raises:
        FormatError: a command lies outside of it.
    """
    head = Struct(order + "II")
    at = 0
    for index in range(count):
        if at + head.size > len(blob):
            raise FormatError(f"load command {index} of {count} lies outside the load commands")
        tag, size = head.unpack_from(blob, at)
        if size < head.size or at + size > len(blob):
            raise FormatError(f"load command {index} of {count} has a bad size of {size} bytes")
        yield Command(tag, blob[at : at + size])
        at += size


def fields(command: Command, shape: str) -> tuple[int, ...]:
    """The numbers of a command, by a format of ``struct``.

    Raises:
        FormatError: the command is shorter.
    """
    layout = Struct(shape)
    if len(command.body) < layout.size:
        raise FormatError(f"load command {command.tag:#x} is cut short")
    return layout.unpack_from(command.body)


def only(commands: Sequence[Command], *tags: Tag) -> Command | None:
    """The only command of these kinds; dyld refuses an image with a second one.

    Raises:
        FormatError: there is a second one.
    """
    found = [one for one in commands if one.tag in tags]
    if len(found) > 1:
        raise FormatError(f"load command {found[1].tag:#x} occurs more than once")
    return found[0] if found else None


def text(command: Command, order: str) -> str:
    """The string of a command whose first field is the string's offset (``lc_str``).

    Raises:
        FormatError: the string lies outside the command.
    """
    (offset,) = fields(command, order + "8xI")
    name = c_string(command.body, offset, f"load command {command.tag:#x}")
    return name.decode("utf-8", "surrogateescape")


def dylib(command: Command, order: str) -> Dylib:
    """The library that one of ``LOADS`` names.

    Raises:
        FormatError: the command is damaged.
    """
    name = text(command, order)
    weak = command.tag == Tag.LOAD_WEAK_DYLIB
    delayed = command.tag == Tag.LAZY_LOAD_DYLIB
    reexported = command.tag == Tag.REEXPORT_DYLIB
    offset, marker = fields(command, order + "8xII8x")
    if marker == _DYLIB_USE and offset == _DYLIB_USE_SIZE:
        (flags,) = fields(command, order + "24xI")
        weak, delayed = weak or bool(flags & _USE_WEAK), delayed or bool(flags & _USE_DELAYED)
        reexported = reexported or bool(flags & _USE_REEXPORT)
    return Dylib(name, weak=weak, delayed=delayed, reexported=reexported)


def uuid(commands: Sequence[Command]) -> bytes | None:
    """The 16 bytes of LC_UUID; None without one."""
    return next((one.body[8:24] for one in commands if one.tag == Tag.UUID), None)


def versions(commands: Sequence[Command], order: str) -> Versions:
    """The macOS and the SDK that an image states; the first statement for macOS counts.

    Raises:
        FormatError: a command is cut short.
    """
    for command in commands:
        if command.tag == Tag.VERSION_MIN_MACOSX:
            oldest, sdk = fields(command, order + "8xII")
        elif command.tag == Tag.BUILD_VERSION:
            platform, oldest, sdk = fields(command, order + "8xIII")
            if platform != _PLATFORM_MACOS:
                continue
        else:
            continue
        patch = f".{oldest & 0xFF}" if oldest & 0xFF else ""
        return Versions(f"{oldest >> 16}.{oldest >> 8 & 0xFF}{patch}", (sdk >> 16, sdk >> 8 & 0xFF))
    return Versions()
