"""Explains why a wheel repair tool failed, from the libraries that its message names. Pure."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.torch import Build, build_of
from torch_abi_audit.knowledge.platforms import LINUX, MACOS
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.repair.origin import (
    LEFT_OUT,
    Brought,
    Origin,
    Project,
    brought,
    is_in_torch,
    usual,
)
from torch_abi_audit.repair.tools import ANY_WHEEL, TOOLS, command, is_sayable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence


def repair_failure(
    named: Sequence[str], system: str | None, *, of_torch_itself: bool = False
) -> Explanation:
    """Explain the failure of a wheel repair.

    Args:
        named: The libraries that the message says were not found; some messages name none.
        system: The system of the tool.
        of_torch_itself: Whether it is a wheel of torch that is repaired.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    word = system or LINUX.word
    tool = TOOLS[word]
    project = Project(word, uses_torch=not of_torch_itself)
    origins = {file_name(name): brought(name, project) for name in named}
    others = {name: who for name, who in origins.items() if who.origin in LEFT_OUT}
    of_torch = {name for name in origins if name not in others and is_in_torch(name, word)}
    if of_torch_itself:
        of_torch = set()
    own = origins.keys() - others.keys() - of_torch
    causes = [Cause.NOT_EXCLUDED] if others or of_torch or not named else []
    if own or not named:
        causes.append(Cause.NOT_FOUND)
    return Explanation(
        next(iter(origins), tool.name),
        "error",
        is_a=(f"{tool.name} did not find a library that it would copy into the wheel",),
        owner=_owner(origins),
        causes=tuple(causes),
        why=tuple(_why(others, of_torch, own, word)),
        advice=tuple(_advice(others, own, word, any_torch=bool(of_torch) or not named)),
        unknown=()
        if word == MACOS.word and named
        else ("what else the wheel is linked to: the message does not name everything",),
        repairs=word,
    )


def _owner(origins: Mapping[str, Brought]) -> str | None:
    first = next(iter(origins.values()), None)
    return first.by or None if first is not None else None


def _why(
    others: Mapping[str, Brought], of_torch: Collection[str], own: Collection[str], word: str
) -> Iterator[str]:
    for name, who in others.items():
        yield f"{name} comes from {who.by}, so the wheel must not contain it"
    for name in sorted(of_torch):
        yield f"torch's wheels contain {name}: it is sought where libtorch is not excluded"
    for name in sorted(own):
        yield f"{name} comes from nobody else, so the wheel must contain it"
    if word == MACOS.word and others:
        yield "delocate must find a library even to exclude it"


def _advice(
    others: Mapping[str, Brought], own: Collection[str], word: str, *, any_torch: bool
) -> Iterator[str]:
    tool = TOOLS[word]
    excluded = list(others)
    of_torch = [name for name, who in others.items() if who.origin in (Origin.TORCH, Origin.CUDA)]
    if of_torch or any_torch:
        with_cuda = any(
            kind_of(name) is Kind.CUDA or build_of(name) is Build.CUDA for name in of_torch
        )
        excluded += [name for name in usual(word, cuda_too=with_cuda) if name not in excluded]
    excluded = sorted(name for name in excluded if is_sayable(word, name))
    if excluded:
        line = command(word, excluded, ANY_WHEEL, finds_torch=bool(of_torch or any_torch))
        yield f"exclude it: {line}"
    if own:
        yield f"put the directory of what the wheel must contain on {tool.search}"
    yield "run torch-abi-audit repair WHEEL for the exact command, or add --with WHEEL here"
