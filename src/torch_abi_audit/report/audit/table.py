"""The table of the CLI reference. What this program adds to a row or a block comes after it."""

from __future__ import annotations

from torch_abi_audit.judges.python_abi import reason
from torch_abi_audit.knowledge.names.library_file import LIBRARY_SUFFIXES
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.report.style import PLAIN, Style
from torch_abi_audit.report.wording import plural
from torch_abi_audit.rules import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.loads import LoadMatrix
    from torch_abi_audit.model.reports import EnvironmentReport, ExtensionReport, PackageReport
    from torch_abi_audit.model.verdicts import TorchABIVerdict

SHOWN = 15
"""Symbols listed per library and kind; the rest is a count."""

TORCH_WORDS = {
    "torch-stable": "STABLE",
    "torch-unstable": "UNSTABLE",
    "no-torch": "NO-TORCH",
    "error": "ERROR",
}
CPYTHON_WORDS = {
    "abi3-compliant": "abi3",
    "not-abi3": "no",
    "mixed": "mixed",
    "no-extensions": "n/a",
}
RANK = ("ERROR", "UNSTABLE", "STABLE", "NO-TORCH")


def format_package_table(
    report: PackageReport, *, verbose: bool = False, style: Style = PLAIN
) -> str:
    """One package as the reference's block of lines, without a final newline.

    Args:
        report: The package.
        verbose: List offending symbols, the shims that set the floor, and what was skipped.
        style: Colours for a terminal.
    """
    return "\n".join(_package(report, verbose=verbose, style=style))


def format_environment_table(
    report: EnvironmentReport,
    *,
    verbose: bool = False,
    show_all: bool = False,
    style: Style = PLAIN,
) -> str:
    """Every package of an environment, a line each, worst first, without a final newline.

    Args:
        report: The environment.
        verbose: After the table, the block of every package that is shown.
        show_all: Show packages that do not use torch, too.
        style: Colours for a terminal.
    """
    return "\n".join(_environment(report, verbose=verbose, show_all=show_all, style=style))


def _package(report: PackageReport, *, verbose: bool, style: Style) -> Iterator[str]:
    yield f"Package: {escape(report.name)}"
    yield f"  Root: {escape(report.root_text)}"
    if report.error is not None:
        yield f"  Error: {escape(report.error)}"
        return
    verdict = TORCH_WORDS[report.torch_verdict]
    if report.libraries:
        yield f"  Torch ABI:   {style.verdict(verdict)}"
    else:
        yield f"  Torch ABI:   n/a (no compiled libraries found in {escape(report.root_text)})"
    yield f"  Min torch:   {min_torch(report)}"
    if report.loads is not None:
        yield f"  Loads on:    {_loads_on(report.loads)}"
    yield f"  CPython ABI: {CPYTHON_WORDS[report.cpython_verdict]}"
    yield f"  Extensions:  {len(report.extensions)}"
    yield f"  Bundled libs: {_bundled(report)}"
    for note in report.notes:
        yield f"  Note: {escape(note)}"
    for title, libraries in (
        ("extensions", report.extensions),
        ("bundled libs", report.bundled_libs),
    ):
        if libraries:
            yield f"  -- {title} --"
            for library in libraries:
                yield "    " + _row(library, report, style)
                if verbose:
                    yield from ("        " + line for line in _details(library))
    yield from _findings(report, verbose=verbose, style=style)
    if verbose and report.skipped:
        yield "  -- skipped --"
        for skipped in report.skipped:
            yield f"    {escape(skipped.path)}  (not a library: {skipped.kind})"


def _loads_on(matrix: LoadMatrix) -> str:
    from torch_abi_audit.report.loads.text import loads_on  # asked for by few

    return loads_on(matrix)


def _findings(report: PackageReport, *, verbose: bool, style: Style) -> Iterator[str]:
    """A line for each rule, worst first; with ``verbose`` one for each finding, and its proof."""
    if not report.findings:
        return
    yield "  -- findings --"
    groups: dict[tuple[str, str], list[Finding]] = {}
    for at, one in enumerate(report.findings):
        alone = str(at) if verbose or one.library is None else ""
        groups.setdefault((one.rule, alone), []).append(one)
    for one, *others in groups.values():
        where = f"{escape(one.library)}: " if one.library is not None else ""
        rest = f" (+{plural(len(others), 'more finding')})" if others else ""
        yield (
            f"    {style.severity(one.severity)} {one.rule} {rule(one.rule).name}: "
            f"{where}{escape(one.message)}{rest}"
        )
        if verbose:
            yield from ("        " + line for line in _listed("evidence", one.evidence))
            yield f"        fix: {escape(one.fix)}"


def min_torch(report: PackageReport, *, absent: str = "n/a") -> str:
    """The package's torch floor for display, ``>=`` where it is a lower bound."""
    floor = report.min_torch_version
    if floor is None:
        return absent
    return f">={floor}" if report.has_unknown_shims else floor


def _bundled(report: PackageReport) -> str:
    """The count as the reference counts: names that end like a library's; the others beside it."""
    plain = sum(
        library.path_text.lower().endswith(LIBRARY_SUFFIXES) for library in report.bundled_libs
    )
    others = len(report.bundled_libs) - plain
    return f"{plain} (+{others} by other names: versioned, or no suffix)" if others else str(plain)


