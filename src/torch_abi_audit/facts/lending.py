"""What the requirements of a distribution lend to its libraries: one answer for every rule.

Three things can be known of a requirement. It **was read** (it is installed beside the audited
package, is another TARGET of the run, or was fetched): then its files decide, and a library that
it does not contain is missing. It **was not read**, but a name or the table of known wheels says
that it contains the library: then the library is expected from it. Or nothing speaks for it.

This module decides and reads nothing: ``Opened`` is what it asks of a requirement that was read.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.cuda import is_cuda, is_published_apart
from torch_abi_audit.knowledge.names.cuda_packages import brings
from torch_abi_audit.knowledge.names.distribution import required
from torch_abi_audit.knowledge.names.lending import lenders
from torch_abi_audit.runtime.once import cached_property
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Protocol

    from torch_abi_audit.facts.environments import Environment
    from torch_abi_audit.model.binary import Format

    class Opened(Protocol):
        """A required distribution that was read."""

        @property
        def name(self) -> str:
            """Its canonical name."""

        @property
        def title(self) -> str:
            """Its name and version, as messages write them."""

        @property
        def requires(self) -> tuple[str, ...]:
            """Its own ``Requires-Dist`` lines."""

        def holds(self, library: str, form: Format) -> bool:
            """Whether it contains the library that a file of this format names."""

    class Open(Protocol):
        """Reads the requirements."""

        def __call__(self, *, everything: bool) -> tuple[Sequence[Opened], Mapping[str, str]]:
            """Those that were read, and why others, by canonical name, could not be.

            Unless ``everything`` is set, what must be fetched is left out if its name does not
            suggest anything that is missing.
            """


@dataclass(frozen=True, slots=True)
class Lender:
    """A requirement that contains a library, or is expected to."""

    requirement: str
    """Its canonical name."""
    read: bool
    """Whether it was read, and so is known to contain the library."""


class Lending:
    """What the requirements of one distribution lend."""

    def __init__(self, requires: Callable[[], Sequence[str]], open_: Open | None = None) -> None:
        """Say how to learn of the requirements.

        Args:
            requires: Returns the ``Requires-Dist`` lines that apply, those of extras included.
            open_: Called when a library is sought for the first time; None if nothing can be read.
        """
        self._requires = requires
        self._open = open_

    @cached_property
    def _likely(self) -> tuple[Sequence[Opened], Mapping[str, str]]:
        return ((), {}) if self._open is None else self._open(everything=False)

    @cached_property
    def _all(self) -> tuple[Sequence[Opened], Mapping[str, str]]:
        return ((), {}) if self._open is None else self._open(everything=True)

    @property
    def unreadable(self) -> Mapping[str, str]:
        """The canonical names of requirements that could not be read, and the reasons."""
        return self._likely[1]

    @cached_property
    def _lines(self) -> tuple[str, ...]:
        """What is required, directly or by what was read, as ``Requires-Dist`` lines."""
        return (*self._requires(), *(line for one in self._likely[0] for line in one.requires))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The canonical names of what is required, directly or by what was read.

        torch is left out: what torch lends, other rules decide.
        """
        return tuple(sorted(set(filter(None, map(required, self._lines))) - {"torch"}))

    def holder(self, library: str, form: Format) -> Opened | None:
        """The likely requirement that was read and contains a library; None if none does."""
        return next((one for one in self._likely[0] if one.holds(library, form)), None)

    def lender(self, library: str, form: Format) -> Lender | None:
        """The requirement that lends a library; None if none does.

        Args:
            library: As a file of the package names it.
            form: That file's format.
        """
        holder = self.holder(library, form)
        if holder is not None:
            return Lender(holder.name, read=True)
        expected = self.expected(library)
        if expected is not None:
            return Lender(expected, read=False)
        holder = next((one for one in self._all[0] if one.holds(library, form)), None)
        return None if holder is None else Lender(holder.name, read=True)

    def expected(self, library: str) -> str | None:
        """The requirement that was not read and is expected to contain a library."""
        read = {one.name for one in self._likely[0]}
        names: Iterable[str] = lenders(library, self.names)
        if is_cuda(library) and not is_published_apart(library):
            names = (required(line) for line in self._lines if brings(line, library))
        return next((name for name in names if name not in read), None)

    def refuted(self, library: str) -> tuple[str, ...]:
        """The requirements that were expected to contain a library, were read, and do not."""
        names = lenders(library, [one.name for one in self._all[0]])
        return tuple(sorted({one.title for one in self._all[0] if one.name in names}))


def applying(requires: Iterable[str], environments: Sequence[Environment]) -> tuple[str, ...]:
    """The ``Requires-Dist`` lines whose markers are true in some environment, with some extra.

    A line that cannot be parsed is kept. ``packaging`` is imported only if a marker must be read.
    """
    return tuple(
        line
        for line in requires
        if not environments
        or not any(word in line.partition(";")[2] for word in _ABOUT_PLACES)
        or _applies(line, environments)
    )


_ABOUT_PLACES = ("platform", "os_name", "python", "implementation")
"""What the variables of markers contain that are about an environment."""


def _applies(line: str, environments: Sequence[Environment]) -> bool:
    import re  # packaging imports it anyway

    from packaging.requirements import InvalidRequirement, Requirement

    try:
        marker = Requirement(line).marker
    except InvalidRequirement:
        return True
    if marker is None:
        return True
    extras = ["", *re.findall(r"""extra\s*==\s*["']([^"']+)""", str(marker))]
    return any(
        marker.evaluate({**environment.markers(), "extra": extra})
        for environment in environments
        for extra in extras
    )
