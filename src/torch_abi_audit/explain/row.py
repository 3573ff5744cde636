"""Explains an error by its row in the table of kinds: the sentences with their fields filled in."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch
from torch_abi_audit.knowledge.cuda_toolkits import dropped_in, first_toolkit
from torch_abi_audit.knowledge.names.torch import Build
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.reading.error_text import Clue
    from torch_abi_audit.explain.scene import Scene

_FIELD = re.compile(r"\{(\w+)\}")
FIELDS = ("here", "package", "first_cuda", "dropped_in", "cuda")
"""The fields of sentences that follow from the message and the scene."""
_API = re.compile(r"\d{4,6}$")
"""A CUDA release as the driver's interface writes it: 11040 for 11.4."""
_NAMES = ("symbol", "library", "file", "version", "a", "b")
_IMPORT_TORCH = re.compile(r"\bimport torch\b.{0,20}\b(?:before|first)\b|\bonly after import torch")


def of_row(found: Clue, scene: Scene) -> Explanation:
    """The answer of a row.

    It never blames a missing ``import torch`` where that cannot be the cause.
    """
    row = found.kind
    known = {name: word for name in _NAMES if (word := getattr(found, name)) is not None}
    known.update(_derived(found, scene))
    known["here"] = f" (this is Python {scene.python})" if scene.python else ""

    def filled(sentences: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            one.format_map(known) for one in sentences if known.keys() >= {*_FIELD.findall(one)}
        )

    known["subject"] = filled(row.subject)[0]
    answer = Explanation(
        known["subject"],
        "error",
        is_a=filled(row.is_a),
        owner=row.owner,
        causes=row.causes,
        why=filled(row.why),
        advice=filled(row.advice),
        unknown=filled(row.unknown),
        pair=installed_torch(scene.installed) if row.about_torch else (),
    )
    if scene.is_of_torch:
        answer = replace(
            answer, advice=tuple(one for one in answer.advice if "torch.ops.load" not in one)
        )
    if not scene.may_lack_import and (Cause.IMPORT_ORDER in row.causes or scene.is_of_torch):
        answer = _without_import(answer)
    return _without_cpu(answer, scene)


def _derived(found: Clue, scene: Scene) -> dict[str, str]:
    """Fields that follow from those of the message."""
    number = found.version or ""
    dropped = dropped_in(number)
    fields = {
        "package": "torch" if scene.is_of_torch else scene.package or "the package",
        "first_cuda": None if dropped else first_toolkit(number),
        "dropped_in": dropped,
        "cuda": f"{int(number) // 1000}.{int(number) % 1000 // 10}" if _API.match(number) else None,
    }
    return {name: word for name, word in fields.items() if word is not None}


def _without_cpu(answer: Explanation, scene: Scene) -> Explanation:
    """The answer without the cause that torch is a CPU build, if it is one for CUDA."""
    for_cuda = scene.installed is not None and scene.installed.build is Build.CUDA
    causes = tuple(one for one in answer.causes if one is not Cause.CPU_TORCH)
    return replace(answer, causes=causes) if for_cuda and causes else answer


def _without_import(answer: Explanation) -> Explanation:
    """The answer without the cause that torch was not imported, and what is said about it."""
    causes = tuple(one for one in answer.causes if one is not Cause.IMPORT_ORDER)
    return replace(
        answer,
        causes=causes or (Cause.UNKNOWN,),
        why=tuple(one for one in answer.why if _IMPORT_TORCH.search(one) is None),
        advice=tuple(one for one in answer.advice if _IMPORT_TORCH.search(one) is None),
    )
