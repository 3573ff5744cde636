from __future__ import annotations

from dataclasses import replace

from tests.support.gpu_values import with_gpus
from tests.support.metadata_values import judged
from tests.support.reports import terms
from torch_abi_audit.gate.decide import decide
from torch_abi_audit.gate.selection import Selection
from torch_abi_audit.rules.reported import Required

REPORT = judged(
    with_gpus("sm_75 sm_80 sm_86 sm_90", torch="2.10.0", needed=("libcudart.so.12",)),
    requires=("torch==2.10.0",),
)
"""It lacks 7.0, 10.0, 10.3 and 12.0, which torch 2.10.0 supports."""


def said(*gpus: str, selection: Selection | None = None) -> dict[str, tuple[str, ...]]:
    given = terms(required=Required(gpus=gpus), selection=selection or Selection())
    found = decide((REPORT,), given)
    return {
        one.finding.rule: one.finding.evidence
        for one in found.results
        if one.finding.rule.startswith("G6")
    }


def test_what_is_required_is_not_told_as_torchs_again() -> None:
    assert said() == {"G607": ("sm_70", "sm_100", "sm_103", "sm_120")}
    assert said("T4") == said()
    assert said("V100", "RTX 5090") == {
        "G601": ("sm_70", "sm_120"),
        "G607": ("sm_100", "sm_103"),
    }
    assert said("7.0", "10.0", "10.3", "12.0", "11.0") == {
        "G601": ("sm_70", "sm_100", "sm_103", "sm_110", "sm_120")
    }


def test_the_message_names_those_that_are_left() -> None:
    found = decide((REPORT,), terms(required=Required(gpus=("B200", "B300"))))
    (one,) = [one.finding for one in found.results if one.finding.rule == "G607"]
    assert one.message.startswith(
        "has no code for V100 (7.0) and RTX 50 (12.0), on which torch 2.10.0 (CUDA 12.8) runs"
    )


def test_what_is_not_reported_hides_nothing() -> None:
    assert said("7.0", selection=Selection(ignore=("G601",))) == said()


def test_a_message_of_another_version_stays_whole() -> None:
    old = [
        replace(one, message="lacks GPUs") if one.rule == "G607" else one for one in REPORT.findings
    ]
    found = decide(
        (replace(REPORT, findings=tuple(old)),), terms(required=Required(gpus=("V100",)))
    )
    (one,) = [one.finding for one in found.results if one.finding.rule == "G607"]
    assert one.message == "lacks GPUs"
    assert len(one.evidence) == 4


def test_a_library_that_differs_from_another_one() -> None:
    more = with_gpus("sm_75 sm_80 sm_90 sm_100 sm_120", name="_D.so", torch="2.10.0")
    less = with_gpus("sm_75 sm_80 sm_90", torch="2.10.0")
    report = judged(more, less)
    for gpus, left in (((), 1), (("10.0", "10.3", "12.0", "12.1", "10.7"), 0)):
        found = decide((report,), terms(required=Required(gpus=gpus)))
        assert len([one for one in found.results if one.finding.rule == "G606"]) == left
