"""Explains operators of ATen, as ``torch_call_dispatcher`` names them: ``aten::mul.Tensor``."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Explanation, installed_torch
from torch_abi_audit.explain.names.replacing import replacing
from torch_abi_audit.knowledge import operators, spellings
from torch_abi_audit.model.releases import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.scene import Scene

_NAME = re.compile(r"aten::(\w+)(?:\.(\w+))?")
_SHOWN = 8


def operator(asked: str, scene: Scene) -> Explanation | None:
    """The answer to an operator, with an overload or without; None if ATen has no such one."""
    match = _NAME.fullmatch(asked.strip())
    if match is None:
        return None
    name, overload = match.groups()
    releases = operators.releases()
    having = [one for one in releases if operators.overloads(name, one)]
    if not having:
        return None
    newest = having[-1]
    every = operators.overloads(name, newest)
    if overload is not None and overload not in every:
        return None
    chosen = every if overload is None else (overload,)
    refused: dict[str, list[str]] = {}
    for one in chosen:
        if types := _refused(name, one, newest):
            full = f"aten::{name}" + (f".{one}" if one else "")
            refused.setdefault(", ".join(types), []).append(full)
    said = ["an operator of ATen, whose schema may change between releases"]
    said.append(f"in the headers of torch {short(having[0])} to {short(newest)}")
    if overload is None and any(every):
        shown = [one or "one without a name" for one in every[:_SHOWN]]
        more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
        said.append(f"overloads: {', '.join(shown)}{more}")
    for carried, names in refused.items():
        listed = ", ".join(names[:_SHOWN])
        said.append(f"torch_call_dispatcher cannot call {listed}: it cannot carry {carried}")
    spelling = spellings.operator(name)
    advice = () if spelling is None else tuple(replacing(spelling.row))
    return Explanation(
        asked,
        "symbol",
        is_a=tuple(said),
        owner="libtorch",
        advice=tuple(one.replace('"…"', f'"{overload}"') if overload else one for one in advice),
        pair=installed_torch(scene.installed),
    )


def _refused(name: str, overload: str, release: str) -> tuple[str, ...]:
    schema = operators.schema(name, overload, release)
    return () if schema is None else operators.refused(schema, release)
