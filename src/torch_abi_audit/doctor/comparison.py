"""Compares a pasted error with what fails in a simulated environment."""

from __future__ import annotations

import re

from torch_abi_audit.doctor.process import Refusal
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.doctor.diagnosis import Examined, Problem
    from torch_abi_audit.explain.explanation import Explanation

_OF_PATH = re.compile(r"(?:site|dist)-packages[/\\]+(\w+)")
_OF_MODULE = re.compile(
    r"(?:while importing|No module named|cannot import name '\w+' from)\s+'?(\w+)", re.IGNORECASE
)


def names_in(text: str) -> list[str]:
    """The top-level modules that an error's text names: in its paths, frames and messages."""
    names = [match[1] for form in (_OF_PATH, _OF_MODULE) for match in form.finditer(text)]
    return list(dict.fromkeys(name for name in names if name != "torch"))


def compared(
    answer: Explanation, text: str, torch: Examined, packages: Sequence[Examined]
) -> Explanation:
    """The explanation of an error, with what happens in the simulated environment.

    Args:
        answer: The explanation of the text alone.
        text: What was pasted.
        torch: What ``import torch`` does here.
        packages: The packages that the text names, or all that use torch.
    """
    every = (torch, *packages)
    same = [(one, each) for one in every for each in _problems(one) if _is_same(each, text)]
    same.sort(key=lambda pair: pair[0].problem is not pair[1])  # what ends an import comes first
    if same:
        one, problem = same[0]
        said = f"the same failure here: import {one.name}"
        if problem is not one.problem:
            said = f"the same failure here, which does not stop import {one.name}"
        others = dict.fromkeys(other.name for other, _ in same if other.name != one.name)
        also = f"; also in {', '.join(others)}" if others else ""
        return _with(answer, problem, f"{said} opens {problem.library or 'it'}{also}")
    for one in every:
        if one.problem is not None:
            said = f"import {one.name} fails here, but with another error first"
            first = one.problem.advice[:1]
            here = (f"{said}: {one.problem.text}", *one.problem.why[:2], *first)
            return replace(answer, here=here)
    names = ", ".join(one.name for one in every)
    unknown = [sentence for one in every for sentence in one.unknown]
    sentence = (
        f"import of {names} does not fail here: the error is from another environment, or from a "
        "library that is opened later"
    )
    return replace(answer, here=(sentence,), unknown=(*answer.unknown, *unknown))


def _with(answer: Explanation, problem: Problem, sentence: str) -> Explanation:
    causes = problem.causes or answer.causes
    told = problem.opened_at is not None and problem.opened_at[0]
    where = [_at(*problem.opened_at)] if told and problem.opened_at is not None else []
    return replace(
        answer,
        causes=causes,
        here=(sentence, *where, *(one for one in problem.why if one not in answer.why)),
        advice=problem.advice or answer.advice,
    )


def _at(source: str, line: int) -> str:
    return f"{source}, line {line}, opens it"


def _problems(one: Examined) -> Iterator[Problem]:
    if one.problem is not None:
        yield one.problem
    yield from one.parts


def _is_same(problem: Problem, text: str) -> bool:
    """Whether a problem is the one that a text reports."""
    failure = problem.failure
    if problem.text in text or (problem.raises is not None and problem.raises in text):
        return True
    if failure is None:
        return False
    if failure.symbol is not None:
        return failure.symbol in text
    if failure.library is None:
        return False
    named = file_name(failure.library) in text
    if failure.kind is Refusal.NO_VERSION:
        return named and failure.version is not None and failure.version in text
    return named and failure.kind is Refusal.NO_LIBRARY
