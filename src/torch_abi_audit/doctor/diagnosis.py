"""The values of a diagnosis: what loads, what does not, from where, and what to do."""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.doctor.imports import Attempt, Ended
    from torch_abi_audit.doctor.process import Failure, Opened
    from torch_abi_audit.explain.explanation import Cause


class Status(StrEnum):
    """Whether a package loads, the worst first."""

    FAILS = "will-not-load"
    UNKNOWN = "not-known"
    PARTLY = "part-will-not-load"
    """Its import succeeds, but a library of it will not load."""
    LOADS = "loads"


@dataclass(frozen=True, slots=True)
class Problem:
    """A library that will not load, or another reason why an import fails."""

    text: str
    """In the words of the loader or of Python."""
    failure: Failure | None = None
    """What the loader refuses; None where Python fails without it."""
    opened_at: tuple[str, int] | None = None
    """Source and line that open the library."""
    library: str | None = None
    """The file that was asked for."""
    raises: str | None = None
    """The exception that ends the import, where its words differ from the loader's."""
    causes: tuple[Cause, ...] = ()
    why: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


AFTER_TORCH = "torch, which is imported first, will not load"
"""The text of the problem of all packages where torch fails."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One package."""

    name: str
    """The name that is imported."""
    status: Status
    distribution: str | None = None
    version: str | None = None
    problem: Problem | None = None
    """Why its import fails."""
    parts: tuple[Problem, ...] = ()
    """Libraries that will not load although the import succeeds, or that it does not open."""
    attempts: tuple[Attempt, ...] = ()
    ended: Ended | None = None
    opened: tuple[Opened, ...] = ()
    """The libraries that it adds to the process, in order."""
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be determined, as sentences."""
    limits: tuple[str, ...] = ()
    """What was neither followed nor tried, although the answer stands without it: clauses."""

    @property
    def fails_with_torch(self) -> bool:
        """Whether it fails only because torch does."""
        return self.problem is not None and self.problem.text == AFTER_TORCH


@dataclass(frozen=True, slots=True)
class Copies:
    """A runtime of which a process has several copies."""

    name: str
    """``libgomp``."""
    opened: tuple[Opened, ...]
    package: str
    """The package whose import brings the second one."""
    effect: str
    """What may come of it; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found in an environment."""

    python: str
    executable: str
    sites: tuple[str, ...]
    torch: Examined
    torch_place: str
    packages: tuple[Examined, ...] = ()
    copies: tuple[Copies, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    """The variables of the environment that the loader uses, as far as they are set."""
    unknown: tuple[str, ...] = ()
    """What could not be determined of the process before torch is imported, as sentences."""
