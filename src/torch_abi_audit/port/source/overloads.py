"""Which overload of an operator a call means, as far as its arguments tell."""

from __future__ import annotations

from torch_abi_audit.knowledge import operators, replacements, spellings
from torch_abi_audit.port.source.scopes import Held
from torch_abi_audit.port.source.tokens import NUMBER, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.knowledge.operators import Schema
    from torch_abi_audit.knowledge.spellings import Spelling
    from torch_abi_audit.port.source.rewriting import Source

_LIKELY = {
    Held.TENSOR: ("Tensor",),
    Held.OPTIONAL: ("Tensor",),
    Held.TENSORS: ("Tensor[]", "Tensor?[]"),
    Held.DTYPE: ("ScalarType",),
    Held.DEVICE: ("Device",),
    Held.DEVICE_TYPE: ("Device",),
    Held.SIZES: ("int[]", "SymInt[]"),
}
_LIST, _NUMBER, _WORD = "list", "number", "word"
_PLAIN = ("int", "float", "bool", "Scalar", "SymInt")
_UNSURE = "the overload depends on the types of the arguments: look whether a Scalar is one of them"


def meant(
    source: Source, found: Spelling, parts: list[tuple[int, int]], *, method: bool
) -> Spelling:
    """The row of the overload that a call means; the operator's own row if none can be told."""
    name = found.name
    if name == "view" and parts and source.expressions.held(*parts[0]) == Held.DTYPE:
        row = replacements.replacement("at::_ops::view_dtype::call")
        return found if row is None else found._replace(row=row)
    if found.kind == "method":
        return found
    newest = replacements.header_releases()[-1]
    given = (
        [Held.TENSOR, *(_kind(source, *one) for one in parts)]
        if method
        else [_kind(source, *one) for one in parts]
    )
    fitting: list[tuple[int, str]] = []
    for overload in operators.overloads(f"aten::{name}", newest):
        schema = operators.schema(f"aten::{name}", overload, newest)
        if schema is None or overload.endswith("out"):
            continue
        doubts = _doubts(schema, given)
        if doubts is not None:
            fitting.append((doubts, overload))
    if not fitting:
        return found
    least = min(doubts for doubts, _ in fitting)
    best = [overload for doubts, overload in fitting if doubts == least]
    chosen = next((one for one in best if "Scalar" in one), best[0])
    entity = f"at::_ops::{name}_{chosen}" if chosen else f"at::_ops::{name}"
    row = replacements.replacement(f"{entity}::call")
    if row is None:
        return found
    if least and len(best) > 1:
        note = f"{row.note}; {_UNSURE}" if row.note else _UNSURE
        row = row._replace(note=note)
    return found._replace(row=row)


def _kind(source: Source, first: int, end: int) -> Held | str:
    """What an argument is: more than the expression itself says."""
    texts, kinds = source.toks.texts, source.toks.kinds
    if first >= min(end, len(texts)):  # the source ends before it
        return _WORD
    if texts[first] == "{":
        return _LIST
    if kinds[first] == TEXT:
        return "str"
    if kinds[first] == NUMBER or texts[first] in ("true", "false"):
        return _NUMBER
    held = source.expressions.held(first, end)
    if held != Held.OTHER:
        return held
    if texts[first] == "-" and first + 1 < end and kinds[first + 1] == NUMBER:
        return _NUMBER
    return _WORD


def _doubts(schema: Schema, given: list[Held | str]) -> int | None:
    """How many arguments may be of another type than the schema's; None if one is."""
    positional = [one for one in schema.arguments if not one.keyword_only]
    if any(kind not in (Held.OPTIONS, _WORD) for kind in given[len(positional) :]):
        return None
    if any(one.default is None for one in positional[len(given) :]):
        return None
    doubts = 0
    for argument, kind in zip(positional, given, strict=False):
        wanted = argument.type.rstrip("?")
        wanted = wanted.partition("[")[0] + "[]" if "[" in wanted else wanted
        if kind == _WORD:
            doubts += 1
        elif kind == _NUMBER:
            if wanted not in _PLAIN and wanted not in ("int[]", "SymInt[]"):
                return None
        elif kind == _LIST:
            if not wanted.endswith("[]"):
                return None
        elif kind == "str":
            if wanted != "str":
                return None
        elif isinstance(kind, Held) and kind in _LIKELY and wanted not in _LIKELY[kind]:
            return None
    return doubts


def is_contiguous() -> Spelling | None:
    """The row of ``is_contiguous`` with a memory format."""
    return spellings.method("is_contiguous with a memory format")
