"""Renders load matrices as text: a summary and a table of releases for each package.

Adjacent releases with equal answers share a column. Names are last in a line and are never cut or
wrapped; columns that do not fit on a page continue in a second block.
"""

from __future__ import annotations

from itertools import groupby

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.loads import Loads
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.report.loads.gpus import HEAD, gpu_lines
from torch_abi_audit.report.loads.summary import lacks, loads_on, remarks
from torch_abi_audit.report.style import PLAIN, Style
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    from torch_abi_audit.model.loads import LibraryLoads, LoadMatrix, Missing
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.report.loads.answers import Answers
    from torch_abi_audit.report.rendering import Detail

    Row: TypeAlias = tuple[Mapping[str, str], str]
    """The text of the answer for each release, and the name."""

CAVEAT = (
    "That every symbol is exported is necessary for loading, not sufficient: "
    "symbols do not show whether layouts agree."
)
"""The caveat that is printed once after the answers."""

WORDS = {
    Loads.YES: "yes",
    Loads.NO: "no",
    Loads.NEEDS_CUDA: "needs CUDA build",
    Loads.UNKNOWN: "unknown",
}
"""The text of each answer."""
_PAGE = 88
"""Maximum width of the columns of a block, in characters."""


def render(answers: Answers, detail: Detail) -> str:
    """Return a block for each package and the caveat; packages with an error are left out."""
    blocks = [
        format_load_matrix(one, verbose=detail.verbose, style=detail.style)
        for one in answers.packages
        if one.error is None
    ]
    if blocks:
        blocks.append(CAVEAT)
    elif answers.directory is not None:
        blocks = [f"no package that uses torch found in {escape(answers.directory)}"]
    if answers.given is not None:
        blocks.insert(0, f"Checked against torch {escape(answers.given)}")
    return "\n\n".join(blocks)


def format_load_matrix(
    report: PackageReport, *, verbose: bool = False, style: Style = PLAIN
) -> str:
    """One package's load matrix, without a final newline.

    Args:
        report: The package, with ``loads``.
        verbose: List every missing symbol, not only the first.
        style: Colours for a terminal.
    """
    return "\n".join(_package(report, verbose=verbose, style=style))


# --- the block of a package ----------------------------------------------------------------------


def _package(report: PackageReport, *, verbose: bool, style: Style) -> Iterator[str]:
    matrix = report.loads
    yield f"Package: {escape(report.name)}"
    yield f"  Root: {escape(str(report.root))}"
    if report.error is not None or matrix is None:
        yield f"  Error: {escape(report.error or 'no load matrix was computed')}"
        return
    platforms = sorted({one.platform for one in matrix.libraries if one.platform is not None})
    if platforms:
        yield f"  Platform: {', '.join(platforms)}"
    yield f"  loads on: {loads_on(matrix)}"
    yield from (f"  {line}" for line in remarks(matrix))
    if not report.libraries:  # what is there instead
        yield from (f"  Note: {escape(note)}" for note in report.notes)
    if matrix.uses_torch and matrix.releases:
        yield from (f"  {line}" for line in _blocks(report, matrix, style))
        yield from _reasons(report, matrix, verbose=verbose)
        yield from _gpus(matrix)


def _gpus(matrix: LoadMatrix) -> Iterator[str]:
    """Yield the GPUs that both run on, for the builds of torch; nothing without code for any."""
    if matrix.gpus:
        yield f"  {HEAD}:"
    for builds, (both, *others) in gpu_lines(matrix):
        yield f"    {builds}:"
        yield f"      {both}"
        yield from (f"      {line}" for line in others)


def columns(listed: Sequence[Row], matrix: LoadMatrix) -> list[list[str]]:
    """The releases in order, grouped if adjacent and equal in every row."""
    return [
        [release for release, _ in group]
        for _, group in groupby(
            [(release, [each[release] for each, _ in listed]) for release in matrix.releases],
            key=lambda one: one[1],
        )
    ]


def rows(report: PackageReport, matrix: LoadMatrix) -> list[Row]:
    """The answers and name of each library, and of the package if it differs from them."""
    found = [
        (
            _cells(one.loads_on, dict.fromkeys(one.brings, one.cuda)),
            _row_name(one, report, matrix),
        )
        for one in matrix.libraries
    ]
    if len(found) > 1 or matrix.serving:
        needs = {release: other.needs for release, other in matrix.other_cuda.items()}
        found.append((_cells(matrix.loads_on, needs), "(the package)"))
    return found


