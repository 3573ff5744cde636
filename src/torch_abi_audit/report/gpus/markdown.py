"""Renders the answers of ``gpus`` as Markdown: a table for each package, or one of packages."""

from __future__ import annotations

from torch_abi_audit.gpus.columns import columns
from torch_abi_audit.report.audit.markdown import plain
from torch_abi_audit.report.gpus import phrases
from torch_abi_audit.report.gpus.grid import heading
from torch_abi_audit.report.gpus.limits import limits, to_add

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.gpus.answer import Answer, Survey
    from torch_abi_audit.model.gpus import Gpu, Run
    from torch_abi_audit.report.rendering import Detail


def render(found: Survey, detail: Detail) -> str:
    """Return a section for one package, or a table of several, and with ``-v`` their sections."""
    given = [one for one in found.packages if one.error is None]
    if len(given) == 1 and found.directory is None:
        return "\n".join(_package(given[0], detail))
    whole = found.directory is None or detail.show_all
    rows, apart = phrases.listed(given, whole=whole)
    if not rows:
        where = "" if found.directory is None else f" in {plain(found.directory)}"
        return f"No code for GPUs found{where}." if given else ""
    titles = phrases.titles(rows)
    sections = []
    for places, packages in phrases.package_tables(rows, columns(rows, older=False)):
        lines = [(titles[id(one)], one.runs) for one in packages]
        sections.append("\n".join(_table("Package", lines, rows[0].gpus, places)))
    sections += [f"{label}: {plain(', '.join(names))}" for label, names in apart]
    if detail.verbose:
        sections += ["\n".join(_package(one, detail)) for one in rows]
    return "\n\n".join(sections)


def _package(one: Answer, detail: Detail) -> Iterator[str]:
    shown = columns([one]) if one.libraries else ()
    yield f"### GPUs of {plain(phrases.title(one))}"
    yield ""
    yield f"**Runs on**: {plain(phrases.summary(one, shown))}"
    for name, why in one.unread:
        yield f"<br>**Not read**: {plain(name)}: {plain(why)}"
    if not one.libraries:
        return
    for places, rows in phrases.tables(one, shown):
        yield ""
        yield from _table("Library", rows, one.gpus, places)
    yield ""
    yield from _notes(one, shown, verbose=detail.verbose)


def _notes(one: Answer, shown: Sequence[int], *, verbose: bool) -> Iterator[str]:
    if one.asked:
        for at in shown:
            for each in one.libraries:
                said = phrases.reason(each.code, each.runs[at], one.gpus[at], phrases.systems(one))
                yield f"- {plain(phrases.named(one.gpus[at]))}: {plain(f'{each.name}: {said}')}"
    title = ""
    for label, text in limits(one, shown, verbose=verbose):
        title = label or title
        yield f"- **{title}**: {plain(text)}"
    if one.adding is not None:
        listed = one.adding.arch_list
        line = f'`TORCH_CUDA_ARCH_LIST="{listed}"`: ' if listed is not None else ""
        yield f"- **To add**: {line}{plain(to_add(one.adding))}"
    for note in one.notes:
        yield f"- {plain(note)}"


def _table(
    title: str,
    rows: Sequence[tuple[str, Sequence[Run]]],
    gpus: Sequence[Gpu],
    shown: Sequence[int],
) -> Iterator[str]:
    yield _cells((title, *("<br>".join(map(plain, heading(gpus[at]))) for at in shown)))
    yield _cells(["---"] * (len(shown) + 1))
    for name, runs in rows:
        yield _cells((plain(name), *phrases.cells(runs, shown)))


def _cells(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"
