"""Published wheels whose libraries are linked to those of a requirement: alone, and with it."""

from __future__ import annotations

import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.wheels import fetch
from torch_abi_audit.audit.pipeline import audit_packages
from torch_abi_audit.knowledge.names.lending import PYTHON_NAMES
from torch_abi_audit.sources import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from torch_abi_audit.model.reports import PackageReport

LINUX = "manylinux_2_28_x86_64"
RULES = ("L404", "L417", "P201", "T105")


def audited(*wheels: Path) -> PackageReport:
    """The report on the first wheel."""
    return audit_packages([resolve(str(one)) for one in wheels], None)[0]


def messages(report: PackageReport) -> list[tuple[str, str]]:
    return [(one.rule, one.message) for one in report.findings if one.rule in RULES]


@pytest.mark.parametrize("platform", [LINUX, "win_amd64", "macosx_11_0_arm64"])
def test_symbols_over_torch_types_that_another_distribution_exports(platform: str) -> None:
    """``nm -D`` lists all of them in the library for the same torch of metatensor-torch."""
    wheel = fetch("metatomic-torch==0.1.19", platform)
    alone = messages(audited(wheel))
    assert {rule for rule, _ in alone} == {"L417"}
    assert {text.partition("requirement ")[2].partition(",")[0] for _, text in alone} == {
        "metatensor-torch"
    }
    with_it = audited(
        wheel,
        fetch("metatensor-torch==0.10.8", platform),
        fetch("metatensor-core==0.2.6", platform),
    )
    assert messages(with_it) == []
    lent = [one for library in with_it.libraries for one in library.lent]
    assert lent
    assert all(one.read for one in lent)
    assert {one.requirement for one in lent} == {"metatensor-torch"}


@pytest.mark.parametrize(
    ("platform", "library"), [(LINUX, "libnvinfer.so.10"), ("win_amd64", "nvinfer_10.dll")]
)
def test_libraries_of_a_requirement_that_is_published_as_source_only(
    platform: str, library: str
) -> None:
    ((rule, message),) = messages(audited(fetch("torch-tensorrt==2.9.0", platform)))
    lender = "the requirement tensorrt-cu13-libs, which was not read"
    assert rule == "L417"
    assert message == f"{library} and 1 more library are expected from {lender}"


@pytest.mark.parametrize(
    ("platform", "library"),
    [("manylinux_2_34_x86_64", "libQt6"), ("macosx_14_0_universal2", "Qt"), ("win_amd64", "Qt6")],
)
def test_qt_of_a_requirement(platform: str, library: str) -> None:
    report = audited(fetch("PyQt6==6.12.0", platform))
    (note,) = [one for one in report.findings if one.rule == "L417"]
    assert all(name.startswith(library) for name in note.evidence)
    missing = {name for one in report.findings if one.rule == "L404" for name in one.evidence}
    assert not any("Qt" in name for name in missing)


def test_names_like_those_of_cpython_that_shiboken_exports(tmp_path: Path) -> None:
    platform = "manylinux_2_34_x86_64"
    wheel = fetch("PySide6-Essentials==6.12.0", platform)
    lender = fetch("shiboken6==6.12.0", platform)
    alone, beside = audited(wheel), audited(wheel, lender)
    assert {rule for rule, _ in messages(alone)} == {"L404", "L417"}
    assert {rule for rule, _ in messages(beside)} == {"L404"}
    labels = [
        [one.cpython.label for one in each.libraries if one.cpython] for each in (alone, beside)
    ]
    assert labels[0] == labels[1]
    with zipfile.ZipFile(lender) as archive:
        archive.extract("shiboken6/libshiboken6.abi3.so.6.12", tmp_path)
    path = tmp_path / "shiboken6/libshiboken6.abi3.so.6.12"
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", str(path)], capture_output=True, text=True, check=True
    )
    exported = {line.split()[-1] for line in listed.stdout.splitlines()}
    assert exported >= PYTHON_NAMES["shiboken6"]
    lent = {name for one in beside.libraries for name in one.lent_names}
    assert lent == {name for one in alone.libraries for name in one.lent_names}
    assert lent <= exported
    assert "PyRun_String" in lent
