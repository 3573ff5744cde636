"""Texts from public threads, with the cause that their maintainers found, against the answers.

``first_cases.json`` holds texts that the program was written with; ``second_cases.json`` and
``third_cases.json`` those that were collected to try it, before any row was written for them;
``gpu_cases.json`` texts about GPUs and drivers. Of each case: the thread, the options, the text,
and the answers that count as right, with the architecture of the GPU if the text or an option
names one. ``none`` in a list accepts that no cause, or nobody who fails, is named.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from torch_abi_audit.commands.shared.torch_choice import installed_torch
from torch_abi_audit.explain.explanation import Explanation, Installed
from torch_abi_audit.explain.question import explain
from torch_abi_audit.knowledge.gpus import gpu
from torch_abi_audit.report.rendering import Detail, render


def cases(name: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(
        Path(__file__).with_name(name).read_text(encoding="utf-8")
    )
    return found


CASES = [one for name in ("first", "second", "third", "gpu") for one in cases(f"{name}_cases.json")]
NOT_RIGHT = {
    "q19": "the library of the missing symbol is named only in words of the question",
    "q23": "the CUDA runtime that R's torch renames: no package is named",
    "q34": "WinError 193 of a DLL that old releases of torch left behind",
    "q38": "ld64 gives demangled names, in which long is not taken for a wrong int64_t",
    "q43": "THPVariable_Wrap of torch 1.0: the library that had it is not known",
    "q45": "a build of torch itself with two ABIs of std::string",
    "q60": "the driver of Moore Threads' GPUs",
}
"""Cases whose answers are not right yet."""
ECHO = 40
"""Characters from which on a line that the question has as well is not the answer's own."""


def answered(text: str, args: list[str]) -> Explanation:
    """The answer with the options of the case: with no torch and GPU, or those that they name."""
    options = dict(zip(args[::2], args[1::2], strict=True))
    assert options.keys() <= {"--torch", "--gpu"}
    installed = None
    if "--torch" in options:
        torch = installed_torch(options["--torch"], ())
        assert torch is not None
        installed = Installed(torch.text, torch.cuda, stated=torch.known_build)
    return explain(text, installed, gpu=gpu(options["--gpu"]) if "--gpu" in options else None)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def own_words(answer: Explanation, asked: str) -> str:
    """What the text says: its subject, and the lines that do not only repeat the question."""
    question = squeezed(asked)
    lines = [
        squeezed(re.sub(r"^\s*[a-z ]+:\s+", "", line))
        for line in render("explain", "text", answer, Detail()).splitlines()
    ]
    told = (one for one in lines[1:] if len(one) < ECHO or one not in question)
    return " ".join((lines[0], *told))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['thread']}")
def test_a_public_text(case: dict[str, list[str]]) -> None:
    if str(case["id"]) not in NOT_RIGHT:
        check(case)
        return
    with pytest.raises(AssertionError):  # take it off the list once it is right
        check(case)


def check(case: dict[str, list[str]]) -> None:
    text = str(case["text"])
    answer = answered(text, case["args"])
    said = own_words(answer, text)
    if case["causes"]:
        assert (answer.causes[0] if answer.causes else "none") in case["causes"], said
    if case["fails"]:
        assert (answer.fails or "none") in case["fails"], said
    if "gpu" in case:
        found = None if answer.device is None else answer.device.gpu
        wanted: object = case["gpu"]
        assert (None if found is None else found.target) == wanted, said
    for words in case["says"]:
        assert re.search(words, said, re.IGNORECASE), (words, said)
    for words in case["never"]:
        assert not re.search(words, said, re.IGNORECASE), (words, said)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['thread']}")
def test_an_answer_is_free_of_repetitions_and_nonsense(case: dict[str, list[str]]) -> None:
    answer = answered(str(case["text"]), case["args"])
    sentences = (*answer.is_a, *answer.why, *answer.advice, *answer.unknown)
    assert len(sentences) == len(set(sentences))
    assert not any(re.search(r"{\w+}|None\b|\bthe the\b", one) for one in sentences)
    assert not (answer.advice and answer.advice[0].startswith("or "))
    assert len(answer.causes) == len(set(answer.causes))
