"""The torch releases that a package's binaries need, and those that its requirement admits."""

from __future__ import annotations

from torch_abi_audit.facts import specifiers as texts
from torch_abi_audit.knowledge.names.alternatives import choices
from torch_abi_audit.knowledge.names.distribution import required
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    from torch_abi_audit.facts.environments import Environment
    from torch_abi_audit.model.declared import Declared
    from torch_abi_audit.model.reports import PackageReport

_LOADS = frozenset({"yes", "needs-cuda"})


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

    def loads(self, release: str) -> bool:
        """Whether the binaries are known to load on a known release."""
        if self.stable:
            return self.floor is not None and self.exactly and not older(release, self.floor)
        return self.loads_on is not None and self.loads_on.get(release) in _LOADS


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement on torch, as a ``Requires-Dist`` line or an entry of a project states it."""

    head: str
    """The name with its extras: ``torch`` or ``torch[opt-einsum]``."""
    text: str
    """The specifiers, lower bounds first; empty for any release."""
    marker: str | None
    """The environment marker."""
    specifiers: SpecifierSet
    """What ``text`` admits, whatever the build: ``==2.9.0+cu128`` admits 2.9.0."""
    extras: tuple[str, ...] = ()
    """The extras of the distribution for which the marker asks."""

    @property
    def names_build(self) -> bool:
        """Whether it asks for one build: ``==2.9.0+cu128``."""
        return "+" in self.text

    @property
    def whole(self) -> str:
        """The requirement as text: ``torch>=2.11; sys_platform == "linux"``."""
        return f"{self.head}{self.text}" + (f"; {self.marker}" if self.marker else "")

    def narrowed_to(self, text: str) -> Line:
        """The same requirement with other specifiers."""
        from packaging.specifiers import SpecifierSet

        return replace(self, text=text, specifiers=SpecifierSet(_without_local(text)))


@dataclass(frozen=True, slots=True)
class Range:
    """The requirement on torch in each environment."""

    applying: Mapping[Environment, tuple[Line, ...]]
    """The lines that apply in each environment without any extra; none where it is not required."""
    lines: tuple[Line, ...]
    """Every valid line."""
    by_url: bool
    """Whether some environment requires torch by a URL."""
    unreadable: tuple[str, ...]
    """The requirements on torch that are not valid, as written."""

    @property
    def per_environment(self) -> Mapping[Environment, SpecifierSet | None]:
        """What is admitted in each environment; None where torch is not required."""
        return {each: _all_of(lines) for each, lines in self.applying.items()}

    @property
    def is_required(self) -> bool:
        """Whether some environment of the package requires torch, by releases that are known."""
        return not self.by_url and any(self.applying.values())

    @property
    def extras(self) -> tuple[str, ...]:
        """The extras that require torch, sorted."""
        return tuple(sorted({name for line in self.lines for name in line.extras}))

    @property
    def text(self) -> str:
        """The requirement as declared; several joined by ``|`` where environments differ.

        Where no environment of the package requires torch, what is declared for others or for
        extras, with the markers; or else the lines that are not valid.
        """
        if self.by_url:
            return "torch @ URL"
        found = {f"{lines[0].head}{_all_of(lines)}" for lines in self.applying.values() if lines}
        elsewhere = {f"{one.head}{one.specifiers}; {one.marker}" for one in self.lines}
        return " | ".join(sorted(found or elsewhere or self.unreadable))

    def admitted(self, among: Collection[Environment] | None = None) -> tuple[str, ...]:
        """The known releases that may be installed in some environment, oldest first.

        Args:
            among: The environments; by default all.
        """
        pythons: dict[SpecifierSet, set[str]] = {}  # environments often share their specifiers
        for each, one in self.per_environment.items():
            if one is not None and (among is None or each in among):
                pythons.setdefault(one, set()).add(each.python)
        return tuple(
            release.version
            for release in torch_releases()
            if any(
                found & release.pythons and one.contains(release.version)
                for one, found in pythons.items()
            )
        )

    def leading(self) -> Mapping[Line, tuple[Environment, ...]]:
        """The lines by which the requirement is narrowed, and the environments of each.

        Where several lines apply at once, that is the one without a marker, or the first.
        """
        found: dict[int, list[Environment]] = {}
        for environment, lines in self.applying.items():
            if lines:
                first = next((one for one in lines if one.marker is None), lines[0])
                found.setdefault(self.lines.index(first), []).append(environment)
        return {self.lines[at]: tuple(each) for at, each in sorted(found.items())}

    @property
    def is_open(self) -> bool:
        """Whether the requirement admits torch releases that do not exist yet."""
        return any(
            texts.is_open(str(one)) for one in self.per_environment.values() if one is not None
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
    if said is not None and said.by_url:
        return None  # which build the URL names is not known
    if need is None:
        return said.admitted() if said is not None else None
    if said is None and not need.stable and need.loads_on is None:
        return None
    required_here = said is not None and said.is_required
    admitted = said.admitted() if said is not None and required_here else reachable(environments)
    if not need.stable and need.loads_on is not None:
        return tuple(each for each in admitted if need.loads(each))
    return tuple(each for each in admitted if not need.fails_on(each))


def declared_range(declared: Declared, environments: Sequence[Environment]) -> Range | None:
    """The requirement on torch; None if no ``Requires-Dist`` line names torch."""
    written = [line for line in declared.requires if required(line) == "torch"]
    if not written:
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    requirements = []
    unreadable = []
    for text in written:
        try:
            requirements.append((Requirement(_without_local(text)), text))
        except InvalidRequirement:
            unreadable.append(text)
    lines = {line(one, text): one for one, text in requirements}
    applying = {
        environment: tuple(
            one for one, requirement in lines.items() if applies(requirement, environment)
        )
        for environment in environments
    }
    by_url = any(lines[one].url for found in applying.values() for one in found)
    return Range(applying, tuple(lines), by_url, tuple(unreadable))


def read_line(text: str) -> tuple[Line, Requirement] | None:
    """A requirement on torch and what ``packaging`` reads of it; None if it is not valid."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        found = Requirement(_without_local(text))
    except InvalidRequirement:
        return None
    return line(found, text), found


