"""What the verdicts of a report say as findings: the rules that need no reading of their own."""

from __future__ import annotations

from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.verdicts import Label
from torch_abi_audit.report.wording import plural
from torch_abi_audit.rules import finding
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport, PackageReport
    from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict

OF_VERDICTS = frozenset({"T101", "P201", "P202", "E001", "N001"})
"""Rules that repeat what a row of the table says."""


@dataclass(frozen=True, slots=True)
class Required:
    """The newest releases that a binary may need, as the configuration states them."""

    torch: str | None = None
    python: str | None = None


def findings(package: PackageReport, required: Required, *, empty: bool) -> Iterator[Finding]:
    """The findings that follow from a package's verdicts, library by library.

    Args:
        package: The report.
        required: The floors that the configuration allows.
        empty: Say so where the package holds no library.
    """
    if package.error is not None:
        yield finding("E001", package.error)
    elif empty and not package.libraries:
        yield finding("N001", f"no compiled libraries found in {package.root}")
    for library in package.libraries:
        name = relative_path(library, package)
        if library.torch is None or library.cpython is None or library.error is not None:
            yield finding("E001", library.error or "it could not be read", library=name)
            continue
        yield from _torch(library, name, required)
        yield from _python(library, package, name, required)


def _torch(library: ExtensionReport, name: str, required: Required) -> Iterator[Finding]:
    verdicts = _torch_verdicts(library)
    unstable = _union(one.unstable_symbols + one.internal_symbols for one in verdicts)
    if unstable:
        yield finding(
            "T101",
            f"{plural(len(unstable), 'symbol')} outside of the LibTorch Stable ABI: "
            f"{some(unstable)}",
            library=name,
            evidence=unstable,
        )
    for verdict in verdicts:
        floor = verdict.min_torch_version
        if floor is not None and required.torch is not None and _newer(floor, required.torch):
            yield finding(
                "T106",
                f"it needs torch {floor}, and the configuration allows {required.torch} at most",
                library=name,
                evidence=verdict.version_defining_symbols,
            )
            break


def _python(
    library: ExtensionReport, package: PackageReport, name: str, required: Required
) -> Iterator[Finding]:
    verdicts = _python_verdicts(library)
    labels = {one.label for one in verdicts}
    violations = _union(one.violations for one in verdicts)
    if Label.VIOLATIONS in labels:
        yield finding(
            "P201",
            f"claims abi3 and imports {some(violations)}",
            library=name,
            evidence=violations,
        )
    elif labels != {Label.OK} and library.entry_points and package.uses_torch:
        message = f"built for one Python: imports {some(violations)}" if violations else ""
        if Label.NO_CAPI in labels:
            message = "claims abi3 in its name, and refers to nothing of CPython"
        yield finding(
            "P202",
            message or "makes no claim of abi3 in its name",
            library=name,
            evidence=violations,
        )
    for verdict in verdicts:
        floor = verdict.min_python
        allowed = required.python
        if verdict.intent and floor and allowed is not None and _newer(floor, allowed):
            yield finding(
                "P204",
                f"it needs Python {floor}, and the configuration allows {allowed} at most",
                library=name,
                evidence=verdict.floor_symbols,
            )
            break


def some(names: tuple[str, ...]) -> str:
    """The first name, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _torch_verdicts(library: ExtensionReport) -> tuple[TorchABIVerdict, ...]:
    if library.slices:
        return tuple(one.torch for one in library.slices)
    return () if library.torch is None else (library.torch,)


def _python_verdicts(library: ExtensionReport) -> tuple[CPythonABIVerdict, ...]:
    if library.slices:
        return tuple(one.cpython for one in library.slices)
    return () if library.cpython is None else (library.cpython,)


def _union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _newer(floor: str, allowed: str) -> bool:
    """Whether a release is newer than another, ``2.10`` and ``2.10.0`` being one."""
    first, second = release_key(floor), release_key(allowed)
    width = max(len(first), len(second))
    return first + (0,) * (width - len(first)) > second + (0,) * (width - len(second))
