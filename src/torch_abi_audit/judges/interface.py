"""The interface of a judge: everything that the audit and the reports need to know of one ABI.

A judge is a ``Judge`` in a module of its own, listed in ``JUDGES``. Its verdict is a record of
``model.verdicts`` with a ``label``. Libraries and slices store it in the field named ``key``,
packages the roll-up in ``<key>_verdict``. All functions are pure.
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
    """Which names provided by libtorch a verdict contains; there may be ten thousand."""

    ALL = "all"
    RAW = "raw"
    """Only ``required``, unordered; elsewhere an empty string may stand for a name."""
    COUNTED = "counted"
    """As ``RAW``, but ``required`` is empty if the library is linked to most of torch."""


@dataclass(frozen=True, slots=True)
class Case:
    """The input of a judge: one image."""

    binary: Binary
    """May lack imports, weak imports and providers of names that are not in ``references``."""
    references: Collection[bytes]
    """The result of ``Judge.references`` for it."""
    resolved: AbstractSet[bytes]
    """The references that another library of the same distribution provides."""
    filename: str
    names: Names = Names.ALL
    apart: AbstractSet[bytes] = frozenset()
    """Those of ``resolved`` that only variants for other torch releases provide. They decide no
    verdict, but such variants are never loaded together."""
    shown: AbstractSet[bytes] = frozenset()
    """Its exports that contain one of the parts that ``Judge.shown`` returned for it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Names that ``-v`` lists below a library, each after the title."""

    title: str
    names: tuple[str, ...]
    separator: str = ": "


@dataclass(frozen=True, slots=True)
class Display:
    """How verdicts are displayed. Renderers decide on layout and colours."""

    title: str
    """Title of the roll-up: ``Torch ABI``."""
    heading: str
    """Short title, for a column: ``Torch``."""
    width: int
    """Length of the longest label."""
    word_width: int
    """Length of the longest word for a package."""
    unreadable: str
    """The label of a library that could not be read."""
    coloured: bool
    """Whether labels and words have a colour: if each is good or bad regardless of context."""
    counts: Callable[[Any], str]
    """The text after a library's name: ``(stable_shim=3, unstable=0)``; may be empty."""
    remarks: Callable[[Any], Iterable[str]]
    """The words after that text."""
    listings: Callable[[Any], Iterator[Listing]]
    """The lists that ``-v`` shows for a verdict."""
    facts: Callable[[Any], dict[str, Fact]]
    """The verdict's entry in the JSON report, in order."""
    floor_heading: str | None = None
    """``Min torch``; None if tables do not show the floor."""
    floor: Callable[[PackageReport], str | None] = lambda _: None
    """The package's floor as tables show it; None if it has none."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How ``diff`` compares verdicts."""

    product: str
    """The product whose releases floors are: ``python``."""
    label: str
    """What ``diff`` calls a library's label: ``torch verdict``."""
    floor: Callable[[Any], str | None]
    """The oldest release that a library runs on, from its verdict; None if unknown."""
    package_floor: Callable[[PackageReport], str | None]
    kinds: tuple[str, ...]
    """The kinds of names, in listing order."""
    symbols: Callable[[Any], Iterable[tuple[str, Iterable[str]]]]
    """A verdict's names by kind."""
    worse_kinds: frozenset[str] = frozenset()
    """The kinds whose new names count as worse."""


@dataclass(frozen=True, slots=True)
class Judge:
    """One ABI: how to judge libraries by it, and how to display and compare the verdicts."""

    key: str
    """Field of reports and JSON key: ``torch``."""
    abi: str
    """Full name: ``LibTorch Stable ABI``."""
    check: str
    """Its name in ``--check``."""
    labels: tuple[StrEnum, ...]
    """The labels of readable libraries, worst first."""
    words: Mapping[str, str]
    """A package's verdict to the word that tables show for it, best first: the first means that the
    package does not use the ABI, the second that it is compliant, the others that it is not."""
    references: Callable[[Binary, bool], Collection[bytes]]
    """The imports of an image that concern this ABI. The flag says whether the image belongs to
    the torch distribution. The result may be a mapping with a value for each import."""
    sought: Callable[[Collection[bytes], bool], Collection[bytes]]
    """The references that do not count if another library of the distribution provides them. The
    flag is the same."""
    shown: Callable[[Binary, Collection[bytes]], tuple[bytes, ...]]
    """Parts of names whose exports the judge must see, for an image and its references; no export
    is read if there are none."""
    judge: Callable[[Case], Any]
    """Returns the verdict."""
    prepare: Callable[[], object]
    """Loads the tables that nearly every library needs, before other processes start."""
    display: Display
    comparison: Comparison

    def verdict(self, library: ExtensionReport | SliceReport) -> Verdict | None:
        """Return the verdict on a library; None if it could not be read."""
        return getattr(library, self.key)  # type: ignore[no-any-return]

    def package_verdict(self, package: PackageReport) -> str:
        """Return the verdict on a package, a key of ``words``."""
        return getattr(package, f"{self.key}_verdict")  # type: ignore[no-any-return]

    def rank(self, package: PackageReport) -> int:
        """Return the verdict's position in ``words``: 0 is unused, 1 compliant, more is worse."""
        return tuple(self.words).index(self.package_verdict(package))

    def worst(self, slices: Iterable[SliceReport]) -> Verdict:
        """Return the verdict on a universal file: that of its first worst slice."""
        verdicts = [one for one in map(self.verdict, slices) if one is not None]
        return min(verdicts, key=lambda one: self.labels.index(one.label))
