"""A symbol for C++'s ``long`` or ``long long`` where torch has one for ``int64_t``.

``int64_t`` is ``long`` on Linux, ``long long`` on macOS, and ``__int64`` (``long long``) on
Windows; the other of the two types is a type of its own, for which torch has no functions.
"""

from __future__ import annotations

import re
from itertools import combinations

from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.platforms import LINUX, WINDOWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.scene import Scene

_ACCESSORS = re.compile(
    r"(?:data_ptr|const_data_ptr|mutable_data_ptr|item|accessor|packed_accessor\w{0,2}|data)"
    r"<(?:unsigned )?(?P<type>long(?: long)?)(?: const)?[,>]"
)
_MOST = 6
"""Places in a name that are exchanged."""


def other_integer(name: bytes, shown: str, scene: Scene) -> str | None:
    """The type in a symbol that should be ``int64_t``: ``long``; None if that is not its fault.

    Args:
        name: The raw name, which no release of torch exports.
        shown: The demangled name.
        scene: Where it is missing.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    wrong = "long long" if scene.system is LINUX else "long"
    match = _ACCESSORS.search(shown)
    if match is not None:
        return wrong if match["type"] == wrong else None
    spelled = any(export_index.exported(scene.platform, one) for one in _respelled(name, scene))
    return wrong if spelled else None


def _respelled(name: bytes, scene: Scene) -> Iterator[bytes]:
    """The name with some of its integers of the wrong type in the right one."""
    if scene.system is WINDOWS:
        places, swap = [at.start() for at in re.finditer(rb"(?<![\w$])J|(?<=[A-Z])J", name)], {}
    else:
        swap = {b"x": b"l", b"y": b"m"} if scene.system is LINUX else {b"l": b"x", b"m": b"y"}
        places = [at for at in _types(name) if name[at : at + 1] in swap]
    for count in range(1, min(len(places), _MOST) + 1):
        for chosen in combinations(places[:_MOST], count):
            letters = [name[at : at + 1] for at in range(len(name))]
            for at in chosen:
                letters[at] = swap.get(letters[at], b"_" + letters[at])
            yield b"".join(letters)


def _types(name: bytes) -> Iterator[int]:
    """The places in an Itanium name that are outside of its identifiers."""
    at = 0
    while at < len(name):
        if (length := re.compile(rb"\d{1,4}").match(name, at)) is not None:
            at = length.end() + int(length[0])
        else:
            yield at
            at += 1
