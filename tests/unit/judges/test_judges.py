"""Every judge provides what reports and the audit need."""

from __future__ import annotations

from dataclasses import fields
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.support.reports import ABI3, NO_TORCH, PLAIN, library, package, stable, unstable
from torch_abi_audit.commands.shared.options import CHECKS
from torch_abi_audit.gate.selection import checks
from torch_abi_audit.judges import JUDGES, PYTHON, TORCH
from torch_abi_audit.model.reports import ExtensionReport, PackageReport, SliceReport
from torch_abi_audit.model.verdicts import (
    CPythonABIVerdict,
    PythonLabel,
    TorchABIVerdict,
    TorchLabel,
)

if TYPE_CHECKING:
    from torch_abi_audit.judges.interface import Judge

VERDICTS: dict[str, tuple[CPythonABIVerdict | TorchABIVerdict, ...]] = {
    "torch": (
        unstable("at::f()"),
        stable("2.10.0", "torch_call_dispatcher"),
        NO_TORCH,
    ),
    "cpython": (
        CPythonABIVerdict(intent=True, violations=("_PyLong_New",)),
        CPythonABIVerdict(violations=("_PyLong_New",)),
        CPythonABIVerdict(intent=True),
        PLAIN,
        ABI3,
    ),
}
"""A verdict for each label, worst first."""

every = pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.key)


@every
def test_a_judge_s_verdicts_stand_in_the_fields_that_it_names(judge: Judge) -> None:
    for kind in (ExtensionReport, SliceReport):
        assert judge.key in {one.name for one in fields(kind)}
    empty = package()
    assert judge.package_verdict(empty) == getattr(empty, f"{judge.key}_verdict")
    assert judge.package_verdict(empty) in judge.words


def test_no_two_judges_share_a_name() -> None:
    for name in ("key", "abi", "check"):
        assert len({getattr(one, name) for one in JUDGES}) == len(JUDGES)
    kinds = [kind for one in JUDGES for kind in one.comparison.kinds]
    assert len(set(kinds)) == len(kinds)


@every
def test_check_knows_it(judge: Judge) -> None:
    assert judge.check in checks()


def test_the_command_line_takes_every_check() -> None:
    assert checks() == CHECKS


@every
def test_labels_are_those_that_verdicts_have_worst_first(judge: Judge) -> None:
    assert tuple(one.label for one in VERDICTS[judge.key]) == judge.labels
    assert all(len(label) <= judge.display.width for label in judge.labels)
    assert all(len(word) <= judge.display.word_width for word in judge.words.values())


def test_only_what_cannot_be_read_has_a_label_that_no_verdict_has() -> None:
    assert set(TorchLabel) - set(TORCH.labels) == {TorchLabel.ERROR}
    assert set(PythonLabel) == set(PYTHON.labels)


@every
def test_the_worst_slice_speaks_for_a_universal_file(judge: Judge) -> None:
    verdicts = VERDICTS[judge.key]
    for first, second in product(verdicts, verdicts):
        pair = [
            SliceReport(arch, **{"torch": NO_TORCH, "cpython": PLAIN, judge.key: one})  # type: ignore[arg-type]
            for arch, one in (("x86_64", first), ("arm64", second))
        ]
        expected = min(first, second, key=lambda one: judge.labels.index(one.label))
        assert judge.worst(pair) is expected


@every
def test_facts_hold_all_that_a_verdict_holds(judge: Judge) -> None:
    for verdict in VERDICTS[judge.key]:
        facts = judge.display.facts(verdict)
        named = {"required": "required_symbols"}
        reported = {one.name for one in fields(verdict)} - {"newer"}  # only for the rules
        assert {named.get(one, one) for one in reported} <= set(facts)


@every
def test_symbols_are_of_the_kinds_that_are_listed(judge: Judge) -> None:
    comparison = judge.comparison
    for verdict in VERDICTS[judge.key]:
        assert sorted(kind for kind, _ in comparison.symbols(verdict)) == sorted(comparison.kinds)
    assert comparison.worse_kinds <= set(comparison.kinds)


def test_packages_rank_by_what_tables_say_of_them() -> None:
    ranked = [
        package(library("pkg/a.so")),
        package(library("pkg/a.so", stable())),
        package(library("pkg/a.so", unstable("at::f()"))),
        package(library("pkg/a.so", error="cut short")),
    ]
    assert list(map(TORCH.rank, ranked)) == [0, 1, 2, 3]
    assert [TORCH.words[one.torch_verdict] for one in ranked] == [
        *("NO-TORCH", "STABLE", "UNSTABLE", "ERROR")
    ]


def test_the_floor_of_a_package_is_its_newest_library_s() -> None:
    report: PackageReport = package(
        library("pkg/a.so", stable("2.9.0")), library("pkg/b.so", stable("2.10.0"), ABI3)
    )
    assert [one.comparison.package_floor(report) for one in JUDGES] == ["2.10.0", "3.8"]


def test_labels_are_their_texts() -> None:
    assert {"NO-TORCH": "found by its text"}[TorchLabel.NO_TORCH]
    assert f"{TorchLabel.UNSTABLE:<10}|" == "UNSTABLE  |"
    assert library("a.so", error="cut short").label is TorchLabel.ERROR
