"""Which GPUs a table shows."""

from __future__ import annotations

import pytest

from tests.support.gpu_values import kernels
from torch_abi_audit.gpus.answer import Answer, Library
from torch_abi_audit.gpus.columns import columns, concerned
from torch_abi_audit.judges.gpus import runs
from torch_abi_audit.knowledge.gpus import amd_generations, every_generation, generations, gpu_of
from torch_abi_audit.model.device_code import is_amd

EVERY = every_generation()


def answer(*sets: str, arm: bool = False, asked: tuple[str, ...] = ()) -> Answer:
    gpus = tuple(map(gpu_of, asked)) or EVERY
    code = kernels(*sets)
    each = tuple(runs(code, gpu) for gpu in gpus)
    held = (Library("_C.so", code, each),)
    return Answer("p", "/p", gpus, held, each, asked=bool(asked), is_arm=arm)


def shown(*answers: Answer, older: bool = True) -> list[str]:
    return [answers[0].gpus[at].target for at in columns(answers, older=older)]


USUAL = ["sm_70", "sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_103", "sm_120"]


@pytest.mark.parametrize(
    ("sets", "more"),
    [
        ("sm_80", []),
        ("sm_60 sm_70", ["sm_60", "sm_61"]),
        ("sm_61 sm_80", ["sm_61"]),
        ("compute_52", ["sm_52"]),  # that JIT reaches later majors shows nothing older
        ("sm_35 sm_80", ["sm_35", "sm_37"]),
        ("sm_80 sm_107", ["sm_107"]),
        ("sm_80 sm_100", []),  # 10.7 can run it, but was not meant
        ("sm_80 sm_87", []),  # cannot be installed beside the processor of that board
        ("sm_80 sm_121a", []),
    ],
)
def test_usual_generations_and_those_that_were_meant(sets: str, more: list[str]) -> None:
    found = shown(answer(sets))
    assert [one for one in found if one not in USUAL] == more
    assert [one for one in found if one in USUAL] == USUAL
    assert shown(answer(sets), older=False) == USUAL


def test_boards_count_beside_arm_processors() -> None:
    found = shown(answer("sm_80", arm=True))
    assert found == [one.target for one in generations()]
    assert {"sm_110", "sm_121"} <= set(found)
    assert shown(answer("sm_80"), answer("sm_90", arm=True)) == found
    assert "sm_87" not in found
    assert "sm_87" in shown(answer("sm_80 sm_87", arm=True))
    assert "sm_110" in shown(answer("sm_80 sm_101a", arm=True))  # its name before CUDA 13


def test_amds_gpus_are_shown_for_their_code_alone() -> None:
    amd = [one.target for one in amd_generations()]
    assert shown(answer("gfx942")) == amd
    assert shown(answer("gfx942", "sm_80")) == [*USUAL, *amd]
    assert shown(answer("gfx942"), answer("sm_80")) == [*USUAL, *amd]
    assert "gfx906" in shown(answer("gfx906 gfx942:xnack-"))
    assert not any(map(is_amd, shown(answer("sm_80"))))


def test_all_that_were_asked_for_in_their_order() -> None:
    assert shown(answer("sm_80", asked=("gfx942", "sm_35", "sm_90"))) == [
        "gfx942",
        "sm_35",
        "sm_90",
    ]


def test_code_of_which_nothing_is_known_may_be_nvidias() -> None:
    assert shown(answer()) == USUAL
    one = answer()
    assert not any(is_amd(one.gpus[at].target) for at in concerned(one))


def test_a_document_has_all_of_a_maker() -> None:
    one = answer("sm_80", arm=True)
    assert [one.gpus[at] for at in concerned(one)] == [
        gpu for gpu in EVERY if not is_amd(gpu.target)
    ]
    both = answer("sm_80", "gfx942", arm=True)
    assert len(concerned(both)) == len(EVERY)
    elsewhere = answer("sm_80")
    targets = {elsewhere.gpus[at].target for at in concerned(elsewhere)}
    assert "sm_80" in targets
    assert targets.isdisjoint({"sm_53", "sm_87", "sm_110", "sm_121"})
    asked = answer("sm_80", asked=("gfx942", "sm_90"))
    assert concerned(asked) == (0, 1)
