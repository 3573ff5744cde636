"""Renders the tables of the CLI reference; additional text comes last in a row or block."""

from __future__ import annotations

from torch_abi_audit.judges import JUDGES, TORCH
from torch_abi_audit.knowledge.names.library_file import LIBRARY_SUFFIXES
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.report.style import PLAIN, Style
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.judges.interface import Judge, Verdict
    from torch_abi_audit.model.loads import LoadMatrix
    from torch_abi_audit.model.reports import EnvironmentReport, ExtensionReport, PackageReport

SHOWN = 15
"""Maximum number of symbols listed per library and kind; the rest is counted."""

_FLOOR_WIDTH = 9
_COUNTS = (("EXTS", 4), ("BUNDLED", 7))
"""Titles and widths of the columns with numbers of libraries."""


def format_package_table(
    report: PackageReport, *, verbose: bool = False, style: Style = PLAIN
) -> str:
    """Render one package as a block of lines, without a final newline.

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
    """Render an environment with a line per package, worst first, without a final newline.

    Args:
        report: The environment.
        verbose: After the table, the block of every package that is shown.
        show_all: Also show packages that do not use torch.
        style: Colours for a terminal.
    """
    return "\n".join(_environment(report, verbose=verbose, show_all=show_all, style=style))


def _package(report: PackageReport, *, verbose: bool, style: Style) -> Iterator[str]:
    yield f"Package: {escape(report.name)}"
    yield f"  Root: {escape(report.root_text)}"
    if report.error is not None:
        yield f"  Error: {escape(report.error)}"
        return
    for judge in JUDGES:
        yield from (f"  {f'{title}:':<12} {text}" for title, text in _roll_up(judge, report, style))
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
    if report.device_code is not None and report.device_code.present:
        from torch_abi_audit.report.audit.device_code import summary  # most packages have none

        yield f"  GPUs: {summary(report.device_code)}"
    if report.findings:
        from torch_abi_audit.report.audit.findings import lines  # most packages have none

        yield from lines(report, verbose=verbose, style=style)
    if verbose and report.skipped:
        yield "  -- skipped --"
        for skipped in report.skipped:
            code = skipped.device_code
            targets = f" for {' '.join(code.targets)}" if code is not None and code.sets else ""
            yield f"    {escape(skipped.path)}  (not a library: {skipped.kind}{targets})"


def _roll_up(judge: Judge, report: PackageReport, style: Style) -> Iterator[tuple[str, str]]:
    """Yield the titles and values of a judge's verdict on the package."""
    if judge is TORCH and not report.libraries:
        where = escape(report.root_text)
        yield judge.display.title, f"n/a (no compiled libraries found in {where})"
    else:
        yield judge.display.title, _painted(judge, word(judge, report), style)
    if judge.display.floor_heading is not None:
        yield judge.display.floor_heading, floor(judge, report)
    if judge is TORCH and report.loads is not None:
        yield "Loads on", _loads_on(report.loads)


def word(judge: Judge, report: PackageReport) -> str:
    """The verdict on a package, as displayed."""
    return judge.words[judge.package_verdict(report)]


def floor(judge: Judge, report: PackageReport, *, absent: str = "n/a") -> str:
    """The floor of a package, as displayed; with ``>=`` if it is a lower bound."""
    return judge.display.floor(report) or absent


def _painted(judge: Judge, text: str, style: Style, width: int = 0) -> str:
    return style.verdict(text, width=width) if judge.display.coloured else f"{text:<{width}}"


def _loads_on(matrix: LoadMatrix) -> str:
    from torch_abi_audit.report.loads.summary import loads_on  # rarely needed

    return loads_on(matrix)


def _bundled(report: PackageReport) -> str:
    """The number of bundled libraries with a library suffix, then of those without."""
    plain = sum(
        library.path_text.lower().endswith(LIBRARY_SUFFIXES) for library in report.bundled_libs
    )
    others = len(report.bundled_libs) - plain
    return f"{plain} (+{others} by other names: versioned, or no suffix)" if others else str(plain)


def _row(library: ExtensionReport, report: PackageReport, style: Style) -> str:
    labels = (
        f"[{_painted(judge, label(judge, library), style, judge.display.width)}]"
        for judge in JUDGES
    )
    name = escape(relative_path(library, report))
    line = f"{' '.join(labels)} {name}"
    if library.error is not None or library.torch is None:
        return f"{line}  (error: {escape(library.error or '')})"
    counts = (judge.display.counts(verdict) for judge, verdict in _verdicts(library))
    remarks = escape(" ".join(_remarks(library)))
    return "  ".join(part for part in (line, *counts, remarks) if part)


