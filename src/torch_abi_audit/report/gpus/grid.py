"""A table of answers by GPUs, with headings over several lines so that columns stay narrow."""

from __future__ import annotations

from torch_abi_audit.knowledge.arch_names import capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.report.rendering import Detail


def grid(
    gpus: Sequence[Gpu],
    shown: Sequence[int],
    rows: Sequence[tuple[Sequence[str], str]],
    detail: Detail,
) -> Iterator[str]:
    """Yield the lines of a table.

    Columns that do not fit beside each other continue in a further block, with the same names.

    Args:
        gpus: The GPUs in question.
        shown: The positions in ``gpus`` of the columns.
        rows: The cells of each row, and its name, which comes last and is never cut.
        detail: The width and colours.
    """
    heads = [heading(gpus[at]) for at in shown]
    widths = [
        max(4, *(len(line) for line in head), *(len(cells[at]) for cells, _ in rows))
        for at, head in enumerate(heads)
    ]
    for number, page in enumerate(_pages(widths, detail.columns)):
        if number:
            yield ""
        height = max(len(heads[at]) for at in page)
        for line in range(height):
            texts = (_line(heads[at], line, height).ljust(widths[at]) for at in page)
            yield f"  {'  '.join(texts)}".rstrip()
        for cells, name in rows:
            painted = (detail.style.verdict(cells[at], width=widths[at]) for at in page)
            yield f"  {'  '.join(painted)}  {name}"


def heading(gpu: Gpu) -> list[str]:
    """The lines over a column: the names, one a line, then the capability or architecture."""
    short = capability(gpu.target)
    names = [] if gpu.name in {short, gpu.target} else gpu.name.split("/")
    return [*names, short]


def _line(head: Sequence[str], line: int, height: int) -> str:
    """A line of a heading that stands on the bottom of one of ``height`` lines."""
    at = line - (height - len(head))
    return head[at] if at >= 0 else ""


def _pages(widths: Sequence[int], columns: int) -> Iterator[list[int]]:
    page: list[int] = []
    used = 2
    for at, width in enumerate(widths):
        if page and used + width + 2 > max(columns, 40):
            yield page
            page, used = [], 2
        page.append(at)
        used += width + 2
    if page:
        yield page
