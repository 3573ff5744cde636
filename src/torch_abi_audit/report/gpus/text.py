"""Renders the answers of ``gpus`` as text: a table of libraries by GPUs, and what limits them.

Names are last in a line and are never cut or wrapped.
"""

from __future__ import annotations

from torch_abi_audit.gpus.columns import columns
from torch_abi_audit.mangling import escape
from torch_abi_audit.report.gpus import phrases
from torch_abi_audit.report.gpus.grid import grid
from torch_abi_audit.report.gpus.limits import limits, to_add
from torch_abi_audit.report.lines import filled
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.gpus.answer import Answer, Survey
    from torch_abi_audit.report.rendering import Detail

_LABEL = 11
"""Width of the labels of a block."""


def render(found: Survey, detail: Detail) -> str:
    """Return a block for one package, or a table of several; those with an error are left out.

    With ``detail.verbose``, the blocks of several packages follow their table.
    """
    given = [one for one in found.packages if one.error is None]
    if found.directory is not None:
        blocks = ["\n".join(_overview(given, detail, found.directory))]
    elif len(given) > 1:
        blocks = ["\n".join(_overview(given, detail, None))]
    else:
        return "\n".join(line for one in given for line in _package(one, detail))
    if detail.verbose:
        blocks += ["\n".join(_package(one, detail)) for one in given if one.libraries]
    return "\n\n".join(blocks)


# --- several packages ----------------------------------------------------------------------------


def _overview(given: Sequence[Answer], detail: Detail, directory: str | None) -> Iterator[str]:
    """A row for each package with code for GPUs, and the names of the others."""
    listed, apart = phrases.listed(given, whole=directory is None or detail.show_all)
    titles = phrases.titles(listed)
    if directory is not None:
        yield f"Site-packages: {escape(directory)}"
        yield ""
    shown = columns(listed, older=False) if listed else ()
    for number, (places, rows) in enumerate(phrases.package_tables(listed, shown)):
        if number:
            yield ""
        cells = [(phrases.cells(one.runs, places), titles[id(one)]) for one in rows]
        yield from grid(listed[0].gpus, places, cells, detail)
    if not listed:
        yield f"no code for GPUs found in {plural(len(given), 'package')}"
    elif apart or detail.show_all:
        yield ""
    for one in listed:
        yield from _reasons(one, titles[id(one)], detail)
    for label, names in apart:
        yield from filled(f"{label}: {', '.join(names)}", detail.columns, 2, 4)


def _reasons(one: Answer, title: str, detail: Detail) -> Iterator[str]:
    """Why a package does not run, or only in part, on GPUs that were asked for."""
    if not one.asked or detail.verbose:
        return
    for at, run in enumerate(one.runs):
        if run.answer in phrases.BAD:
            yield from filled(
                f"{title} on {phrases.named(one.gpus[at])}: "
                + "; ".join(phrases.hindrances(one, at)),
                detail.columns,
                2,
                4,
            )


# --- one package ---------------------------------------------------------------------------------


def _package(one: Answer, detail: Detail) -> Iterator[str]:
    width = detail.columns
    yield f"Package: {phrases.title(one)}"
    yield f"  {'Root:':<{_LABEL}}{escape(one.root)}"
    shown = columns([one]) if one.libraries else ()
    yield from _field("Runs on:", phrases.summary(one, shown), width)
    for name, why in one.unread:
        yield from _field("Not read:", f"{escape(name)}: {escape(why)}", width)
    if one.asked and one.libraries:
        yield from _of_each_gpu(one, detail)
    elif one.libraries:
        for places, rows in phrases.tables(one, shown):
            yield ""
            cells = [(phrases.cells(runs, places), name) for name, runs in rows]
            yield from grid(one.gpus, places, cells, detail)
        yield ""
    for label, text in limits(one, shown, verbose=detail.verbose):
        yield from _field(f"{label}:" if label else "", text, width)
    if one.adding is not None:
        yield from _to_add(one, detail)
    for note in one.notes:
        yield from _field("Note:", escape(note), width)


def _of_each_gpu(one: Answer, detail: Detail) -> Iterator[str]:
    """For each GPU that was asked for, the answer of each library and its reason."""
    for at, gpu in enumerate(one.gpus):
        yield ""
        word = phrases.CELLS[one.runs[at].answer]
        yield f"  {phrases.named(gpu)}: {detail.style.verdict(word)}"
        for library in one.libraries:
            run = library.runs[at]
            cell = detail.style.verdict(phrases.CELLS[run.answer], width=4)
            yield f"    {cell}  {escape(library.name)}"
            said = phrases.reason(library.code, run, gpu, phrases.systems(one))
            yield from filled(said, detail.columns, 10, 10)
    yield ""


def _to_add(one: Answer, detail: Detail) -> Iterator[str]:
    """The line to set, whole, so that it can be copied."""
    adding = one.adding
    if adding is None:
        return
    if adding.arch_list is None:
        yield from _field("To add:", to_add(adding), detail.columns)
        return
    line = f'TORCH_CUDA_ARCH_LIST="{adding.arch_list}"'
    yield f"  {'To add:':<{_LABEL}}{detail.style.strong(line)}"
    yield from _field("", to_add(adding), detail.columns)


def _field(label: str, text: str, width: int) -> Iterator[str]:
    if text:
        yield from filled(f"{label:<{_LABEL}}{text}", width, 2, 2 + _LABEL)