def label(judge: Judge, library: ExtensionReport) -> str:
    """The label of a library, as displayed."""
    verdict = judge.verdict(library)
    if verdict is None or library.error is not None:
        return judge.display.unreadable
    return verdict.label


def _verdicts(library: ExtensionReport) -> Iterator[tuple[Judge, Verdict]]:
    """Yield each judge with its verdict; a saved report may lack the verdict of a newer judge."""
    for judge in JUDGES:
        verdict = judge.verdict(library)
        if verdict is not None:
            yield judge, verdict


def _remarks(library: ExtensionReport) -> Iterator[str]:
    for judge, verdict in _verdicts(library):
        yield from judge.display.remarks(verdict)
    if library.variant is not None:
        yield f"variant=torch-{library.variant}"
    if library.slices:
        yield "slices=" + ",".join(f"{one.arch}:{one.torch.label}" for one in library.slices)


def _details(library: ExtensionReport) -> Iterator[str]:
    torch = library.torch
    if torch is None:
        return
    for judge, verdict in _verdicts(library):
        for one in judge.display.listings(verdict):
            yield from listed(one.title, one.names, one.separator)
    if any(image.static_cuda for image in library.linkage):
        yield "note: the CUDA runtime is statically linked"
    if library.device_code is not None:
        from torch_abi_audit.report.audit.device_code import lines  # most libraries have none

        yield from lines(library.device_code)
    if torch.links and torch.uses_torch:
        yield f"links: {escape(', '.join(torch.links))}"


def listed(title: str, names: Iterable[str], sep: str = ": ") -> Iterator[str]:
    """Yield a line for each of the first names, and how many more there are."""
    every = tuple(names)
    yield from (f"{title}{sep}{escape(name)}" for name in every[:SHOWN])
    if len(every) > SHOWN:
        yield f"... {len(every) - SHOWN} more"


def _environment(
    report: EnvironmentReport, *, verbose: bool, show_all: bool, style: Style
) -> Iterator[str]:
    shown = [one for one in report.packages if show_all or one.torch_verdict != "no-torch"]
    shown.sort(key=lambda one: (-TORCH.rank(one), one.name.lower(), one.name))
    if report.site_packages is not None:
        yield f"Site-packages: {escape(str(report.site_packages))}"
        yield ""
    if shown:
        yield from _overview(shown, style)
    if verbose:
        for one in shown:
            yield ""
            yield from _package(one, verbose=True, style=style)
    if shown:
        yield ""
    yield _closing(report, hidden=len(report.packages) - len(shown))


def _overview(shown: list[PackageReport], style: Style) -> Iterator[str]:
    """Yield a header and a line for each package."""
    wide = max([16, *(len(escape(one.name)) for one in shown)])
    left = [("PACKAGE", wide), *(each for judge in JUDGES for each in _columns(judge))]
    asked = any(one.loads is not None for one in shown)
    cells = [f"{title:<{width}}" for title, width in left]
    cells += [f"{title:>{width}}" for title, width in _COUNTS]
    yield "  " + "  ".join(cells) + "  LOADS-ON" * asked
    rules = ["-" * width for _, width in (*left, *_COUNTS)]
    yield "  " + "  ".join(rules) + f"  {'-' * 8}" * asked
    for one in shown:
        cells = [f"{escape(one.name):<{wide}}"]
        for judge in JUDGES:
            cells.append(_painted(judge, word(judge, one), style, judge.display.word_width))
            if judge.display.floor_heading is not None:
                cells.append(f"{floor(judge, one, absent='-'):<{_FLOOR_WIDTH}}")
        counts = (len(one.extensions), len(one.bundled_libs))
        cells += [f"{n:>{width}}" for n, (_, width) in zip(counts, _COUNTS, strict=True)]
        loads = "" if one.loads is None else _loads_on(one.loads).partition(";")[0]
        line = "  " + "  ".join(cells)
        yield f"{line}  {loads}".rstrip() if asked else line


def _columns(judge: Judge) -> Iterator[tuple[str, int]]:
    """Yield the titles and widths of the columns of the judges."""
    yield judge.display.heading.upper(), judge.display.word_width
    if judge.display.floor_heading is not None:
        yield judge.display.floor_heading.upper().replace(" ", "-"), _FLOOR_WIDTH


def _closing(report: EnvironmentReport, *, hidden: int) -> str:
    """The last line: the number of hidden packages and of unreadable files."""
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
