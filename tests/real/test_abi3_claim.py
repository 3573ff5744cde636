"""Published wheels: what breaks the claim of an abi3 tag, and what is visible of torch::stable."""

from __future__ import annotations

import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.wheels import fetch
from torch_abi_audit import inspect_package
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from torch_abi_audit.model.findings import Finding

PROTOBUF = [
    ("protobuf==4.25.1", "manylinux2014_x86_64", "3.11", "warning"),
    ("protobuf==4.25.1", "macosx_10_9_universal2", "3.11", "warning"),
]


def of(requirement: str, platform: str, rule: str, python: str = "3.11") -> list[Finding]:
    report = inspect_package(fetch(requirement, platform, python))
    return [one for one in report.findings if one.rule == rule]


@pytest.mark.parametrize(("requirement", "platform", "python", "severity"), PROTOBUF)
def test_a_name_that_older_pythons_export(
    requirement: str, platform: str, python: str, severity: str
) -> None:
    """Python 3.7 exports PyUnicode_AsUTF8AndSize: protobuf 4.25.1 is imported there."""
    (found,) = of(requirement, platform, "P203", python)
    assert (found.severity, found.evidence) == (severity, ("PyUnicode_AsUTF8AndSize",))
    assert found.message == (
        "imports PyUnicode_AsUTF8AndSize, in the Stable ABI since Python 3.10, but its wheel is "
        "tagged for 3.7; the older Pythons that install it export the same names, without the "
        "promise to keep them"
    )
    assert main([str(fetch(requirement, platform, python)), "--check", "abi3"]) == 1


@pytest.mark.parametrize(
    ("requirement", "platform"),
    [
        ("cryptography==50.0.2", "manylinux_2_28_x86_64"),
        ("cryptography==50.0.2", "win_amd64"),
        ("bcrypt==5.0.0", "win_amd64"),
        ("psutil==7.2.2", "musllinux_1_2_x86_64"),
    ],
)
def test_wheels_that_keep_their_claim(requirement: str, platform: str) -> None:
    path = fetch(requirement, platform)
    report = inspect_package(path)
    assert report.abi3_since is not None
    assert not {"P201", "P203", "P205"} & {one.rule for one in report.findings}
    assert main([str(path), "--check", "abi3"]) == 0


def test_a_module_for_one_python_in_an_abi3_wheel() -> None:
    name = "torchao/prototype/mxfp8_cuda.cpython-310-x86_64-linux-gnu.so"
    for rule in ("M311", "P205"):
        (found,) = of("torchao==0.14.0", "manylinux_2_28_x86_64", rule)
        assert found.library == name


def test_musl_has_no_glibc() -> None:
    """The libgcc in the wheel is asked for a GLIBC_2.0 of its own."""
    assert inspect_package(fetch("numpy==2.4.6", "musllinux_1_2_x86_64")).glibc is None


def test_minor_releases_of_macos() -> None:
    assert of("scipy==1.17.1", "macosx_12_0_arm64", "L403") == []


def test_visible_names_of_torch_stable(tmp_path: Path) -> None:
    path = fetch("torchaudio==2.9.0", "manylinux_2_28_x86_64")
    (found,) = [one for one in inspect_package(path).findings if one.rule == "T108"]
    assert found.library == "torchaudio/lib/libtorchaudio.so"
    with zipfile.ZipFile(path) as archive:
        library = archive.extract(found.library, tmp_path)
    listed = subprocess.run(
        ["nm", "-DC", "--defined-only", library], capture_output=True, text=True, check=True
    )
    visible = re.findall(
        r"^\w+ \w (torch::(?:stable|headeronly)::.*)$", listed.stdout, re.MULTILINE
    )
    assert list(found.evidence) == visible
