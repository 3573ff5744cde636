from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.rule_fixtures import FIXTURES
from torch_abi_audit import rules as registry
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules import (
    FAMILIES,
    detect,
    detect_in_report,
    detect_in_run,
    rule,
    rules,
)
from torch_abi_audit.rules.context import Context
from torch_abi_audit.rules.definition import About, Rule
from torch_abi_audit.rules.reported import Reported, Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.rule_fixtures import Subject
    from torch_abi_audit.model.findings import Finding

TABLES = {Context: "DETECTORS", Reported: "REPORT_DETECTORS", Upkeep: "RUN_DETECTORS"}


def defined(family: str) -> list[Rule]:
    """The rules that a module defines or names, registered or not."""
    here = vars(import_module(f"torch_abi_audit.rules.{family}"))
    return [one for one in here.values() if isinstance(one, Rule)]


def detectors(
    family: str, *tables: str
) -> Iterator[tuple[Callable[[Any], Iterator[Finding]], tuple[Rule, ...]]]:
    here = import_module(f"torch_abi_audit.rules.{family}")
    for table in tables or TABLES.values():
        yield from getattr(here, table, {}).items()


def found(subject: Subject) -> list[Finding]:
    if isinstance(subject, Context):
        return list(detect(subject))
    if isinstance(subject, Reported):
        return list(detect_in_report(subject))
    return list(detect_in_run(subject))


def test_ids_and_names_are_unique_and_well_formed() -> None:
    every = rules().values()
    assert len(every) >= 15
    assert len({one.name for one in every}) == len(every)
    for one in every:
        assert re.fullmatch(r"[A-Z]\d{3}", one.id)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", one.name), one.id


def test_each_rule_stands_in_a_module_of_its_letter() -> None:
    for family, letters in FAMILIES.items():
        for one in defined(family):
            assert one.id[0] in letters
            assert rule(one.id) is one
    order = list(dict.fromkeys("".join(FAMILIES.values())))
    assert [one[0] for one in rules()] == sorted((one[0] for one in rules()), key=order.index)


def test_every_rule_has_a_detector() -> None:
    for family in FAMILIES:
        registered = {one.id for _, found in detectors(family) for one in found}
        assert {one.id for one in defined(family)} <= registered, family


def test_every_rule_has_fixtures_and_every_fixture_a_rule() -> None:
    assert list(FIXTURES) == list(rules())


@pytest.mark.parametrize("one", rules().values(), ids=lambda one: one.id)
def test_a_rule_fires_where_it_should_and_not_beside(one: Rule) -> None:
    fires, near = FIXTURES[one.id]
    assert type(fires) is type(near)
    mine = [each for each in found(fires) if each.rule == one.id]
    assert mine
    assert one.id not in [each.rule for each in found(near)]
    for each in mine:
        assert each.severity is one.severity
        assert (each.library is not None) is (one.about is About.LIBRARY)

        assert each.evidence or not one.itemized or one.id in WITHOUT_PROOF


WITHOUT_PROOF = {"T106", "P203", "P204"}
"""Rules whose fixtures have no symbols as evidence."""


@pytest.mark.parametrize("one", rules().values(), ids=lambda one: one.id)
def test_a_detector_finds_what_it_is_registered_for(one: Rule) -> None:
    for subject in FIXTURES[one.id]:
        for family in FAMILIES:
            for find, registered in detectors(family, TABLES[type(subject)]):
                assert {each.rule for each in find(subject)} <= {each.id for each in registered}


@pytest.mark.parametrize("one", rules().values(), ids=lambda one: one.id)
def test_a_standing_does_not_contradict_itself(one: Rule) -> None:
    assert one.about is not About.RUN or not one.baseline
    assert not one.unread or (one.row and not one.baseline)


def test_no_rule_is_named_elsewhere() -> None:
    source = Path(registry.__file__).parents[1]
    for path in sorted(source.rglob("*.py")):
        if path.parent.name == "rules" and path.parent.parent == source:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in rules(), f"{path.relative_to(source)}:{node.lineno}"


@pytest.mark.parametrize("one", rules().values(), ids=lambda one: one.id)
def test_texts_are_sentences(one: Rule) -> None:
    assert one.title[0].isupper()
    assert not one.title.endswith(".")
    assert one.why.endswith(".")
    assert one.fix.endswith(".")
    assert one.example, "the page shows what a finding looks like"


def test_an_unknown_id_is_a_key_error() -> None:
    for unknown in ("T999", "Z101", "", "T"):
        with pytest.raises(KeyError):
            rule(unknown)


def test_a_finding_takes_severity_and_fix_from_its_rule() -> None:
    made = rule("T104").finding(
        "no release declares aoti_torch_new", library="_C.so", evidence=["a"]
    )
    assert made.severity is Severity.WARNING
    assert made.fix == rule("T104").fix
    assert made.evidence == ("a",)
    assert rule("T104").finding("x", fix="Pin torch.").fix == "Pin torch."
