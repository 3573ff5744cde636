"""The kind of a file that is not a library, recognised by its first bytes as ``file(1)`` does."""

from __future__ import annotations

from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.device_code import DEVICE_MAGICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Readable

_LOOK = 4096
_MAGICS = (
    (b"!<arch>\n", "static archive"),
    (b"!<thin>\n", "static archive"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\xde\xc0\x17\x0b", "LLVM bitcode"),
    (b"PK\x03\x04", "zip archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"\xfd7zXZ\x00", "xz archive"),
    (b"(\xb5/\xfd", "zstd archive"),
    (b"BZh", "bzip2 archive"),
    (b"#!", "script"),
    (b"version https://git-lfs", "Git LFS pointer"),
)
_LINKER_WORDS = (b"GROUP", b"INPUT", b"OUTPUT_FORMAT", b"GNU ld script")
UNSUPPORTED = (
    (b"\0asm", "a WebAssembly module"),
    (b"\x01\xf7", "an AIX XCOFF file"),
    (b"\x01\xdf", "an AIX XCOFF file"),
)
"""Libraries in formats without a reader."""


def recognise(source: Readable) -> NotALibrary | None:
    """The kind of a file that is not a library; None if it is unknown."""
    if source.size == 0:
        return NotALibrary("empty file")
    head = source.read_at(0, _LOOK)
    for magic, kind in (*_MAGICS, *DEVICE_MAGICS.items()):
        if head.startswith(magic):
            return NotALibrary(kind)
    if any(word in head for word in _LINKER_WORDS) and _is_text(head):
        return NotALibrary("linker script")
    if _is_text(head):
        return NotALibrary("text")
    return None


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(head) - 3:  # the window may cut the last character
            return False
    return not any((byte < 32 and byte not in b"\t\n\r\f\x1b") or byte == 127 for byte in head)
