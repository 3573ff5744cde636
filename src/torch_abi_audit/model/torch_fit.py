"""Which torch releases the binaries of a package fit, whatever its metadata declares."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass


@dataclass(frozen=True, slots=True)
class TorchFit:
    """The known torch releases that the binaries of one distribution fit, and those they do not."""

    environments: tuple[tuple[str, str, str], ...]
    """Where the distribution may be installed: Python, system and machine of each environment."""
    sure: tuple[str, ...]
    """The releases on which they are known to load, with the CUDA that they need; oldest first."""
    bad: tuple[str, ...]
    """The releases on which they are known not to; nothing is known of the others."""
    bounded: bool
    """Whether later releases must be kept out: the binaries use unstable symbols."""
