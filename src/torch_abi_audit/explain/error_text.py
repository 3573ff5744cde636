r"""What an error's text says: the symbol, the library, the file, and on which system. Pure.

The forms are those of glibc and musl, of dyld, of Windows' loader by way of CPython, of CPython
itself and of torch.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from torch_abi_audit.runtime.records import dataclass

_MOST = 16 << 10
"""Bytes that are looked at: errors are short, and every repetition below has an end."""


class Kind(Enum):
    """What an error's text reports."""

    SYMBOL = auto()
    """A symbol is provided by nobody."""
    LIBRARY = auto()
    """A library was not found, or one that it needs."""
    PROCEDURE = auto()
    """Windows: a symbol is provided by nobody, and is not named."""
    MODULE = auto()
    """Windows: a library was not found, and is not named."""
    VERSION = auto()
    """A symbol version of the system's libraries is missing."""
    MACHINE = auto()
    """The file is for another machine."""
    NO_INIT = auto()
    """The module has no entry point for this Python."""
    DAMAGED = auto()
    CUDA_VERSIONS = auto()
    """Two CUDA releases, named."""
    NO_OPERATOR = auto()
    """torch does not know an operator."""


@dataclass(frozen=True, slots=True)
class Clue:
    """What one error's text says."""

    kind: Kind
    symbol: str | None = None
    library: str | None = None
    """The library that is missing or should provide the symbol."""
    file: str | None = None
    """The library that needs it."""
    system: str | None = None
    """``linux``, ``macos`` or ``windows``, where the form of the text is one system's."""
    versions: tuple[str, ...] = ()