def line(requirement: Requirement, text: str) -> Line:
    """A requirement with its specifiers as ``text`` has them."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = None if requirement.marker is None else str(requirement.marker)
    build = _local(text)
    clauses = [
        f"{one}{build if str(one).startswith('==') else ''}" for one in requirement.specifier
    ]
    return Line(
        head=f"torch{extras}",
        text=texts.in_order(",".join(clauses)),
        marker=marker,
        specifiers=requirement.specifier,
        extras=_extras(marker),
    )


def applies(requirement: Requirement, environment: Environment, extra: str = "") -> bool:
    """Whether a requirement applies in an environment, with an extra of the distribution."""
    marker = requirement.marker
    return marker is None or marker.evaluate({**environment.markers(), "extra": extra})


def _without_local(line: str) -> str:
    """``torch==2.9.0+cu128`` as ``torch==2.9.0``: which build it is does not matter here."""
    import re  # packaging imports it anyway

    return re.sub(r"(==\s*[\d.]+)\+[A-Za-z0-9.]+", r"\1", line)


def _local(line: str) -> str:
    """``+cu128`` for ``torch==2.9.0+cu128``; empty for a requirement that names no build."""
    import re

    found = re.search(r"==\s*[\d.]+(\+[A-Za-z0-9.]+)", line)
    return found[1] if found is not None else ""


def _all_of(lines: Sequence[Line]) -> SpecifierSet | None:
    if not lines:
        return None
    combined = lines[0].specifiers
    for one in lines[1:]:
        combined &= one.specifiers
    return combined


def _extras(marker: str | None) -> tuple[str, ...]:
    if marker is None or "extra" not in marker:
        return ()
    import re

    return tuple(re.findall(r"""extra\s*==\s*["']([^"']+)""", marker))


def older(one: str, other: str) -> bool:
    """Whether a release is older than another."""
    return release_key(one) < release_key(other)
