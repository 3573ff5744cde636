"""What dyld says about a library that it does not load, with the facts behind it."""

from __future__ import annotations

from typing import NamedTuple

from torch_abi_audit.doctor.process import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.doctor.macho.images import Loaded
    from torch_abi_audit.doctor.macho.search import Candidate

_CACHED = ("/usr/lib/", "/System/Library/")
NO_RPATHS = "no LC_RPATH's found"
UNUSED_RPATHS = (
    "no LC_RPATH's used.  They may be invalid, eg, not start with '@loader_path' or "
    "'@executable_path'"
)
KINDS = {
    "machine": Refusal.OTHER_MACHINE,
    "damaged": Refusal.DAMAGED,
    "program": Refusal.EXECUTABLE,
    "bundle": Refusal.OTHER,
}
"""Why a file cannot be loaded, to the refusal."""


class Tried(NamedTuple):
    """One path that dyld tried in vain."""

    candidate: Candidate
    why: str = ""
    """Why the file there cannot be loaded; empty if there is none."""
    kind: Refusal = Refusal.NO_LIBRARY


def uuid(image: Loaded | None) -> str:
    """The UUID of an image, as dyld writes it."""
    raw = image.image.uuid if image is not None and image.image is not None else None
    if raw is None:
        return "no uuid"
    digits = raw.hex().upper()
    return "-".join(
        digits[start:end] for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
    )


def paths_tried(tried: Sequence[Tried]) -> str:
    """The list of paths that dyld tried."""
    return "tried: " + ", ".join(f"'{one.candidate.path}' ({_reason(one)})" for one in tried)


def _reason(one: Tried) -> str:
    if one.why:
        return one.why
    cached = one.candidate.shared_cache and one.candidate.path.startswith(_CACHED)
    return "no such file, not in dyld cache" if cached else "no such file"


def not_loaded(asked: str, image: Loaded, why: str) -> str:
    """A library that an image is linked to, and that is not loaded."""
    return (
        f"Library not loaded: {asked}\n  Referenced from: <{uuid(image)}> {image.path}\n"
        f"  Reason: {why}"
    )


def not_found(symbol: str, image: Loaded, expected: Loaded | None) -> str:
    """A symbol that the library that should have it does not export."""
    where = expected.path if expected is not None else "unknown"
    return (
        f"Symbol not found: {symbol}\n  Referenced from: <{uuid(image)}> {image.path}\n"
        f"  Expected in:     <{uuid(expected)}> {where}"
    )


def not_defined(symbol: str, image: Loaded) -> str:
    """A C++ definition that no image has, not even the one that refers to it."""
    return (
        f"Symbol not found: {symbol}\n  Referenced from: <{uuid(image)}> {image.path}\n"
        f"  Expected as weak-def export from some loaded dylib"
    )


def not_flat(symbol: str) -> str:
    """A symbol that is looked up in all images, and that none exports."""
    return f"symbol not found in flat namespace '{symbol}'"