_FORMS: tuple[tuple[Kind, str | None, str], ...] = (
    (
        Kind.SYMBOL,
        "windows",
        (
            r"procedure entry point (?P<symbol>\S{1,4000}) could not be located in "
            r"the dynamic link library "
            r"(?P<library>[^\n]{1,400}?)\.?\s*$"
        ),
    ),
    (
        Kind.SYMBOL,
        "macos",
        (
            r"Symbols? not found:\s*(?P<symbol>\S{1,4000})"
            r"(?:.{0,600}?Referenced from:\s*(?:<[^>]*>\s*)?"
            r"(?P<file>[^\n]{1,400}?))?"
            r"(?:\s+Expected in:\s*(?:<[^>]*>\s*)?(?P<library>[^\n]{1,400}?))?\s*(?:$|\n|'|\))"
        ),
    ),
    (
        Kind.SYMBOL,
        "macos",
        (
            r"(?:dlopen\((?P<file>[^,\n]{1,400}),.{0,600}?)?"
            r"symbol not found in flat namespace '?\(?'?(?P<symbol>[^\s')]{1,4000})"
        ),
    ),
    (
        Kind.SYMBOL,
        "linux",
        (
            r"(?:(?P<file>[^\s:'\"]{1,400}): )?undefined symbol: ?(?P<symbol>[\w?@$.]{1,4000})"
            r"(?:,? version (?P<versions>[\w.]{1,400}))?"
        ),
    ),
    (
        Kind.SYMBOL,
        "linux",
        r"Error relocating (?P<file>[^\s:]{1,400}): (?P<symbol>[\w?@$.]{1,4000}): symbol not found",
    ),
    (Kind.SYMBOL, None, r"undefined reference to [`'\u2018\"]?(?P<symbol>[^'\u2019\"\n]{1,400})"),
    (Kind.SYMBOL, None, r"unresolved external symbol (?:\"[^\"]*\" )?\(?(?P<symbol>[?\w@$]+)"),
    (
        Kind.VERSION,
        "linux",
        (
            r"version [`'\u2018\"]?(?P<versions>(?:GLIBC|GLIBCXX|CXXABI|GCC)_[\w.]{1,400})"
            r"['\u2019\"]? not found"
            r"(?: \(required by (?P<file>[^)\n]{1,400})\))?"
        ),
    ),
    (Kind.MACHINE, "macos", r"incompatible architecture \((?P<versions>[^\n]{0,400})\)"),
    (Kind.MACHINE, "linux", r"(?:(?P<file>[^\s:]{1,400}): )?wrong ELF class: (?P<versions>\w+)"),
    (
        Kind.MACHINE,
        "linux",
        r"(?:(?P<file>[^\s:]{1,400}): )?cannot open shared object file: Exec format error",
    ),
    (
        Kind.MACHINE,
        "windows",
        r"(?:DLL load failed[^\n]{0,400}: )?%1 is not a valid Win32 application|WinError 193",
    ),
    (Kind.DAMAGED, "linux", r"(?:(?P<file>[^\s:]{1,400}): )?(?:invalid ELF header|file too short)"),
    (
        Kind.LIBRARY,
        "linux",
        r"(?P<library>[^\s:'\"]{1,400}): cannot open shared object file: No such file",
    ),
    (
        Kind.LIBRARY,
        "linux",
        (
            r"Error loading shared library (?P<library>[^\s:]{1,400}): No such file[^\n]{0,400}"
            r"(?:needed by (?P<file>[^\s)]{1,400}))?"
        ),
    ),
    (
        Kind.LIBRARY,
        "macos",
        (
            r"(?:Library not loaded|image not found):\s*(?P<library>[^\n]{1,400}?)\s*(?:\n|$)"
            r"(?:\s*Referenced from:\s*(?:<[^>]*>\s*)?(?P<file>[^\n]{1,400}))?"
        ),
    ),
    (
        Kind.LIBRARY,
        "windows",
        r"Error loading \"?(?P<library>[^\"\n]{1,400}?\.dll)\"? or one of its dependencies",
    ),
    (
        Kind.LIBRARY,
        "windows",
        r"Could not find module '?(?P<library>[^'\n]{1,400}?)'? \(or one of its dependencies\)",
    ),
    (
        Kind.PROCEDURE,
        "windows",
        (
            r"(?:DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n]{0,400})?"
            r"(?:The specified procedure could not be found|WinError 127)"
        ),
    ),
    (
        Kind.MODULE,
        "windows",
        (
            r"(?:DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n]{0,400})?"
            r"(?:The specified module could not be found|WinError 126)"
        ),
    ),
    (
        Kind.NO_INIT,
        None,
        r"dynamic module does not define (?:module export|init) function \((?P<symbol>\w+)\)",
    ),
    (Kind.NO_INIT, None, r"Module use of python(?P<versions>\d+)\.dll conflicts"),
    (
        Kind.CUDA_VERSIONS,
        None,
        (
            r"(?:PyTorch|torch)[^\n]{0,400}?CUDA [Vv]ersion[ =:]+(?P<a>[\d.]+)[^\n]{0,400}?"
            r"CUDA [Vv]ersion[ =:]+(?P<b>[\d.]+)"
        ),
    ),
    (
        Kind.CUDA_VERSIONS,
        None,
        (
            r"detected CUDA version \((?P<a>[\d.]+)\) mismatches the version that was used to "
            r"compile"
            r"\s*PyTorch \((?P<b>[\d.]+)\)"
        ),
    ),
    (
        Kind.NO_OPERATOR,
        None,
        r"'_OpNamespace' '(?P<library>\w+)' object has no attribute '(?P<symbol>\w+)'",
    ),
    (
        Kind.NO_OPERATOR,
        None,
        r"(?:operator|Could not find schema for) (?P<symbol>[\w:]{1,400}) does not exist",
    ),
    (Kind.NO_OPERATOR, None, r"Could not find schema for (?P<symbol>[\w:.]{1,400})"),
)
_COMPILED = [
    (kind, system, re.compile(form, re.DOTALL if system == "macos" else re.MULTILINE))
    for kind, system, form in _FORMS
]


def clue(text: str) -> Clue | None:
    """What an error's text says; None where it has no form that is known."""
    text = text[:_MOST]
    for kind, system, form in _COMPILED:
        if match := form.search(text):
            found = match.groupdict()
            versions = tuple(
                one for one in (found.get("versions"), found.get("a"), found.get("b")) if one
            )
            return Clue(
                kind,
                symbol=_clean(found.get("symbol")),
                library=_clean(found.get("library")),
                file=_clean(found.get("file")),
                system=system,
                versions=versions,
            )
    return None


def _clean(text: str | None) -> str | None:
    """What stands between quotes and brackets of the sentence around it."""
    if not text:
        return None
    plain = text.strip(" '\"`,;").rstrip(".")
    if "(" not in plain or ")" not in plain:
        plain = plain.strip("()")
    return plain.strip(" '\"`,;") or None