def _row(library: ExtensionReport, report: PackageReport, style: Style) -> str:
    name = escape(relative_path(library, report))
    if library.torch is None or library.cpython is None or library.error is not None:
        label = style.verdict("ERROR", width=8)
        return f"[{label}] [{'unreadable':<22}] {name}  (error: {escape(library.error or '')})"
    torch = library.torch
    line = f"[{style.verdict(torch.label, width=8)}] [{library.cpython.label:<22}] {name}"
    if torch.uses_torch:
        unstable = len(torch.unstable_symbols)
        line += f"  (stable_shim={torch.stable_shim_count}, unstable={unstable})"
    added = list(_additions(library, torch))
    return f"{line}  {' '.join(added)}" if added else line


def _additions(library: ExtensionReport, torch: TorchABIVerdict) -> Iterator[str]:
    if torch.min_torch_version is not None:
        sign = ">=" if torch.unknown_shim_symbols else "="
        yield f"min-torch{sign}{torch.min_torch_version}"
    if torch.unknown_shim_symbols:
        yield f"unknown_shim={len(torch.unknown_shim_symbols)}"
    if torch.internal_symbols:
        yield f"internal={len(torch.internal_symbols)}"
    if torch.unresolved_symbols:
        yield f"unresolved={len(torch.unresolved_symbols)}"
    if torch.links and not torch.uses_torch:
        yield f"links={escape(','.join(torch.links))}"
    if library.variant is not None:
        yield f"variant=torch-{library.variant}"
    if library.slices:
        yield "slices=" + ",".join(f"{one.arch}:{one.torch.label}" for one in library.slices)


def _details(library: ExtensionReport) -> Iterator[str]:
    torch, cpython = library.torch, library.cpython
    if torch is None or cpython is None:
        return
    yield from _listed("torch unstable", torch.unstable_symbols)
    yield from _listed("torch internal", torch.internal_symbols)
    yield from _listed("torch unresolved", torch.unresolved_symbols)
    yield from _listed("torch unresolvable", torch.unresolvable_symbols)
    yield from _listed("torch shim not in the table", torch.unknown_shim_symbols)
    yield from _listed("torch weak", torch.weak_symbols)
    if torch.min_torch_version is not None:
        title = f"torch floor {torch.min_torch_version} set by"
        yield from _listed(title, torch.version_defining_symbols)
    offending = [f"{reason(name)}: {name}" for name in cpython.violations]
    yield from _listed("cpython", offending, sep=" ")
    if cpython.min_python is not None and cpython.intent:
        yield from _listed(f"cpython floor {cpython.min_python} set by", cpython.floor_symbols)
    yield from (f"note: {escape(note)}" for note in cpython.notes)
    if any(image.static_cuda for image in library.linkage):
        yield "note: the CUDA runtime is linked into it"
    if torch.links and torch.uses_torch:
        yield f"links: {escape(', '.join(torch.links))}"


def _listed(title: str, names: Iterable[str], sep: str = ": ") -> Iterator[str]:
    listed = tuple(names)
    yield from (f"{title}{sep}{escape(name)}" for name in listed[:SHOWN])
    if len(listed) > SHOWN:
        yield f"... {len(listed) - SHOWN} more"


def _environment(
    report: EnvironmentReport, *, verbose: bool, show_all: bool, style: Style
) -> Iterator[str]:
    shown = [
        one for one in report.packages if show_all or TORCH_WORDS[one.torch_verdict] != "NO-TORCH"
    ]
    shown.sort(
        key=lambda one: (RANK.index(TORCH_WORDS[one.torch_verdict]), one.name.lower(), one.name)
    )
    if report.site_packages is not None:
        yield f"Site-packages: {escape(str(report.site_packages))}"
        yield ""
    width = max([16, *(len(escape(one.name)) for one in shown)])
    header = ("PACKAGE", "TORCH", "MIN-TORCH", "CPYTHON", "EXTS", "BUNDLED")
    asked = any(one.loads is not None for one in shown)
    if shown:
        yield _cells(width, *header) + "  LOADS-ON" * asked
        rule = _cells(width, "-" * width, "-" * 8, "-" * 9, "-" * 7, "-" * 4, "-" * 7)
        yield rule + f"  {'-' * 8}" * asked
    for one in shown:
        cells = _cells(
            width,
            escape(one.name),
            style.verdict(TORCH_WORDS[one.torch_verdict], width=8),
            min_torch(one, absent="-"),
            CPYTHON_WORDS[one.cpython_verdict],
            str(len(one.extensions)),
            str(len(one.bundled_libs)),
        )
        loads = "" if one.loads is None else _loads_on(one.loads).partition(";")[0]
        yield f"{cells}  {loads}".rstrip() if asked else cells
    if verbose:
        for one in shown:
            yield ""
            yield from _package(one, verbose=True, style=style)
    if shown:
        yield ""
    yield _closing(report, hidden=len(report.packages) - len(shown))


def _cells(width: int, name: str, torch: str, floor: str, python: str, exts: str, libs: str) -> str:
    return f"  {name:<{width}}  {torch:<8}  {floor:<9}  {python:<7}  {exts:>4}  {libs:>7}"


def _closing(report: EnvironmentReport, *, hidden: int) -> str:
    """The last line: how much is not shown, and how much could not be read."""
    unread = sum(
        (one.error is not None) + sum(lib.error is not None for lib in one.libraries)
        for one in report.packages
    )
    if not any(one.libraries or one.error for one in report.packages):
        where = escape(str(report.site_packages)) if report.site_packages else "any target"
        return f"no compiled libraries found in {where}"
    return (
        f"{plural(hidden, 'package')} without torch hidden"
        f"{' (--all shows them)' if hidden else ''}, {plural(unread, 'file')} could not be read"
    )
