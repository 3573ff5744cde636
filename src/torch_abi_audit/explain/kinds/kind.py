"""One kind of error text: the patterns that recognise it, and the answer to it."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Cause

SYMBOL = "symbol"
"""The kind that is answered for the symbol named in the text: a loader did not find it."""
LINK = "link"
"""The kind that is answered for the symbol named in the text: a linker did not find it."""
LIBRARY = "library"
"""The kind that is answered for the library named in the text."""
DEPENDENCY = "dependency"
"""The kind that is answered for the library named in the text: it, or what it needs, is missing."""
VERSION = "version"
"""The kind that is answered for the version of a system's library named in the text."""
REPAIR = "repair"
"""The kind that is answered for all libraries that a wheel repair tool named."""


class Rank(IntEnum):
    """How close to the cause a kind of error is: of several in one text the highest decides."""

    CONSEQUENCE = 0
    """It says only that something failed before: an operator that does not exist."""
    CAUSE = 1
    ROOT = 2
    """It explains the errors that follow it: a library that the linker ignored."""


class Device(StrEnum):
    """What an error says of a GPU or of its driver, where one of them is the cause."""

    NO_CODE = "no-code"
    """Somebody's code for GPUs has nothing that runs on this one."""
    TORCH = "torch"
    """Torch itself has nothing that runs on it, as it says when it finds the GPU."""
    REFUSED = "refused"
    """A package's own check refuses the GPU, whatever code there is."""
    DRIVER = "driver"
    """The driver is older than the CUDA runtime needs."""
    PTX = "ptx"
    """The driver is older than the compiler that wrote the PTX."""
    COMPILER = "compiler"
    """The compiler does not know the GPU."""


class Form(NamedTuple):
    """One pattern of an error message."""

    system: str | None
    """``linux``, ``macos`` or ``windows``; None where several systems print it."""
    expression: str
    """A regular expression; macOS patterns may span lines."""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One kind of error.

    Sentences may contain, in braces, the groups of the pattern that matched, ``subject``, and
    ``here`` (the version of Python in parentheses, or nothing). A sentence with a field that has
    no value is left out.
    """

    name: str
    forms: tuple[Form, ...]
    subject: tuple[str, ...] = ()
    """The subject of the answer: the first of these whose fields have values."""
    is_a: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    why: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    about_torch: bool = False
    """Whether the answer names the installed torch."""
    rank: Rank = Rank.CAUSE
    owner: str | None = None
    """Who fails, where the text itself says so: ``torch``, ``the NVIDIA driver`` …"""
    device: Device | None = None
    """What it says of a GPU; None for errors that are about something else."""
    source: str = ""
    """Where the wording comes from: a file of a project's sources, or an address."""
