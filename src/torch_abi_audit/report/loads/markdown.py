"""Renders load matrices as Markdown: a summary and a table of releases for each package."""

from __future__ import annotations

from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.report.audit.markdown import plain
from torch_abi_audit.report.loads.gpus import HEAD, gpu_lines
from torch_abi_audit.report.loads.summary import cuda_remarks, loads_on
from torch_abi_audit.report.loads.text import CAVEAT, columns, rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.report.loads.answers import Answers
    from torch_abi_audit.report.rendering import Detail


def render(answers: Answers, _detail: Detail) -> str:
    """Return a section for each package and the caveat; packages with an error are left out."""
    sections = ["\n".join(_package(one)) for one in answers.packages if one.error is None]
    if sections:
        sections.append(CAVEAT)
    elif answers.directory is not None:
        sections = [f"No package that uses torch found in {plain(answers.directory)}."]
    if answers.given is not None:
        sections.insert(0, f"Checked against torch {plain(answers.given)}.")
    return "\n\n".join(sections)


def _package(report: PackageReport) -> Iterator[str]:
    matrix = report.loads
    yield f"### {plain(report.name)}"
    if matrix is None:
        return
    yield ""
    yield f"**Loads on**: {plain(loads_on(matrix))}"
    for sentence in cuda_remarks(matrix):
        yield f"<br>{plain(sentence[:1].upper() + sentence[1:])}."
    if not matrix.uses_torch or not matrix.releases:
        return
    listed = rows(report, matrix)
    groups = columns(listed, matrix)
    yield ""
    heads = [release_runs(group, matrix.releases) for group in groups]
    yield _cells(("Library", *heads))
    yield _cells(["---"] * (len(groups) + 1))
    for answers, name in listed:
        yield _cells((plain(name), *(answers[group[0]] for group in groups)))
    if matrix.gpus:
        yield from ("", _cells(("Builds of torch", HEAD)), _cells(("---", "---")))
    for builds, answer in gpu_lines(matrix):
        yield _cells((plain(builds), "<br>".join(map(plain, answer))))


def _cells(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"
