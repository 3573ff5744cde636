"""How an API can be replaced in code that supports a chosen oldest torch release. Pure."""

from __future__ import annotations

from typing import NamedTuple

from torch_abi_audit.knowledge import operators, replacements
from torch_abi_audit.model.releases import release_key, short
from torch_abi_audit.port.migration import Way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.knowledge.operators import Schema
    from torch_abi_audit.knowledge.replacements import Replacement

_NUMBERS = {"Scalar": "Tensor", "Scalar?": "Tensor?"}
"""Types that the dispatcher refuses, and those that carry the same value.

With a number and a tensor of the same dtype, 228 calls of the overloads that this pairs up gave
equal results, dtypes included, in torch 2.13.0.
"""
_NUMBER_NOTE = (
    "the number becomes a tensor of the other's dtype: torch::stable::full({}, value, dtype)"
)
_NUMBER_DIFFERS = (
    "the tensor takes part in type promotion with its own dtype: a fractional number with a tensor "
    "of integers gives float64 where a Scalar gives the default dtype; integers beyond 2^53 lose "
    "precision in full"
)
_TYPES_OF_RESULTS = frozenset({"result_type", "can_cast"})
"""Operators that tell a number from a tensor by design."""


class Answer(NamedTuple):
    """How an API can be replaced."""

    way: Way
    row: Replacement | None
    """The row as it holds for the chosen release; None if the table has none."""


def answer(row: Replacement | None, target: str) -> Answer:
    """How the API of a row can be replaced in code that supports ``target``."""
    if row is None:
        return Answer(Way.UNKNOWN, None)
    if row.goes:
        return Answer(Way.GOES, row)
    if row.use is None:
        return Answer(Way.NOT_YET, row)
    if row.calls_operator:
        return _operator_call(row, target)
    late = _later(row.floor, target)
    row = _with_fallback(row, target)
    if not late:
        return Answer(Way.DISPATCHER if row.through_dispatcher else Way.NOW, row)
    other = row.fallback
    if other is None or _later(other.floor, target):
        return Answer(Way.LATER, row)
    instead = row._replace(
        use=other.use,
        header=other.header,
        since=other.since,
        floor=other.floor,
        shims=other.shims,
        macros=other.macros,
        fallback=None,
        note="; ".join(filter(None, (f"{row.use} from torch {row.floor} on", row.note))),
    )
    return Answer(Way.DISPATCHER if instead.through_dispatcher else Way.NOW, instead)


def way(row: Replacement | None, target: str) -> Way:
    """The way alone."""
    return answer(row, target).way


def _later(release: str | None, target: str) -> bool:
    return release is not None and release_key(release) > release_key(target)


def _operator_call(row: Replacement, target: str) -> Answer:
    """The answer for an operator whose only replacement is a call through the dispatcher."""
    first = row.floor or replacements.DISPATCHER_SINCE
    if _later(first, target):
        found = _carried(row, first)
        return Answer(Way.NOT_YET if found.use is None else Way.LATER, found)
    found = _carried(row, target)
    if found.use is not None:
        return Answer(Way.DISPATCHER, found)
    for release in replacements.header_releases():
        if _later(release, target) and _carried(row, release).use is not None:
            return Answer(Way.LATER, row._replace(since=release, floor=release))
    return Answer(Way.NOT_YET, found)


def _carried(row: Replacement, release: str) -> Replacement:
    """A row that calls an operator, as a release's dispatcher can; without ``use`` if it cannot."""
    if (row.operator or "").endswith(f".{replacements.OPEN}"):
        return _any_overload(row, release)
    schema = _schema(row.operator, release)
    if schema is None:
        return row
    refused = operators.refused(schema, release)
    if not refused:
        if left_out := operators.only_none(schema, release):
            return row._replace(note=f"{' and '.join(left_out)} must be none: {_GENERATOR}")
        return _with_changes(row, schema, release)
    if other := _with_tensors(schema, release):
        return row._replace(
            use=replacements.dispatcher_call(other.name.removeprefix("aten::"), other.overload),
            note=_NUMBER_NOTE,
            differs=_NUMBER_DIFFERS,
        )
    return _refused(row, refused)


def _any_overload(row: Replacement, release: str) -> Replacement:
    """The answer where it is not known which overload is called."""
    name = (row.operator or "").partition(".")[0]
    carried, left, types = [], [], set[str]()
    for overload in operators.overloads(name, release):
        schema = operators.schema(name, overload, release)
        if schema is None or any(one.written and one.keyword_only for one in schema.arguments):
            continue
        if refused := operators.refused(schema, release):
            left.append(f'"{overload}"')
            types.update(refused)
        else:
            carried.append(f'"{overload}"')
    if not carried and left:
        return _refused(row, tuple(sorted(types)))
    said = "the arguments choose the overload"
    if left:
        said = f"of its overloads the dispatcher calls {', '.join(carried)}; it refuses "
        said += f"{', '.join(left)}: type {', '.join(sorted(types))}"
    return row._replace(note=said)


def _refused(row: Replacement, types: tuple[str, ...]) -> Replacement:
    return row._replace(
        use=None,
        header=None,
        since=None,
        floor=None,
        shims=(),
        effort=3,
        refused=types,
        note=f"not possible through the dispatcher: type {', '.join(types)}",
    )


_GENERATOR = "the dispatcher carries a Generator from torch 2.13 on"


def _with_changes(row: Replacement, schema: Schema, release: str) -> Replacement:
    """A row that says which releases add arguments to its operator: libtorch adapts no call."""
    later = operators.history(schema.name, schema.overload, release)[1:]
    added = [f"torch {short(one)}" for one, changed in later if changed is not None]
    if not added:
        return row
    note = f"{' and '.join(added)} added arguments: choose the stack by aoti_torch_abi_version()"
    return row._replace(note=note)


def _with_tensors(schema: Schema, release: str) -> Schema | None:
    """The overload that takes tensors where ``schema`` takes numbers, if the dispatcher can."""
    wanted = [(one.name, _NUMBERS.get(one.type, one.type)) for one in schema.arguments]
    if schema.name.removeprefix("aten::") in _TYPES_OF_RESULTS:
        return None
    for overload in operators.overloads(schema.name, release):
        other = operators.schema(schema.name, overload, release)
        if (
            other is not None
            and other.overload != schema.overload
            and [(one.name, one.type) for one in other.arguments] == wanted
            and other.returns == schema.returns
            and not operators.refused(other, release)
        ):
            return other
    return None


def _with_fallback(row: Replacement, target: str) -> Replacement:
    """The row with the call of its operator as the way for older headers, if it has no other."""
    since = row.since
    if row.fallback is not None:
        return row if _later(since, row.fallback.since) else row._replace(fallback=None)
    first = replacements.DISPATCHER_SINCE
    if row.through_dispatcher or row.operator is None or not _later(since, first):
        return row
    release = target if _later(target, first) else first
    schema = _schema(row.operator, release)
    if schema is None or operators.refused(schema, release):
        return row
    call = replacements.dispatcher_call(schema.name.removeprefix("aten::"), schema.overload)
    return row._replace(
        fallback=replacements.Fallback(call, replacements.DISPATCHER_HEADER, first, first)
    )


def _schema(operator: str | None, release: str) -> Schema | None:
    if operator is None:
        return None
    name, _, overload = operator.partition(".")
    return operators.schema(name, overload, release)
