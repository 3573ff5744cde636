"""One run through the sources: what it is given, what it opens, and how it ends early."""

from __future__ import annotations

import os

from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch_abi_audit.doctor.process import Failure
    from torch_abi_audit.doctor.tracing.modules import Modules, Place
    from torch_abi_audit.doctor.tracing.values import Known, Scope
    from torch_abi_audit.sources.installed.python import Python

_MOST_STATEMENTS = 400_000
_MOST_CALLS = 300
_MOST_BYTES = 32 << 20
DEEPEST = 60
"""Calls and imports within each other that are followed."""

IMPORT, OPERATORS, CTYPES = "import", "torch.ops.load_library", "ctypes"
"""How a library is opened."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A library that a source opens, or a module that it asks for in vain."""

    path: str
    """The file; for a module that was not found, its dotted name."""
    how: str
    source: str
    """Path of the source file."""
    line: int
    module: str | None = None
    """The dotted name of the extension module."""
    failure: Failure | None = None
    certain: bool = True
    """Whether it is opened whatever the conditions that are not known here."""
    caught: bool = False
    """Whether the source goes on after its failure."""


class Raised(Exception):  # noqa: N818 - an exception of the source, not an error of ours
    """The source raises an exception."""

    def __init__(
        self, kind: str, text: str, source: str, line: int, attempt: int | None = None
    ) -> None:
        super().__init__(text)
        self.kind, self.text, self.source, self.line = kind, text, source, line
        self.attempt = attempt
        """Index of the attempt that failed; None if the source raises by itself."""


class Returned(Exception):  # noqa: N818
    """A function returns."""

    def __init__(self, value: Known) -> None:
        super().__init__()
        self.value = value


class Broken(Exception):  # noqa: N818
    """``break``, or ``continue`` if ``goes_on``."""

    def __init__(self, *, goes_on: bool) -> None:
        super().__init__()
        self.goes_on = goes_on


class Exhausted(Exception):  # noqa: N818
    """There is more to follow than a run may follow."""


class Run:
    """The state of a run."""

    def __init__(
        self,
        python: Python,
        modules: Modules,
        environ: Mapping[str, str],
        opener: Callable[[str, bool], Failure | None],
        constants: Mapping[str, Known],
        followed: frozenset[str],
    ) -> None:
        self.python, self.modules, self.environ = python, modules, environ
        self.path: list[Known] = [*python.path]
        """``sys.path``, to which sources may add."""
        self.constants: Mapping[str, Known] = {**constants, "sys.path": self.path}
        self.followed = followed
        self._opener = opener
        self.attempts: list[Attempt] = []
        self.scopes: dict[str, Scope | None] = {}
        """The scope of each imported module; None for one whose source is not followed."""
        self.directories: dict[str, tuple[str, ...]] = {}
        self.executing: list[str] = []
        """The modules that are being imported, the innermost last."""
        self.calls: dict[object, int] = {}
        """How often each function was called; none is followed while it runs, or too often."""
        self.running: set[object] = set()
        self.unresolved: list[tuple[str, int]] = []
        """Places where a library is opened whose path is not known."""
        self.unsure = 0
        """How many imports were taken to succeed although that is not known."""
        self.possible: list[Raised] = []
        """Exceptions of sources under conditions that are not known."""
        self.before_torch: list[Attempt] = []
        self.has_torch = False
        self.defined: set[str] = set()
        """Namespaces of operators that sources define."""
        self.doubts = 0
        self.depth = 0
        self._statements = 0
        self._bytes = 0

    @property
    def certain(self) -> bool:
        """Whether what is walked now is run whatever the conditions that are not known."""
        return self.doubts == 0

    def count(self) -> None:
        """Count a statement.

        Raises:
            Exhausted: it is one too many.
        """
        self._statements += 1
        if self._statements > _MOST_STATEMENTS:
            raise Exhausted

    def may_call(self, function: object) -> bool:
        """Whether a function is followed once more: not while it runs, and not too often."""
        self.calls[function] = self.calls.get(function, 0) + 1
        return function not in self.running and self.calls[function] <= _MOST_CALLS

    def read(self, text: str) -> None:
        """Count a source.

        Raises:
            Exhausted: the sources are too long together.
        """
        self._bytes += len(text)
        if self._bytes > _MOST_BYTES:
            raise Exhausted

    def open(
        self,
        path: str,
        how: str,
        where: tuple[str, int],
        *,
        module: str | None = None,
        everywhere: bool = False,
    ) -> None:
        """Open a library.

        Raises:
            Raised: it is refused, and what is walked now is certain.
        """
        failure = self._opener(path, everywhere)
        attempt = Attempt(path, how, *where, module, failure, self.certain)
        self.attempts.append(attempt)
        if not self.has_torch:
            self.before_torch.append(attempt)
        if failure is not None:
            kind = "ImportError" if how == IMPORT else "OSError"
            self.fail(kind, failure.text, where, len(self.attempts) - 1)

    def fail(
        self, kind: str, text: str, where: tuple[str, int], attempt: int | None = None
    ) -> None:
        """Raise an exception of the source.

        Raises:
            Raised: always.
        """
        raise Raised(kind, text, *where, attempt)

    def shares_package(self, path: str, other: str) -> bool:
        """Whether two sources belong to one top-level package."""
        return any(
            path.startswith(home) and other.startswith(home)
            for name, homes in self.directories.items()
            if "." not in name
            for home in homes
        )

    def doubt(self, raised: Raised) -> None:
        """Note a failure under a condition that is not known."""
        self.possible.append(raised)
        self.catch(raised)

    def find(self, name: str, above: str) -> Place | None:
        """The module ``name`` of the package ``above``, or of ``sys.path`` if that is empty."""
        if above:
            return self.modules.find(name, self.directories.get(above))
        return self.modules.find(name, None, [one for one in self.path if isinstance(one, str)])

    def follows(self, name: str, place: Place) -> bool:
        """Whether the sources of a module are followed.

        They are those of the packages that were chosen, and of what these keep within themselves.
        """
        if name.partition(".")[0] in self.followed:
            return True
        homes = [home for top in self.followed for home in self.directories.get(top, ())]
        return any((place.file or "").startswith(home + os.sep) for home in homes)

    def catch(self, raised: Raised) -> None:
        """Note that the source goes on after a failure."""
        if raised.attempt is not None:
            self.attempts[raised.attempt] = replace(self.attempts[raised.attempt], caught=True)
