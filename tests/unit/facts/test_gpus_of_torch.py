from __future__ import annotations

import pytest

from torch_abi_audit.facts.environments import Environment
from torch_abi_audit.facts.gpus_of_torch import every_build, newest_fitting

X86, ARM = Environment("3.12", "linux", "x86_64"), Environment("3.12", "linux", "aarch64")
WINDOWS, MAC = Environment("3.12", "windows", "x86_64"), Environment("3.12", "macos", "arm64")
SOME = ("2.8.0", "2.9.0", "2.10.0", "2.11.0")
"""Of these, 2.11.0 is on the index for CUDA 13, and the others for CUDA 12.8."""


@pytest.mark.parametrize(
    ("majors", "release", "cuda", "on_index"),
    [
        ((), "2.11.0", ("13.0",), True),
        ((13,), "2.11.0", ("13.0",), True),
        ((12,), "2.10.0", ("12.8",), True),
        ((12, 13), "2.11.0", ("13.0",), True),
    ],
)
def test_the_torch_that_an_installer_takes(
    majors: tuple[int, ...], release: str, cuda: tuple[str, ...], *, on_index: bool
) -> None:
    found = newest_fitting(SOME, (X86,), majors)
    assert found is not None
    assert (found.release, found.cuda, found.on_index) == (release, cuda, on_index)


def test_other_builds_where_the_index_has_none() -> None:
    found = newest_fitting(SOME, (WINDOWS,), (12,))
    assert found is not None
    assert (found.release, found.on_index) == ("2.11.0", False)
    assert len(found.each) > 1
    assert {one.platform for one in found.each} == {"win_amd64"}
    assert all(one.cuda is not None and one.cuda.startswith("12.") for one in found.each)


def test_every_platform_counts() -> None:
    found = newest_fitting(SOME, (X86, ARM, MAC), (13,))
    assert found is not None
    assert {one.platform for one in found.each} == {"linux_x86_64", "linux_aarch64"}


def test_nothing_is_known() -> None:
    assert newest_fitting(SOME, (MAC,), ()) is None
    assert newest_fitting(SOME, (X86,), (9,)) is None
    assert newest_fitting((), (X86,), ()) is None
    assert every_build(("2.10.0", "99.0.0"), (X86,)) is None


def test_every_build() -> None:
    found = every_build(("2.9.0", "2.10.0"), (X86,))
    assert found is not None
    assert {one.release for one in found} == {"2.9.0", "2.10.0"}
    assert all(one.cuda is not None for one in found)
    assert len({one.cuda for one in found}) > 2
