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

With the dtypes that the notes name, 12,728 of 13,056 calls of the overloads that this pairs up gave
the results of torch 2.13.0 with a number, dtypes included: of tensors with and without dimensions,
of integers, bools and each floating-point dtype, with integers and fractions. What is left is in
``_NUMBER_DIFFERS``, or is an error for a number.
"""
_NUMBER_DTYPE = (
    "the tensor's dtype if that is floating-point or complex; otherwise kFloat for a "
    "floating-point number, kLong for an integer, kBool for a bool"
)
_NUMBER_NOTE = f"the number becomes torch::stable::full({{}}, value, dtype), with {_NUMBER_DTYPE}"
_LARGE = "integers beyond 2^53 lose precision in full"
_NUMBER_DIFFERS = (
    "with integers in a tensor without dimensions, an integer gives int64; an integer that the "
    "tensor's dtype cannot hold may wrap where a Scalar throws; half precision rounds the number "
    f"before the operation; {_LARGE}"
)
_DOUBLES = frozenset({"float_power", "linspace", "logspace"})
"""Operators whose result has a dtype of its own: 264 calls of the latter two gave equal results."""
_DOUBLE_NOTE = (
    "the number becomes torch::stable::full({}, value, kDouble), which does not change the dtype "
    "of the result"
)
_FILLS = frozenset({"fill", "masked_fill", "index_fill"})
_FILL_DIFFERS = f"an integer that the tensor's dtype cannot hold may wrap; {_LARGE}"


class _Sibling(NamedTuple):
    """An overload that the dispatcher carries, with another form of an argument."""

    overload: str
    note: str
    differs: str = ""


_SPREAD_NOTE = (
    "0 or 1 as the correction becomes false or true as unbiased, and true where none is given; no "
    "dimensions become an empty optional; other corrections have no form"
)
_SCATTER_NOTE = (
    "the number becomes torch::stable::full(sizes of the index, value, the tensor's dtype)"
)
_SIBLINGS = {
    **{
        f"{name}.correction": _Sibling("dim", _SPREAD_NOTE)
        for name in ("std", "std_mean", "var", "var_mean")
    },
    **{f"{name}.correction_out": _Sibling("out", _SPREAD_NOTE) for name in ("std", "var")},
    **{
        f"isin.{overload}": _Sibling("Tensor_Tensor", _NUMBER_NOTE, _LARGE)
        for overload in ("Scalar_Tensor", "Tensor_Scalar")
    },
    **{
        f"{name}.{overload}": _Sibling(other, _SCATTER_NOTE, _LARGE)
        for name in ("scatter", "scatter_")
        for overload, other in (("value", "src"), ("value_reduce", "reduce"))
    },
}
"""Overloads that the dispatcher refuses, and siblings that gave equal results in torch 2.13.0."""
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
        base = other.name.removeprefix("aten::")
        note, differs = _with_number(base.removesuffix("_"))
        use = replacements.dispatcher_call(base, other.overload)
        return row._replace(use=use, note=note, differs=differs)
    if found := _sibling(schema, release):
        base = schema.name.removeprefix("aten::")
        use = replacements.dispatcher_call(base, found.overload)
        return row._replace(use=use, note=found.note, differs=found.differs)
    return _refused(row, refused)


def _with_number(base: str) -> tuple[str, str]:
    """What to know of a number that becomes a tensor, and what differs then."""
    if base in _DOUBLES:
        return _DOUBLE_NOTE, _LARGE
    return _NUMBER_NOTE, _FILL_DIFFERS if base in _FILLS else _NUMBER_DIFFERS


def _sibling(schema: Schema, release: str) -> _Sibling | None:
    """The overload that does the same with another form of an argument, if it is carried."""
    base = schema.name.removeprefix("aten::")
    found = _SIBLINGS.get(f"{base}.{schema.overload}")
    if found is None:
        return None
    other = operators.schema(base, found.overload, release)
    return None if other is None or operators.refused(other, release) else found


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
        note="",
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