def _cells(answers: Mapping[str, Loads], needs: Mapping[str, Sequence[int]]) -> Mapping[str, str]:
    """The text of each answer; with the CUDA that is needed where torch does not bring it."""
    return {
        release: f"{WORDS[state]}, needs CUDA {' and '.join(map(str, needs[release]))}"
        if release in needs
        else WORDS[state]
        for release, state in answers.items()
    }


def _blocks(report: PackageReport, matrix: LoadMatrix, style: Style) -> Iterator[str]:
    """Yield the table, with a row for each library; wide tables continue in further blocks."""
    listed = rows(report, matrix)
    groups = columns(listed, matrix)
    heads = [release_runs(group, matrix.releases) for group in groups]
    widths = [
        max(len(title), *(len(each[group[0]]) for each, _ in listed))
        for title, group in zip(heads, groups, strict=True)
    ]
    for chosen in _pages(widths):
        yield "  ".join(f"{heads[at]:<{widths[at]}}" for at in chosen).rstrip()
        for each, name in listed:
            cells = (style.loads(each[groups[at][0]], width=widths[at]) for at in chosen)
            yield f"{'  '.join(cells)}  {name}"


def _pages(widths: Sequence[int]) -> Iterator[list[int]]:
    page: list[int] = []
    used = 0
    for at, width in enumerate(widths):
        if page and used + width + 2 > _PAGE:
            yield page
            page, used = [], 0
        page.append(at)
        used += width + 2
    if page:
        yield page


def _row_name(one: LibraryLoads, report: PackageReport, matrix: LoadMatrix) -> str:
    name = escape(relative_path(one, report))
    if len({each.arch for each in matrix.of(one.path)}) > 1:
        return f"{name} ({one.arch})"
    if len({each.platform for each in matrix.libraries}) > 1 and one.platform is not None:
        return f"{name} ({one.platform})"
    return name


def _reasons(report: PackageReport, matrix: LoadMatrix, *, verbose: bool) -> Iterator[str]:
    """Yield the reasons why libraries do not load; libraries with equal reasons are grouped."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in matrix.libraries:
        lines = tuple(_library_reasons(one, verbose=verbose))
        if lines:
            alike.setdefault(lines, []).append(_row_name(one, report, matrix))
    for lines, names in alike.items():
        yield from (f"  {name}:" for name in names)
        yield from (f"    {line}" for line in lines)


def _library_reasons(one: LibraryLoads, *, verbose: bool) -> Iterator[str]:
    if one.why_unknown is not None:
        yield f"unknown: {escape(one.why_unknown)}"
    if one.pre_cxx11 is not None:
        yield f"built for the pre-C++11 ABI: no torch since {one.pre_cxx11} can load it"
    yield from _every_reason(one) if verbose else _first_reasons(one)


def _first_reasons(one: LibraryLoads) -> Iterator[str]:
    """Yield one missing symbol or library for each range of releases that do not load it.

    It is taken from the release of the range that is next to the releases that load it.
    """
    columns = list(one.loads_on)
    for state, group in groupby(columns, key=lambda release: one.loads_on[release]):
        run = list(group)
        if state not in (Loads.NO, Loads.NEEDS_CUDA):
            continue
        nearest = run[0] if run[0] != columns[0] else run[-1]
        absent = [each for each in one.absent if nearest in each.releases]
        missing = [each for each in one.missing if nearest in each.releases]
        count = len(absent) + len(missing)
        more = f" and {plural(count - 1, 'more name')}" if count > 1 else ""
        if absent:
            yield f"{nearest} lacks {escape(absent[0].library)} ({absent[0].reason}){more}"
        elif missing:
            yield f"{lacks(missing[0], nearest, (nearest,), nearest)}{more}"
            yield from _instead(missing[0], 1)


def _every_reason(one: LibraryLoads) -> Iterator[str]:
    columns = list(one.loads_on)
    for absent in one.absent:
        runs = release_runs(absent.releases, columns)
        yield f"{runs} lack{_s(absent.releases)} {escape(absent.library)} ({absent.reason})"
    for missing in one.missing:
        runs = release_runs(missing.releases, columns)
        yield lacks(missing, missing.releases[0], missing.releases, runs)
        yield from _instead(missing, 3)


def _instead(missing: Missing, most: int) -> Iterator[str]:
    names = missing.instead[:most]
    yield from (f"  exported instead: {escape(name)}" for name in names)


def _s(releases: Sequence[str]) -> str:
    return "s" if len(releases) == 1 else ""
