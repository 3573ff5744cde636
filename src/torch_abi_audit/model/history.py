"""The releases of a project on an index: those that were audited, and those that could not be."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """One wheel of one release, or a release without a wheel to audit."""

    project: str
    """The canonical name."""
    version: str
    released: str | None = None
    """The day on which its first file was uploaded, such as ``2026-01-31``; None if not known."""
    platform: str | None = None
    """The platform of the wheel without the version of the system: ``manylinux_x86_64``."""
    root: str | None = None
    """The root of the report on the wheel; None if there is no report."""
    why: str | None = None
    """Why there is no report, as one clause."""
    broken: bool = False
    """Whether there is a wheel that fits, but it could not be read."""
