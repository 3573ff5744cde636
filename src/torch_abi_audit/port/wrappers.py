"""A C++ header of typed helpers that call operators through the dispatcher, for a migration plan.

The helpers are for the operators that a plan calls through the dispatcher, since its oldest torch
has no stable function for them. ``wrapper_text`` writes them. Pure.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from torch_abi_audit.knowledge import operators, replacements
from torch_abi_audit.knowledge.operators import history, only_none, overloads, refused, taken
from torch_abi_audit.mangling.entity import entity
from torch_abi_audit.model.releases import release_key, release_runs, short
from torch_abi_audit.port.cpp_types import UnknownTypeError
from torch_abi_audit.port.migration import COVERED
from torch_abi_audit.port.wrapper_text import NAMESPACE, Helper, gives_results, helper, rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.knowledge.operators import Schema
    from torch_abi_audit.port.migration import Item, Plan

_CALL = re.compile(r'"aten::(\w+)", "([^"]*)"')
_CALLER = re.compile(r"at::_ops::(\w+)")


class Header(NamedTuple):
    """A generated header."""

    text: str
    operators: tuple[str, ...]
    """Those that have a helper, such as ``aten::mul.Tensor``; sorted."""
    left_out: tuple[tuple[str, str], ...]
    """The others, each with the reason; sorted."""


class _LeftOutError(Exception):
    """An operator can have no helper; the text says why."""


def needed(plans: Iterable[Plan]) -> tuple[tuple[str, str | None], ...]:
    """The operators that plans call through the dispatcher: name and overload, sorted.

    The name is without ``aten::``; the overload is None if the plan does not know it. A source that
    does not tell the overload adds none to those that a binary calls. Operators that the dispatcher
    cannot carry are among them.
    """
    found: set[tuple[str, str | None]] = set()
    spelt: set[tuple[str, str | None]] = set()
    for plan in plans:
        for item in plan.items:
            if item.way in COVERED:
                found.update(_shown(item, plan.target))
            elif item.refused:
                found.update(_refused(item, plan.target))
        for file in plan.source.files if plan.source is not None else ():
            for use in file.uses:
                if use.way in COVERED:
                    spelt.update(_called(use.write))
    exact = {name for name, _ in found}
    found |= {one for one in spelt if one[1] is not None or one[0] not in exact}
    whole = {name for name, overload in found if overload is None}
    kept = (one for one in found if one[1] is None or one[0] not in whole)
    return tuple(sorted(kept, key=lambda one: (one[0], one[1] or "")))


def header(
    wanted: Iterable[tuple[str, str | None]], target: str, guard: str, namespace: str = NAMESPACE
) -> Header:
    """The header with a helper for each of the operators.

    Args:
        wanted: Name and overload, as ``needed`` gives them.
        target: The oldest torch release to support, such as ``2.10.0``.
        guard: The name of the macro that guards against a second inclusion.
        namespace: The namespace of the helpers.
    """
    helpers: list[Helper] = []
    left_out: dict[str, str] = {}
    for name, overload in wanted:
        for one in _overloads(name, target) if overload is None else (overload,):
            try:
                helpers.append(_helper(name, one, target))
            except _LeftOutError as reason:
                left_out[_full(name, one)] = str(reason)
    reasons = tuple(sorted(left_out.items()))
    text = rendered(helpers, reasons, target, operators.releases()[-1], guard, namespace)
    written = (_full(one.called.name, one.called.overload) for one in helpers)
    return Header(text, tuple(sorted(written)), reasons)


def _overloads(name: str, target: str) -> Sequence[str]:
    """The overloads that ``at::NAME`` may call: ``at::NAME_out`` calls those with given results."""
    known = overloads(name, target)
    called = [
        one
        for one in known
        if (each := operators.schema(name, one, target)) is not None and not gives_results(each)
    ]
    return called or known or ("",)


def _shown(item: Item, target: str) -> Iterator[tuple[str, str | None]]:
    """The operators that the replacement of an item calls."""
    of_symbols = _of_symbols(item, target)
    for name, overload in _called(item.use):
        exact = [one for one in of_symbols if one[0] == name]
        if overload is None and exact:
            yield from exact
        else:
            yield name, overload


def _refused(item: Item, target: str) -> Iterator[tuple[str, str | None]]:
    """The operators of an item that has no replacement."""
    found = _of_symbols(item, target)
    if found or item.operator is None:
        yield from found
    else:
        name, _, overload = item.operator.removeprefix("aten::").partition(".")
        yield name, overload if overload or "" in overloads(name, target) else None


def _of_symbols(item: Item, target: str) -> list[tuple[str, str]]:
    """The operators that the symbols of an item call, as far as these tell the overload."""
    callers = (_CALLER.match(entity(symbol)) for symbol in item.symbols)
    return [one for each in callers if each and (one := operators.called(each[1], target))]


def _called(text: str | None) -> Iterator[tuple[str, str | None]]:
    """The operators that a text calls; ``…`` stands for any overload."""
    for name, overload in _CALL.findall(text or ""):
        yield name, None if overload == "…" else overload


def _helper(name: str, overload: str, target: str) -> Helper:
    """The helper for an overload.

    Raises:
        _LeftOutError: it can have none.
    """
    oldest = short(target)
    if release_key(target) < release_key(replacements.DISPATCHER_SINCE):
        raise _LeftOutError(f"torch {oldest} has no torch_call_dispatcher")
    course = history(name, overload, target)
    if any(each is None for _, each in course):
        raise _LeftOutError(_where(name, overload, target))
    schemas = [(release, each) for release, each in course if each is not None]
    for release, each in schemas:
        if types := refused(each, target):
            raise _LeftOutError(
                f"the dispatcher of torch {oldest} carries no {' and no '.join(types)}"
            )
        if not _longer(each, schemas[0][1]):
            raise _LeftOutError(f"torch {short(release)} changed its arguments")
    try:
        return helper(schemas, only_none(schemas[0][1], target))
    except UnknownTypeError as unknown:
        raise _LeftOutError(f"it has {unknown}, which no helper can have") from None


def _where(name: str, overload: str, target: str) -> str:
    """Why an operator that not all releases have has no helper."""
    later = [one for one in operators.releases() if release_key(one) > release_key(target)]
    known = [target, *later]
    having = [one for one in known if operators.schema(name, overload, one)]
    if not having:
        return f"torch {short(target)} and newer do not have it"
    runs = release_runs([*map(short, having)], [*map(short, known)])
    return f"of torch {short(target)} and newer, only {runs} {_has(having)} it"


def _has(releases: Sequence[str]) -> str:
    return "has" if len(releases) == 1 else "have"


def _longer(schema: Schema, oldest: Schema) -> bool:
    """Whether a schema is the oldest one, or that with more arguments, which have defaults."""
    arguments, returns = taken(oldest)
    count = len(arguments)
    return (
        taken(schema)[0][:count] == arguments
        and taken(schema)[1] == returns
        and all(one.default is not None for one in schema.arguments[count:])
    )


def _full(name: str, overload: str) -> str:
    return f"aten::{name.removeprefix('aten::')}" + (f".{overload}" if overload else "")
