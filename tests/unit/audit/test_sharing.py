"""Divided work: each result once and in order, and in this process if there is little to do."""

from __future__ import annotations

import os
import sys
import time

import pytest

from torch_abi_audit.audit.sharing import each_file, each_package, each_target
from torch_abi_audit.model.reports import PackageReport
from torch_abi_audit.runtime import workers
from torch_abi_audit.sources.found import Candidate, Found

LARGE = 64 << 20
HERE = os.getpid()
forks = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is trusted with a fork")


@pytest.fixture(autouse=True)
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the machine has three processors."""
    monkeypatch.setattr(workers, "processors", lambda: 3)


def made(thing: str) -> tuple[str, int]:
    time.sleep(0.01)  # long enough for every process to get its share
    return thing, os.getpid()


THINGS = [f"file{number}" for number in range(12)]


@forks
def test_large_files_are_divided_and_come_back_in_order() -> None:
    sizes = [LARGE + number for number in range(12)]
    here: list[str] = []
    prepared: list[int] = []
    results = each_file(
        made,
        THINGS,
        sizes,
        shared=True,
        prepare=lambda: prepared.append(os.getpid()),
        before=here.append,
    )
    assert [thing for thing, _ in results] == THINGS
    assert len({process for _, process in results}) == 3
    assert set(here) == {thing for thing, process in results if process == HERE}
    assert here[0] == THINGS[-1]  # the largest
    assert prepared == [HERE]


@pytest.mark.parametrize(("size", "shared"), [(LARGE // 13, True), (LARGE, False)])
def test_little_work_and_what_must_not_be_shared_is_done_here(size: int, shared: bool) -> None:
    before: list[str] = []
    results = each_file(made, THINGS, [size] * 12, shared=shared, before=before.append)
    assert results == [(thing, HERE) for thing in THINGS]
    assert before == THINGS


@forks
def test_one_file_that_outweighs_all_others_is_worth_one_more_process() -> None:
    results = each_file(made, THINGS, [LARGE, *[1] * 11], shared=True)
    assert len({process for _, process in results}) == 2


def found(name: str, size: int) -> Found:
    return Found(name, f"/{name}", (Candidate(f"/{name}/a.so", "a.so", b"", size, lambda: None),))  # type: ignore[arg-type, return-value]


@forks
@pytest.mark.parametrize(("size", "processes", "within"), [(LARGE, 3, False), (1, 1, True)])
def test_packages_are_divided_or_the_files_of_each(size: int, processes: int, within: bool) -> None:
    def audit(one: Found, _step: object, shared: bool) -> PackageReport:
        time.sleep(0.01)
        return PackageReport(one.name, one.root, notes=(str(os.getpid()), str(shared)))  # type: ignore[arg-type]

    failed = PackageReport("failed", "/failed", error="no such file")  # type: ignore[arg-type]
    packages: list[Found | PackageReport] = [failed]
    packages += [found(str(number), size) for number in range(9)]
    reports = each_package(audit, packages, None, shared=True)
    assert reports[0] == failed
    assert [one.name for one in reports] == ["failed", *map(str, range(9))]
    assert {one.notes[1] for one in reports[1:]} == {str(within)}
    assert len({one.notes[0] for one in reports[1:]}) <= processes
    if processes > 1:
        assert len({one.notes[0] for one in reports[1:]}) > 1


@forks
def test_targets_are_divided_and_the_bar_is_drawn_here_alone() -> None:
    class Bar:
        def expect(self, files: int) -> None:
            raise AssertionError(files)

        def step(self, name: str) -> None:
            """Do nothing."""

    def reports(target: str, step: object) -> tuple[str, bool, bool]:
        time.sleep(0.01)
        return target, os.getpid() == HERE, step is None

    results = each_target(reports, THINGS, Bar(), ())
    assert [target for target, _, _ in results] == THINGS
    assert {(here, no_step) for _, here, no_step in results} == {(True, False), (False, True)}
