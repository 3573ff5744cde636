"""The libraries of a package that stand in each other's place: variants and flavours.

A package that ships one library per torch release, per CUDA release or per kind of device loads one
of them; the others need not load. These are alternatives:

- **Variants**: libraries whose paths name different torch releases (``variants``), or which were
  found to be for different releases by what they load on (``judges.learned``).
- **Flavours of one kind**: equal paths but for a number (``_cu118``, ``_cu126``) or for the C++
  ABI. No process can use two of them.
- **Flavours of different kinds**: equal paths but for a word (``cpu/``, ``cuda/``), if both
  libraries have the same role. Kernels for two devices may well be used together. The role is the
  same if both are extension modules or both are not, if both define operators or both do not, and
  if the other one needs four fifths of the torch names of the one that needs fewer. Where neither
  needs any, names with two numbers of one kind must be beside them.

Libraries are never alternatives if one is linked to the other, or if a third one is linked to both.
A library without a flavour is used together with those that have one (``_C.so``, ``_C_cuda.so``),
except beside flavours of one kind that need nearly the same torch names: it is the default then.
"""

from __future__ import annotations

from itertools import combinations

from torch_abi_audit.knowledge.names.flavours import flavours, without_flavour
from torch_abi_audit.knowledge.names.variants import mark, releases
from torch_abi_audit.model.paths import file_name, relative_path
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from torch_abi_audit.knowledge.names.flavours import Flavour
    from torch_abi_audit.knowledge.names.variants import Release
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport

_SHARED = 0.8
_VARIANTS = "variants"
_KINDS = 16
"""The most kinds of flavours that are compared; no package has as many."""
_DEFINING = (b"library_init_def", b"7Library4_def", b"_def@Library@torch@@")
"""Parts of the mangled names of torch's functions that define operators."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """The libraries of one variant and flavour, which are used together."""

    release: Release | None
    """The torch release that they are for; None if they are for any."""
    flavour: str
    """``cu126``, ``cxx11-cu126`` …; empty if the paths name none."""
    files: tuple[str, ...]
    """Paths below the root of the package, sorted."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives of which one at a time is used."""

    alternatives: tuple[Alternative, ...]

    @property
    def has_variants(self) -> bool:
        """Whether the alternatives are for different torch releases."""
        return any(one.release is not None for one in self.alternatives)


@dataclass(frozen=True, slots=True)
class Stated:
    """A torch release in a path, and where it is."""

    release: Release
    start: int
    end: int


class _Named:
    """A library, and what its path says."""

    __slots__ = ("beside", "flavours", "folder", "path", "release", "report", "role")

    def __init__(self, path: str, report: ExtensionReport, stated: Stated | None) -> None:
        self.path, self.report = path, report
        self.release = stated.release if stated is not None else None
        self.beside: tuple[Flavour, ...] = ()
        """The flavours in a directory's name beside the torch release."""
        parts = [path]
        if stated is not None:
            after = path[stated.end :]
            rest, slash, below = after.partition("/")
            parts = [path[: stated.start], below if slash else after]
            if slash:
                self.beside = flavours(rest, platform=True)
                parts.insert(1, f"*{without_flavour(rest, platform=True)}")
        self.flavours = tuple(one for part in parts for one in flavours(part))
        self.role = "/".join(map(without_flavour, parts))
        """The path without release and flavour: equal for libraries that may be alternatives."""
        self.folder = ""
        if self.flavours and not flavours(file_name(path)):
            self.folder = self.role.rpartition("/")[0]

    @property
    def text(self) -> str:
        return "-".join(one.text for one in self.flavours)

    @property
    def kinds(self) -> tuple[object, ...]:
        """What is equal in flavours of one kind, which differ in a number or in the C++ ABI."""
        return tuple((one.kind, bool(one.number)) for one in self.flavours)


def choices(
    report: PackageReport, learned: Mapping[str, Stated] | None = None
) -> tuple[Choice, ...]:
    """The choices that a package has; libraries in none of them are always used.

    Args:
        report: The package; libraries that could not be read count by their names.
        learned: The torch releases that were learned otherwise than from words, by path.
    """
    return _chosen([(relative_path(one, report), one) for one in report.libraries], learned or {})


def _chosen(
    libraries: Sequence[tuple[str, ExtensionReport]], learned: Mapping[str, Stated]
) -> tuple[Choice, ...]:
    stated = {**_stated([path for path, _ in libraries]), **learned}
    if not stated and not any(flavours(path) for path, _ in libraries):
        return ()
    named = [_Named(path, one, stated.get(path)) for path, one in libraries]
    together = _Links(one for _, one in libraries)
    accepted = _accepted(named, together)
    members: dict[str, list[tuple[_Named, str]]] = {}
    for one in named:
        flavour = one.text if one.path in accepted else ""
        if one.release is not None or one.path in accepted:
            members.setdefault(one.role, []).append((one, flavour))
    return tuple(map(_choice, _connected(list(members.values()))))


