"""Versions of a system's libraries in what a linker does not find: ``memcpy@GLIBC_2.14``."""

from __future__ import annotations

import re

from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.explain.reading.error_text import Clue

_VERSION = re.compile(r"@(?P<version>(?:GLIBC|GLIBCXX|CXXABI|GCC|GOMP|GFORTRAN)_[\w.]{1,40})")


def link_versions(clues: Sequence[Clue]) -> list[Clue]:
    """The errors of a linker that name a version, each with it; a library needs that version.

    An object file that is compiled here needs what is here: only a library from elsewhere, such as
    libtorch, can need a newer system.
    """
    found = []
    for one in clues:
        match = _VERSION.search(one.symbol or "")
        if match is not None:
            found.append(replace(one, version=match["version"]))
    return found
