"""The Markdown of ``compat``, rendered from constructed values."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from torch_abi_audit.model.loads import LibraryLoads, LoadMatrix, Loads
from torch_abi_audit.model.reports import PackageReport
from torch_abi_audit.report.loads.answers import Answers
from torch_abi_audit.report.loads.text import CAVEAT
from torch_abi_audit.report.rendering import Detail, render

RELEASES = ("2.9.0", "2.10.0", "2.11.0")


def library(name: str, *answers: Loads) -> LibraryLoads:
    by_release = dict(zip(RELEASES, answers, strict=True))
    path = PurePath("/site/p") / name
    return LibraryLoads(path, "x86_64", "linux_x86_64", stable=True, loads_on=by_release)


def package() -> PackageReport:
    first = library("_C.so", Loads.NO, Loads.YES, Loads.YES)
    second = library("a|b.so", Loads.NO, Loads.YES, Loads.NEEDS_CUDA)
    matrix = LoadMatrix(RELEASES, (first, second), second.loads_on, known_to="2.11.0")
    return PackageReport("p", PurePath("/site/p"), loads=matrix)


def markdown(answers: Answers) -> str:
    return render("compat", "markdown", answers, Detail())


def test_a_package_is_a_table_of_releases() -> None:
    broken = PackageReport("gone", PurePath("gone"), error="there is none")
    assert markdown(Answers((package(), broken), given="2.11.0 in /site")) == (
        "Checked against torch 2.11.0 in /site.\n\n"
        "### p\n\n"
        "**Loads on**: torch 2.10.0; with a CUDA build of torch also 2.11.0\n\n"
        "| Library | 2.9.0 | 2.10.0 | 2.11.0 |\n"
        "| --- | --- | --- | --- |\n"
        "| \\_C.so | no | yes | yes |\n"
        "| a\\|b.so | no | yes | needs CUDA build |\n"
        "| (the package) | no | yes | needs CUDA build |\n\n" + CAVEAT
    )


@pytest.mark.parametrize("format_name", ["text", "markdown"])
def test_an_environment_without_torch(format_name: str) -> None:
    empty = Answers((), directory="/site")
    assert "ackage that uses torch found in /site" in render("compat", format_name, empty, Detail())
    assert render("compat", format_name, Answers(()), Detail()) == ""