def _stated(paths: Sequence[str]) -> dict[str, Stated]:
    """The torch releases that paths name by a word, and where."""
    found = {}
    for path, release in releases(paths).items():
        at = mark(path)
        if at is not None:
            found[path] = Stated(release, at.start, at.end)
    return found


def _accepted(named: Sequence[_Named], together: _Links) -> set[str]:
    """The paths of libraries whose flavours make them alternatives."""
    groups: dict[tuple[object, ...], list[_Named]] = {}
    for one in named:
        groups.setdefault((one.role, one.release, tuple(f.text for f in one.beside)), []).append(
            one
        )
    accepted: set[str] = set()
    folders: dict[str, set[str]] = {}
    for group in groups.values():
        flavoured = [one for one in group if one.flavours]
        if len({one.text for one in flavoured}) < 2 or together.any(group):
            continue
        kinds: dict[tuple[object, ...], _Named] = {}
        for one in flavoured:
            kinds.setdefault(one.kinds, one)
        numbered = len(kinds) < len({one.text for one in flavoured})
        if len(kinds) > _KINDS or not all(
            _alike(one.report, other.report, by_torch=not numbered)
            for one, other in combinations(kinds.values(), 2)
        ):
            continue
        accepted.update(one.path for one in flavoured)
        for one in flavoured:
            if one.folder:
                folders.setdefault(one.folder, set()).add(one.text)
        plain = [one for one in group if not one.flavours]
        if numbered and all(_nearly_equal(one.report, flavoured[0].report) for one in plain):
            accepted.update(one.path for one in plain)
    for one in named:
        if one.text in folders.get(one.folder, ()):
            accepted.add(one.path)
    return accepted


def _alike(one: ExtensionReport, other: ExtensionReport, *, by_torch: bool = False) -> bool:
    """Whether two libraries have the same role.

    Args:
        one: A library.
        other: Another one.
        by_torch: Whether only the torch names that both need can show it.
    """
    if one.torch is None or other.torch is None:
        return not by_torch
    first, second = frozenset(one.torch.required), frozenset(other.torch.required)
    fewer = min(len(first), len(second))
    return (
        bool(one.entry_points) == bool(other.entry_points)
        and _defines(first) == _defines(second)
        and len(first & second) >= _SHARED * fewer
        and bool(first) == bool(second)
        and (fewer > 0 or not by_torch)
    )


def _nearly_equal(one: ExtensionReport, other: ExtensionReport) -> bool:
    if one.torch is None or other.torch is None or not _alike(one, other):
        return False
    first, second = frozenset(one.torch.required), frozenset(other.torch.required)
    return len(first & second) >= _SHARED * len(first | second)


def _defines(names: Collection[bytes]) -> bool:
    return any(part in name for name in names for part in _DEFINING)


class _Links:
    """Which libraries are linked to which, by the names that the loader uses."""

    def __init__(self, libraries: Iterable[ExtensionReport]) -> None:
        self._needed = [
            frozenset(map(file_name, one.needed)) for one in libraries if len(one.needed) > 1
        ]

    def any(self, group: Sequence[_Named]) -> bool:
        """Whether libraries of a group are linked to each other, or a third one to two of them."""
        names = {
            one.path: {one.report.name, *(each.soname or "" for each in one.report.linkage)} - {""}
            for one in group
        }
        if len(frozenset[str]().union(*names.values())) < 2:
            return False  # all by one name
        own = frozenset(name for each in names.values() for name in each)
        linked = any(
            own.difference(names[one.path]) & frozenset(map(file_name, one.report.needed))
            for one in group
        )
        return linked or any(
            sum(not needed.isdisjoint(each) for each in names.values()) > 1
            for needed in self._needed
        )


def _connected(roles: list[list[tuple[_Named, str]]]) -> list[list[tuple[_Named, str]]]:
    """Merge the roles that are chosen together: all variants, and those that share a flavour."""
    merged: list[tuple[set[str], list[tuple[_Named, str]]]] = []
    for members in roles:
        keys = {_VARIANTS if one.release is not None else flavour for one, flavour in members}
        every = list(members)
        apart = []
        for others, found in merged:
            if keys & others:
                keys |= others
                every = [*found, *every]
            else:
                apart.append((others, found))
        merged = [*apart, (keys, every)]
    return [found for _, found in merged]


def _choice(members: Sequence[tuple[_Named, str]]) -> Choice:
    found: dict[tuple[object, ...], list[tuple[_Named, str]]] = {}
    for one, flavour in members:
        beside = tuple(each.text for each in one.beside)
        found.setdefault((one.release, beside, flavour), []).append((one, flavour))
    return Choice(tuple(map(_alternative, found.values())))


def _alternative(members: Sequence[tuple[_Named, str]]) -> Alternative:
    first, flavour = members[0]
    words = [each.text for each in first.beside if each.kind != "on"]
    return Alternative(
        release=first.release,
        flavour="-".join(filter(None, (*words, flavour))),
        files=tuple(sorted(one.path for one, _ in members)),
    )
