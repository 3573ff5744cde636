"""The torch releases that a package's binaries need, and those that its requirement admits."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.alternatives import choices
from torch_abi_audit.knowledge.names.distribution import required
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.releases import exact, release_key, short
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    from torch_abi_audit.facts.environments import Environment
    from torch_abi_audit.model.declared import Declared
    from torch_abi_audit.model.reports import PackageReport

_LOADS = frozenset({"yes", "needs-cuda"})
_FAR = "2.9999"
"""A release far beyond every existing one: a requirement that admits it has no upper bound."""


@dataclass(frozen=True, slots=True)
class Needed:
    """The torch that the binaries need."""

    stable: bool
    floor: str | None
    """Oldest release that they load on; only a lower bound where ``exactly`` is False."""
    exactly: bool
    """Whether ``floor`` is exact: every shim is in the table of shims."""
    loads_on: Mapping[str, str] | None
    """Release to ``yes``, ``no``, ``needs-cuda`` or ``unknown``; None if it was not computed."""

    def fails_on(self, release: str) -> bool:
        """Whether the binaries are known not to load on a known release."""
        if self.loads_on is not None and release in self.loads_on:
            return self.loads_on[release] == "no"
        return self.stable and self.floor is not None and older(release, self.floor)

    @property
    def proposal(self) -> str | None:
        """The requirement to declare; None if it is not known."""
        if self.stable:
            return f"torch>={short(self.floor)}" if self.floor and self.exactly else None
        return exact(self.loads_on, _LOADS) if self.loads_on else None


@dataclass(frozen=True, slots=True)
class Range:
    """The requirement on torch in each environment."""

    per_environment: Mapping[Environment, SpecifierSet | None]
    """None for an environment in which torch is not required."""
    extras: tuple[str, ...]
    """The extras that require torch, sorted."""
    by_url: bool
    """Whether some environment requires torch by a URL."""
    unreadable: tuple[str, ...]
    """The requirements on torch that are not valid, as written."""

    @property
    def text(self) -> str | None:
        """The requirement as text; several joined by ``|`` where environments differ."""
        if self.by_url:
            return "torch @ URL"
        found = {f"torch{one}" for one in self.per_environment.values() if one is not None}
        return " | ".join(sorted(found)) or None

    def admitted(self) -> tuple[str, ...]:
        """The known releases that may be installed in some environment, oldest first."""
        return tuple(
            release.version
            for release in torch_releases()
            if any(
                specifiers is not None
                and environment.python in release.pythons
                and specifiers.contains(release.version)
                for environment, specifiers in self.per_environment.items()
            )
        )

    @property
    def is_open(self) -> bool:
        """Whether the requirement admits torch releases that do not exist yet."""
        return any(
            specifiers is not None and specifiers.contains(_FAR)
            for specifiers in self.per_environment.values()
        )


def needed(report: PackageReport, loads_on: Mapping[str, str] | None) -> Needed:
    """The torch that all libraries of a package need together."""
    using = [one for one in report.libraries if one.torch is not None and one.torch.uses_torch]
    verdicts = [one.torch for one in using if one.torch is not None]
    stable = all(one.stable for one in verdicts)
    floor = None
    if stable:
        floor = _floor(report)
    elif loads_on:
        floor = min(
            (each for each, answer in loads_on.items() if answer in _LOADS),
            key=release_key,
            default=None,
        )
    complete = not any(one.unknown_shim_symbols for one in verdicts)
    return Needed(stable, floor, complete, loads_on)


def _floor(report: PackageReport) -> str | None:
    """The oldest release for libraries that are always used and one of each choice."""
    floors = {
        relative_path(one, report): one.torch.min_torch_version
        for one in report.libraries
        if one.torch is not None and one.torch.min_torch_version is not None
    }
    found = []
    for choice in choices(report):
        of_each = [
            [floors[path] for path in one.files if path in floors] for one in choice.alternatives
        ]
        highest = [max(each, key=release_key) for each in of_each if each]
        if highest:
            found.append(min(highest, key=release_key))
        for one in choice.alternatives:
            for path in one.files:
                floors.pop(path, None)
    return max([*floors.values(), *found], key=release_key, default=None)


def reachable(environments: Sequence[Environment]) -> tuple[str, ...]:
    """The known releases that have wheels for the Pythons of these environments."""
    wanted = {environment.python for environment in environments}
    return tuple(one.version for one in torch_releases() if wanted & one.pythons)


def installable(
    need: Needed | None, said: Range | None, environments: Sequence[Environment]
) -> tuple[str, ...] | None:
    """The known releases that an installer may choose and on which the package may load.

    None if the package neither uses nor requires torch, or if too little is known.
    """
    if need is None:
        return said.admitted() if said is not None else None
    if said is None and not need.stable and need.loads_on is None:
        return None
    admitted = reachable(environments) if said is None or said.by_url else said.admitted()
    if not need.stable and need.loads_on is not None:
        return tuple(each for each in admitted if need.loads_on.get(each) in _LOADS)
    return tuple(each for each in admitted if not need.fails_on(each))


def declared_range(declared: Declared, environments: Sequence[Environment]) -> Range | None:
    """The requirement on torch; None if no ``Requires-Dist`` line names torch."""
    lines = [line for line in declared.requires if required(line) == "torch"]
    if not lines:
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    requirements = []
    unreadable = []
    for line in lines:
        try:
            requirements.append(Requirement(_without_local(line)))
        except InvalidRequirement:
            unreadable.append(line)
    applying = {
        environment: [
            one
            for one in requirements
            if one.marker is None or one.marker.evaluate(environment.markers())
        ]
        for environment in environments
    }
    return Range(
        {environment: _all_of(found) for environment, found in applying.items()},
        _extras(requirements),
        any(one.url for found in applying.values() for one in found),
        tuple(unreadable),
    )


def _without_local(line: str) -> str:
    """``torch==2.9.0+cu128`` as ``torch==2.9.0``: which build it is does not matter here."""
    import re  # packaging imports it anyway

    return re.sub(r"(==\s*[\d.]+)\+[A-Za-z0-9.]+", r"\1", line)


def _all_of(requirements: Sequence[Requirement]) -> SpecifierSet | None:
    if not requirements:
        return None
    combined = requirements[0].specifier
    for one in requirements[1:]:
        combined &= one.specifier
    return combined


def _extras(requirements: Sequence[Requirement]) -> tuple[str, ...]:
    import re

    names = {
        name
        for one in requirements
        if one.marker is not None
        for name in re.findall(r"""extra\s*==\s*["']([^"']+)""", str(one.marker))
    }
    return tuple(sorted(names))


def older(one: str, other: str) -> bool:
    """Whether a release is older than another."""
    return release_key(one) < release_key(other)
