"""What a judge owes: everything that the audit and the reports ask of one ABI.

A judge is a ``Judge`` in a module of its own, listed in ``JUDGES``. Its verdict is a record of
``model.verdicts`` with a ``label``, held by libraries and slices in the field that ``key`` names;
packages have the roll-up in ``<key>_verdict``. All functions are pure.
"""

from __future__ import annotations

from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from typing import Any

    from torch_abi_audit.model.binary import Binary
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport, SliceReport
    from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict

    Verdict = CPythonABIVerdict | TorchABIVerdict
    Fact = bool | int | str | tuple[str, ...] | None


class Names(StrEnum):
    """How many names of what libtorch provides a verdict holds: there may be ten thousand."""

    ALL = "all"
    RAW = "raw"
    """``required`` alone, in no order; in other places an empty text stands for each."""
    COUNTED = "counted"
    """None: ``required`` is empty, too."""


@dataclass(frozen=True, slots=True)
class Case:
    """One image, as a judge sees it."""

    binary: Binary
    """Its imports, weak imports and providers may be left out but for ``references``."""
    references: Collection[bytes]
    """What ``Judge.references`` gave for it."""
    resolved: AbstractSet[bytes]
    """Those of the references that another library of the same distribution provides."""
    filename: str
    names: Names = Names.ALL


@dataclass(frozen=True, slots=True)
class Listing:
    """Names that ``-v`` shows below a library, under one title."""

    title: str
    names: tuple[str, ...]
    separator: str = ": "


@dataclass(frozen=True, slots=True)
class Display:
    """How verdicts are shown. Where a word stands, and its colour, is the renderer's affair."""

    title: str
    """Of the roll-up: ``Torch ABI``."""
    heading: str
    """Short form, of a column: ``Torch``."""
    width: int
    """Of the longest label."""
    word_width: int
    """Of the longest word for a package."""
    unreadable: str
    """In place of the label of a library that could not be read."""
    coloured: bool
    """Whether labels and words have a colour each: they are good or bad whatever else is said."""
    counts: Callable[[Any], str]
    """What follows a library's name, from its verdict: ``(stable_shim=3, unstable=0)``, or
    nothing."""
    remarks: Callable[[Any], Iterable[str]]
    """What follows that, a word each."""
    listings: Callable[[Any], Iterator[Listing]]
    """What ``-v`` lists of a verdict."""
    facts: Callable[[Any], dict[str, Fact]]
    """The verdict's entry of the JSON report, in order."""
    floor_heading: str | None = None
    """``Min torch``; None where tables do not show the floor."""
    floor: Callable[[PackageReport], str | None] = lambda _: None
    """The package's floor as tables show it; None where there is none."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What ``diff`` compares."""

    product: str
    """What the floor is a release of: ``python``."""
    label: str
    """What a library's label is called: ``torch verdict``."""
    floor: Callable[[Any], str | None]
    """The oldest release that a library runs on, from its verdict; None where none is stated."""
    package_floor: Callable[[PackageReport], str | None]
    kinds: tuple[str, ...]
    """The kinds of names that are told apart, in the order in which they are listed."""
    symbols: Callable[[Any], Iterable[tuple[str, Iterable[str]]]]
    """A verdict's names by kind."""
    worse_kinds: frozenset[str] = frozenset()
    """Kinds of which a new name is for the worse."""


@dataclass(frozen=True, slots=True)
class Judge:
    """One ABI, and all that is asked of it."""

    key: str
    """Field of reports, key of the JSON: ``torch``."""
    abi: str
    """``LibTorch Stable ABI``."""
    check: str
    """What ``--check`` calls it."""
    labels: tuple[StrEnum, ...]
    """Of libraries that could be read, worst first."""
    words: Mapping[str, str]
    """A package's verdict to the word that tables show for it, best first: the ABI is not used, it
    is kept to, and what is worse."""
    references: Callable[[Binary, bool], Collection[bytes]]
    """The imports of an image that concern this ABI. The flag says whether the image belongs to
    the torch distribution. A mapping may say more of each."""
    sought: Callable[[Collection[bytes], bool], Collection[bytes]]
    """Those of the references that count no more where another library of the distribution
    provides them; the flag is the same."""
    judge: Callable[[Case], Any]
    """The verdict."""
    prepare: Callable[[], object]
    """Loads the tables that nearly every library asks for, before processes part."""
    display: Display
    comparison: Comparison

    def verdict(self, library: ExtensionReport | SliceReport) -> Verdict | None:
        """The verdict on a library; None where it could not be read."""
        return getattr(library, self.key)  # type: ignore[no-any-return]

    def package_verdict(self, package: PackageReport) -> str:
        """One of ``words``."""
        return getattr(package, f"{self.key}_verdict")  # type: ignore[no-any-return]

    def rank(self, package: PackageReport) -> int:
        """How bad the verdict on a package is: 0 and 1 for an ABI that is not used, or kept to."""
        return tuple(self.words).index(self.package_verdict(package))

    def worst(self, slices: Iterable[SliceReport]) -> Verdict:
        """The verdict on a universal file: its worst slice's, the first of equals."""
        verdicts = [one for one in map(self.verdict, slices) if one is not None]
        return min(verdicts, key=lambda one: self.labels.index(one.label))
