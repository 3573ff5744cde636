from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules import FAMILIES, finding, rule, rules

if TYPE_CHECKING:
    from torch_abi_audit.rules.definition import Rule


def test_ids_and_names_are_unique_and_well_formed() -> None:
    every = rules().values()
    assert len(every) >= 15
    assert len({one.name for one in every}) == len(every)
    for one in every:
        assert re.fullmatch(r"[A-Z]\d{3}", one.id)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", one.name), one.id


def test_each_rule_stands_in_the_family_of_its_letter() -> None:
    letters = "".join(FAMILIES.values())
    assert len(set(letters)) == len(letters)
    for one in rules().values():
        assert rule(one.id) is one


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
    made = finding("T104", "aoti_torch_new is declared by none", library="_C.so", evidence=["a"])
    assert made.severity is Severity.WARNING
    assert made.fix == rule("T104").fix
    assert made.evidence == ("a",)
    assert finding("T104", "x", fix="Pin torch.").fix == "Pin torch."
