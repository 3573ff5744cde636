"""The edits that put a stable spelling in the place of an unstable one, where it is sure.

An edit keeps the meaning, or there is none. It may carry a part of the source along unchanged that
another edit concerns: edits are applied in rounds, and each round reads the source anew.
"""

from __future__ import annotations

import re

from torch_abi_audit.knowledge import replacements, spellings
from torch_abi_audit.knowledge.spellings import Spelling
from torch_abi_audit.port.source import overloads
from torch_abi_audit.port.source.findings import Edit
from torch_abi_audit.port.source.scopes import Held
from torch_abi_audit.port.source.tokens import NAME, NUMBER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from torch_abi_audit.port.source.expressions import Expressions
    from torch_abi_audit.port.source.tokens import Tokens

    class Source(Protocol):
        """What the edits need of a source that is being read."""

        text: str
        toks: Tokens
        expressions: Expressions
        constants: set[str]


type_ = "torch::headeronly::ScalarType::"
_FLOATING, _COMPLEX = "AT_EXPAND(AT_FLOATING_TYPES)", "AT_EXPAND(AT_COMPLEX_TYPES)"
_DISPATCH = {
    "FLOATING_TYPES": _FLOATING,
    "REDUCED_FLOATING_TYPES": f"{type_}Half, {type_}BFloat16",
    "FLOATING_AND_COMPLEX_TYPES": f"{_FLOATING}, {_COMPLEX}",
    "COMPLEX_TYPES": _COMPLEX,
    "INTEGRAL_TYPES": "AT_EXPAND(AT_INTEGRAL_TYPES)",
    "ALL_TYPES": "AT_EXPAND(AT_ALL_TYPES)",
    "ALL_TYPES_AND_COMPLEX": "AT_EXPAND(AT_ALL_TYPES_AND_COMPLEX)",
}
_DISPATCH_NAME = re.compile(
    r"AT_DISPATCH_(ALL_TYPES_AND_COMPLEX|FLOATING_AND_COMPLEX_TYPES|REDUCED_FLOATING_TYPES"
    r"|FLOATING_TYPES|COMPLEX_TYPES|INTEGRAL_TYPES|ALL_TYPES)(?:_(AND_HALF)|_AND(\d?))?$"
)
_COMPARISONS = {
    "TORCH_CHECK_EQ": "==",
    "TORCH_CHECK_NE": "!=",
    "TORCH_CHECK_LT": "<",
    "TORCH_CHECK_LE": "<=",
    "TORCH_CHECK_GT": ">",
    "TORCH_CHECK_GE": ">=",
}
_SELECTIVE = frozenset({"TORCH_SELECTIVE_NAME", "TORCH_SELECTIVE_SCHEMA"})
_PACKED = {"PackedTensorAccessor32": "int32_t", "PackedTensorAccessor64": "int64_t"}
_ACCESSOR = "torch::headeronly::HeaderOnlyTensorAccessor"
_PACKED_ACCESSOR = "torch::headeronly::HeaderOnlyGenericPackedTensorAccessor"
_TRAITS = "torch::headeronly::DefaultPtrTraits"
_GUARD = "torch::stable::accelerator::DeviceGuard"
_UNPRINTED = frozenset(
    {
        Held.TENSOR,
        Held.TENSORS,
        Held.OPTIONAL,
        Held.DEVICE,
        Held.DEVICE_TYPE,
        Held.SIZES,
        Held.OPTIONS,
        Held.OBJECT,
    }
)
"""What has no ``<<`` in the stable ABI, with the headers of 2.10 to 2.15."""
_GIVES_UNPRINTED = frozenset({"sizes", "strides", "device", "options", "layout"})
_DEVICE_OF = (
    re.compile(r"(?:(?:at|c10|torch)::)?device_of\((\w+)\)"),
    re.compile(r"(\w+)\.device\(\)(?:\.index\(\))?"),
    re.compile(r"(?:\((?:char|c10::DeviceIndex|int)\)\s*)?(\w+)\.get_device(?:_index)?\(\)"),
)
_CALLS: dict[str, tuple[int, int]] = {
    "contiguous": (0, 1),
    "view": (1, 1),
    "reshape": (1, 1),
    "clone": (0, 0),
    "copy_": (1, 2),
    "fill_": (1, 1),
    "zero_": (0, 0),
    "flatten": (0, 2),
    "squeeze": (1, 1),
    "unsqueeze": (1, 1),
    "select": (2, 2),
    "narrow": (3, 3),
    "transpose": (2, 2),
    "new_empty": (1, 2),
    "new_zeros": (1, 2),
    "matmul": (1, 1),
    "sum": (0, 0),
    "index_select": (2, 2),
    "empty_like": (0, 0),
    "permute": (1, 1),
    "to": (1, 1),
    "toType": (1, 1),
    "is_pinned": (0, 0),
}
"""Operators with a wrapper that takes the same arguments: how many beside the tensor itself."""
_CHANGES = frozenset({"zero_", "copy_", "narrow"})
"""Wrappers that take the tensor by a reference that is not const."""
_FACTORIES = frozenset({"empty", "zeros", "ones", "full"})
_LIKE = {"zeros_like": "0.0", "ones_like": "1.0", "full_like": None}
_OPTIONS = frozenset({"TensorOptions", "dtype", "device"})
ASSIGNS = frozenset({"=", "+=", "-=", "*=", "/=", "&=", "|=", "^="})
"""An assignment to the result of a call of a tensor writes to its elements."""
_AFTER_TEMPLATE = frozenset({"(", "{", "::", ",", ">"})
_STARTS = frozenset({";", "{", "}", "#if", "#else", "#elif", "#endif"})
"""What stands before a statement."""


def name(source: Source, index: int, after: int, found: Spelling) -> tuple[Edit, ...]:
    """For a qualified name: a type, a constant, or a function that only has another name."""
    toks = source.toks
    if found.name in _PACKED:
        return _packed_type(source, index, after, _PACKED[found.name])
    if found.name.startswith("cuda::") and found.name.endswith(("DeviceGuard", "CUDAGuard")):
        return _guard(source, index, after)
    if found.name == "cuda::getCurrentCUDAStream":
        return _stream(source, index, after)
    if found.name == "get_num_threads":
        return _threads(source, index, after)
    if found.to is None or found.to == "-":
        return ()
    return (Edit(toks.starts[index], toks.ends[after - 1], found.to.format(found.name)),)


def macro(source: Source, index: int, found: Spelling) -> tuple[Edit, ...]:
    """For a macro, at its name."""
    toks, shown = source.toks, found.name
    start, end = toks.starts[index], toks.ends[index]
    parts = arguments(source, index + 1)
    if dispatched := _DISPATCH_NAME.match(shown):
        return _dispatch(source, index, parts, dispatched)
    if (operation := _COMPARISONS.get(shown)) is not None:
        closing = None if parts is None else toks.pairs[index + 1]
        if parts is None or len(parts) != 2 or closing is None or _followed(source, closing, "<<"):
            return ()
        left, right = (_source(source, *one) for one in parts)
        return (
            Edit(start, toks.ends[closing], f"STD_TORCH_CHECK(({left}) {operation} ({right}))"),
        )
    if shown == "AT_ERROR":
        if parts is None or not _printable(source, parts):
            return ()
        comma = ", " if parts else ""
        return (Edit(start, toks.ends[index + 1], f"STD_TORCH_CHECK(false{comma}"),)
    if shown == "TORCH_FN" and parts is not None and len(parts) == 1:
        inner = _source(source, *parts[0])
        return (Edit(start, toks.ends[toks.pairs[index + 1]], f"TORCH_BOX(&{inner})"),)
    if shown in _SELECTIVE and parts is not None and len(parts) == 1:
        inner = _source(source, *parts[0])
        return (Edit(start, toks.ends[toks.pairs[index + 1]], inner),)
    if found.to is None:
        return ()
    if found.to == "STD_TORCH_CHECK" and parts and not _printable(source, parts[1:]):
        return ()
    return (Edit(start, end, found.to),)


def unprinted(source: Source, index: int, found: Spelling) -> bool:
    """Whether a check has an argument that only torch's unstable headers print."""
    if found.to != "STD_TORCH_CHECK" and found.name != "AT_ERROR":
        return False
    parts = arguments(source, index + 1) or []
    return not _printable(source, parts[found.name != "AT_ERROR" :])


def method(
    source: Source, start: int, index: int, opening: int, found: Spelling, *, sure: bool
) -> tuple[Edit, ...]:
    """For a call of a method.

    Args:
        source: The source.
        start: Where the object begins.
        index: The method's name.
        opening: The parenthesis of the call.
        found: The method.
        sure: Whether the object is known to be a tensor.
    """
    toks, shown = source.toks, found.name
    parts = arguments(source, opening)
    if not sure or parts is None:
        return ()
    closing = toks.pairs[opening]
    if closing + 1 < len(toks.texts) and toks.texts[closing + 1] in ASSIGNS:
        return ()
    if shown in ("data_ptr", "data"):
        return _data_pointer(source, index, opening)
    if shown == "type":
        return _deprecated_type(source, start, index, closing)
    if shown in ("accessor", "packed_accessor32", "packed_accessor64"):
        return _accessor(source, start, index, opening)
    if found.to is not None and not parts:
        return (Edit(toks.starts[index], toks.ends[index], found.to),)
    if shown not in _CALLS or not _takes(source, shown, parts):
        return ()
    function = _wrapper(found)
    if function is None:
        return ()
    if shown in _CHANGES and (
        _dot(source, index) - start != 1
        or toks.kinds[start] != NAME
        or toks.texts[start] in source.constants
        or source.expressions.scope.in_macro()
    ):
        return ()
    dot = _dot(source, index)
    star = "*" if toks.texts[dot] == "->" else ""
    inside = ", " if parts else ""
    if shown == "to" and source.expressions.held(parts[0][0], parts[0][1]) == Held.DEVICE_TYPE:
        device = _source(source, *parts[0])
        return (
            Edit(toks.starts[start], toks.starts[start], f"{function}({star}"),
            Edit(toks.starts[dot], toks.ends[closing], f", torch::stable::Device({device}))"),
        )
    return (
        Edit(toks.starts[start], toks.starts[start], f"{function}({star}"),
        Edit(toks.starts[dot], toks.ends[opening], inside),
    )


def call(
    source: Source, index: int, opening: int, found: Spelling
) -> tuple[tuple[Edit, ...], Spelling]:
    """For a call of an operator as a function; with the row that the edit follows."""
    toks, shown = source.toks, found.name
    parts = arguments(source, opening)
    if parts is None:
        return (), found
    found = overloads.meant(source, found, parts, method=False)
    start, end = toks.starts[index], toks.ends[toks.pairs[opening]]
    if shown in _FACTORIES:
        made = _factory(source, shown, parts)
        if made is None:
            return (), found
        text, wrapper = made
        other = spellings.operator(wrapper) if wrapper != shown else None
        return (Edit(start, end, text),), found if other is None else other._replace(name=shown)
    if shown in _LIKE:
        filled = _filled(source, shown, parts)
        return ((), found) if filled is None else ((Edit(start, end, filled),), found)
    if shown not in _CALLS or not parts or not _takes(source, shown, parts[1:]):
        return (), found
    function = _wrapper(found)
    first = parts[0]
    if function is None or source.expressions.held(*first) != Held.TENSOR:
        return (), found
    if shown in _CHANGES and (first[1] - first[0] != 1 or toks.texts[first[0]] in source.constants):
        return (), found
    if shown == "to":
        return (), found
    return (Edit(start, toks.starts[opening], function),), found


def subscript(source: Source, start: int, opening: int) -> tuple[Edit, ...]:
    """For ``x[i]``."""
    toks = source.toks
    closing = toks.pairs[opening]
    if closing + 1 < len(toks.texts) and toks.texts[closing + 1] in ASSIGNS:
        return ()
    for index in range(opening + 1, min(closing, opening + 64)):
        if toks.texts[index] in (",", "{", '"'):
            return ()
    held = source.expressions.held(opening + 1, closing)
    if closing == opening + 1 or held != Held.OTHER or toks.texts[opening + 1] in ("None", "at"):
        return ()
    return (
        Edit(toks.starts[start], toks.starts[start], "torch::stable::select("),
        Edit(toks.starts[opening], toks.ends[opening], ", 0, "),
        Edit(toks.starts[closing], toks.ends[closing], ")"),
    )


def equal_sizes(source: Source, start: int, index: int, end: int) -> tuple[Edit, ...]:
    """For ``a.sizes() == b.sizes()``."""
    toks = source.toks
    no = "!" if toks.texts[index] == "!=" else ""
    left, right = _source(source, start, index), _source(source, index + 1, end)
    return (Edit(toks.starts[start], toks.ends[end - 1], f"{no}{left}.equals({right})"),)


def registered(
    source: Source, opening: int, shown: str
) -> tuple[Spelling | None, tuple[Edit, ...]]:
    """For ``m.impl(…)`` and ``m.def(…)``; without a row if they stay as they are."""
    toks = source.toks
    parts = arguments(source, opening)
    if parts is None or len(parts) < 2:
        return None, ()
    first, end = parts[-1]
    head = toks.texts[first]
    if shown == "def":
        if head == "{" or (len(parts) > 2 and head == "{"):
            return None, ()
        return spellings.method("def with a function"), ()
    if head in ("TORCH_BOX", "TORCH_FN") or len(parts) != 2:
        return (
            None if head != "TORCH_BOX" or len(parts) == 2 else _row('m.impl("f", &f)', "impl")
        ), ()
    row = _row('m.impl("f", &f)', "impl")
    position = first + 1 if head == "&" else first
    if position >= end or toks.kinds[position] != NAME:
        return row, ()
    _, after = source.expressions.qualified(position)
    if after != end:
        return row, ()
    inner = _source(source, position, end)
    return row, (Edit(toks.starts[first], toks.ends[end - 1], f"TORCH_BOX(&{inner})"),)


def from_symbols(full: list[str]) -> Spelling | None:
    """What the table of replacements says of a name that sources rarely spell."""
    for root in (full[0], "at", "c10"):
        row = replacements.replacement("::".join([root, *full[1:]]))
        if row is not None:
            return Spelling("function", "::".join(full[1:]), row)
    return None


def arguments(source: Source, opening: int) -> list[tuple[int, int]] | None:
    """Where each argument of a call begins and ends; None if a parenthesis is missing."""
    toks = source.toks
    texts, pairs = toks.texts, toks.pairs
    if opening >= len(texts) or texts[opening] != "(" or pairs[opening] < 0:
        return None
    found: list[tuple[int, int]] = []
    start = index = opening + 1
    closing = pairs[opening]
    if start == closing:
        return []
    while index < closing:
        text = texts[index]
        if text == ",":
            found.append((start, index))
            start = index + 1
        elif text in ("(", "[", "{") and pairs[index] > index:
            index = pairs[index]
        elif text == "<" and _named(source, index):
            end = source.expressions.template_end(index)
            if end is not None and end < closing and texts[end] in _AFTER_TEMPLATE:
                index = end - 1
        index += 1
    found.append((start, closing))
    return None if any(first >= end for first, end in found) else found


def _dot(source: Source, index: int) -> int:
    """The ``.`` or ``->`` before the name of a method."""
    return index - 2 if source.toks.texts[index - 1] == "template" else index - 1


def _named(source: Source, index: int) -> bool:
    return index > 0 and source.toks.kinds[index - 1] == NAME


def _source(source: Source, first: int, end: int) -> str:
    """The text of tokens, as the source has it."""
    return source.text[source.toks.starts[first] : source.toks.ends[end - 1]]


def _followed(source: Source, index: int, mark: str) -> bool:
    return index + 1 < len(source.toks.texts) and source.toks.texts[index + 1] == mark


def _printable(source: Source, parts: list[tuple[int, int]]) -> bool:
    """Whether the arguments of a message can be printed without torch."""
    return not any(
        source.expressions.held(*one) in _UNPRINTED or _gives_unprinted(source, *one)
        for one in parts
    )


def _gives_unprinted(source: Source, first: int, end: int) -> bool:
    """Whether an argument ends with the call of a method whose result has no ``<<``."""
    texts = source.toks.texts
    return (
        end - first > 3
        and texts[end - 1] == ")"
        and texts[end - 2] == "("
        and texts[end - 3] in _GIVES_UNPRINTED
        and texts[end - 4] in (".", "->")
    )


def _wrapper(found: Spelling) -> str | None:
    use = found.row.use or ""
    return use if re.fullmatch(r"torch::stable::\w+", use) else None


def _row(api: str, shown: str) -> Spelling | None:
    row = next((one for one in replacements.rows() if one.api == api), None)
    return None if row is None else Spelling("method", shown, row, gives="other")


def _takes(source: Source, shown: str, parts: list[tuple[int, int]]) -> bool:
    """Whether the wrapper takes these arguments as the method does."""
    least, most = _CALLS[shown]
    if not least <= len(parts) <= most:
        return False
    held = [source.expressions.held(*one) for one in parts]
    if shown == "toType":
        return held[0] == Held.DTYPE
    if shown == "to":
        return held[0] in (Held.DTYPE, Held.DEVICE, Held.DEVICE_TYPE)
    if shown in ("view", "reshape", "permute"):
        return held[0] not in (Held.DTYPE, Held.TENSOR)
    if shown in ("new_empty", "new_zeros"):
        return len(held) == 1 or held[1] == Held.DTYPE
    if shown == "fill_":
        return _literal(source, *parts[0]) is not None
    if shown == "contiguous" and held:
        return source.toks.texts[parts[0][1] - 1] in (
            "Contiguous",
            "ChannelsLast",
            "ChannelsLast3d",
        )
    return True


def _dispatch(
    source: Source, index: int, parts: list[tuple[int, int]] | None, found: re.Match[str]
) -> tuple[Edit, ...]:
    toks = source.toks
    half, number = found[2], found[3]
    leading = 0 if half or number is None else int(number or 1)
    if parts is None or len(parts) < leading + 3:
        return ()
    types = _DISPATCH[found[1]]
    if half:
        types += f", {type_}Half"
    for one in parts[:leading]:
        types += ", " + _source(source, *one)
    kind, body = parts[leading], parts[leading + 2]
    closing = toks.pairs[index + 1]
    whole = toks.texts[body[0]] == "(" and toks.pairs[body[0]] == closing - 1
    opened, closed = ("", "") if whole else ("(", ")")
    return (
        Edit(toks.starts[index], toks.starts[kind[0]], "THO_DISPATCH_V2("),
        Edit(toks.starts[body[0]], toks.starts[body[0]], opened),
        Edit(toks.ends[closing - 1], toks.starts[closing], f"{closed}, {types}"),
    )


def _packed_type(source: Source, index: int, after: int, counts: str) -> tuple[Edit, ...]:
    toks = source.toks
    if after >= len(toks.texts) or toks.texts[after] != "<":
        return ()
    end = source.expressions.template_end(after)
    if end is None:
        return ()
    count = _count(source, after + 1, end - 1)
    if count not in (2, 3):
        return ()
    added = f", {_TRAITS}, {counts}" if count == 2 else f", {counts}"
    return (
        Edit(toks.starts[index], toks.ends[after - 1], _PACKED_ACCESSOR),
        Edit(toks.starts[end - 1], toks.starts[end - 1], added),
    )


def _count(source: Source, index: int, end: int) -> int:
    """How many template arguments there are."""
    texts, pairs, depth, count = source.toks.texts, source.toks.pairs, 0, 1
    while index < end:
        text = texts[index]
        if text in ("(", "[") and pairs[index] > index:
            index = pairs[index]
        elif text == "<":
            depth += 1
        elif text == ">":
            depth -= 1
        elif text == "," and not depth:
            count += 1
        index += 1
    return count


def _guard(source: Source, index: int, after: int) -> tuple[Edit, ...]:
    toks = source.toks
    if after + 1 >= len(toks.texts) or toks.kinds[after] != NAME:
        return ()
    opening = after + 1
    if toks.texts[opening] not in ("(", "{") or toks.pairs[opening] < opening + 2:
        return ()
    closing = toks.pairs[opening]
    given = _source(source, opening + 1, closing)
    for form in _DEVICE_OF:
        if (found := form.fullmatch(given)) is not None:
            if source.expressions.scope.value(found[1]) != Held.TENSOR:
                return ()
            text = f"{_GUARD} {toks.texts[after]}({found[1]}.get_device_index())"
            return (Edit(toks.starts[index], toks.ends[closing], text),)
    return ()


def _threads(source: Source, index: int, after: int) -> tuple[Edit, ...]:
    """For ``at::get_num_threads()``, an int, where the stable one is unsigned."""
    toks = source.toks
    if toks.texts[after : after + 2] != ["(", ")"]:
        return ()
    text = "static_cast<int>(torch::stable::get_num_threads())"
    return (Edit(toks.starts[index], toks.ends[after + 1], text),)


def _stream(source: Source, index: int, after: int) -> tuple[Edit, ...]:
    """For ``cudaStream_t stream = at::cuda::getCurrentCUDAStream();``."""
    toks = source.toks
    texts = toks.texts
    rest = "".join(texts[after : after + 7])
    if index < 4 or texts[index - 1] != "=" or toks.kinds[index - 2] != NAME:
        return ()
    if rest.startswith("().stream();"):
        last = after + 6
    elif rest.startswith("();") and texts[index - 3] == "cudaStream_t":
        last = after + 2
    else:
        return ()
    first = index - 3 - (texts[index - 4] == "const")
    if texts[index - 3] not in ("cudaStream_t", "auto") or texts[first - 1] not in _STARTS:
        return ()
    shown = texts[index - 2]
    line = source.text.rfind("\n", 0, toks.starts[first]) + 1
    indent = source.text[line : toks.starts[first]]
    gap = f"\n{indent}" if not indent.strip() else " "
    text = gap.join(
        (
            f"void* {shown}_handle = nullptr;",
            (
                "TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream("
                f"torch::stable::accelerator::getCurrentDeviceIndex(), &{shown}_handle));"
            ),
            f"cudaStream_t {shown} = static_cast<cudaStream_t>({shown}_handle);",
        )
    )
    return (Edit(toks.starts[first], toks.ends[last], text),)


def _data_pointer(source: Source, index: int, opening: int) -> tuple[Edit, ...]:
    toks = source.toks
    if opening == index + 1:  # without a type
        if toks.texts[index] == "data":
            return ()
        return ()
    inner = index + 2
    if toks.texts[inner] == "const":
        return (Edit(toks.starts[index], toks.starts[inner + 1], "const_data_ptr<"),)
    return (Edit(toks.starts[index], toks.ends[index], "mutable_data_ptr"),)


def _deprecated_type(source: Source, start: int, index: int, closing: int) -> tuple[Edit, ...]:
    toks = source.toks
    texts = toks.texts
    following = texts[closing + 1] if closing + 1 < len(texts) else ""
    if following == ".":  # x.type().is_cuda()
        if closing + 2 < len(texts) and texts[closing + 2] in ("is_cuda", "scalarType"):
            if texts[closing + 2] == "scalarType":
                return (Edit(toks.starts[index], toks.ends[closing + 2], "scalar_type"),)
            return (Edit(toks.starts[_dot(source, index)], toks.ends[closing], ""),)
        return ()
    if following != ",":
        return ()
    for back in range(start - 1, max(-1, start - 24), -1):
        if texts[back] in (";", "{", "}"):
            return ()
        if "_DISPATCH_" in texts[back]:
            return (Edit(toks.starts[index], toks.ends[index], "scalar_type"),)
    return ()


def _accessor(source: Source, start: int, index: int, opening: int) -> tuple[Edit, ...]:
    toks = source.toks
    dot = _dot(source, index)
    if dot - start != 1 or opening == index + 1 or toks.texts[dot] != ".":
        return ()  # the object would be evaluated three times
    if source.expressions.scope.in_macro():
        return ()
    shown = toks.texts[index]
    inside = _source(source, index + 2, opening - 1)
    count = _count(source, index + 2, opening - 1)
    if count < 2:
        return ()
    comma = _first_comma(source, index + 2, opening - 1)
    kind = _source(source, index + 2, comma)
    if shown == "accessor":
        head = f"{_ACCESSOR}<{inside}>"
    else:
        counts = "int32_t" if shown == "packed_accessor32" else "int64_t"
        traits = f", {_TRAITS}" if count == 2 else ""
        head = f"{_PACKED_ACCESSOR}<{inside}{traits}, {counts}>"
    this = toks.texts[start]
    pointer = f"{this}.mutable_data_ptr<{kind}>()"
    text = f"{head}({pointer}, {this}.sizes().data(), {this}.strides().data())"
    return (Edit(toks.starts[start], toks.ends[toks.pairs[opening]], text),)


def _first_comma(source: Source, index: int, end: int) -> int:
    texts, depth = source.toks.texts, 0
    while index < end:
        if texts[index] == "," and not depth:
            return index
        depth += (texts[index] in ("<", "(")) - (texts[index] in (">", ")"))
        index += 1
    return end


def _filled(source: Source, shown: str, parts: list[tuple[int, int]]) -> str | None:
    """``zeros_like(x)`` and kin, which also keep the memory format of ``x``."""
    value = _LIKE[shown]
    if value is None:
        if len(parts) < 2 or _literal(source, *parts[1]) is None:
            return None
        value = _source(source, *parts.pop(1))
    if not parts or source.expressions.held(*parts[0]) != Held.TENSOR:
        return None
    this = _source(source, *parts[0])
    if len(parts) == 2 and _source(source, *parts[1]) != f"{this}.options()":
        return None
    if len(parts) > 2:
        return None
    return f"torch::stable::fill_(torch::stable::empty_like({this}), {value})"


def _factory(source: Source, shown: str, parts: list[tuple[int, int]]) -> tuple[str, str] | None:
    """The text in place of a call that makes a tensor, and the name of the wrapper."""
    given = list(parts)
    if not given:
        return None
    first = given.pop(0)
    size = _source(source, *first)
    if source.toks.kinds[first[0]] == NUMBER and first[1] - first[0] == 1:
        size = f"{{{size}}}"
    value = {"zeros": "0.0", "ones": "1.0", "full": None, "empty": ""}[shown]
    literal = first
    if value is None:
        if not given:
            return None
        literal = given.pop(0)
        value = _source(source, *literal)
    options = _Options()
    if len(given) > 1 or (given and not options.read(source, *given[0])):
        return None
    base, dtype, device = options.base, options.dtype, options.device
    if shown == "full":
        if not _fits(source, literal, dtype):
            return None
        if base is None and dtype is None:
            dtype = _WHOLE.get(_literal(source, *literal) or "")
    if base is not None and shown in ("empty", "zeros"):
        return _new(f"new_{shown}", f"{base}, {size}", dtype, f"{base}.scalar_type()", device)
    if base is not None:
        dtype, device = dtype or f"{base}.scalar_type()", device or f"{base}.device()"
    if shown != "empty":
        size += f", {value}"
    return _new("empty" if shown == "empty" else "full", size, dtype, "std::nullopt", device)


def _new(
    wrapper: str, given: str, dtype: str | None, otherwise: str, device: str | None
) -> tuple[str, str]:
    """The text of a call; ``otherwise`` stands for a dtype that is not said before a device."""
    tail = f", {dtype}" if dtype else ""
    if device:
        tail = f", {dtype or otherwise}, std::nullopt, {device}"
    return f"torch::stable::{wrapper}({given}{tail})", wrapper


_FLOATING_NAMES = ("Float", "Double", "Half", "BFloat16", "Float16", "Float32", "Float64")
_WHOLE = {"Bool": f"{type_}Bool", "Long": f"{type_}Long"}
_LONGEST_WHOLE = 15
"""How many digits a whole number has at most that a double surely holds."""


def _literal(source: Source, first: int, end: int) -> str | None:
    """The dtype that torch gives a tensor of a literal; None if it is no such literal."""
    if source.toks.texts[first] in ("-", "+"):
        first += 1
    if end - first != 1:
        return None
    text = source.toks.texts[first]
    if text in ("true", "false"):
        return "Bool"
    if source.toks.kinds[first] != NUMBER:
        return None
    if re.fullmatch(r"[0-9]+[lLuU]*", text):
        return "Long" if len(text) <= _LONGEST_WHOLE else None
    return "Float" if re.fullmatch(r"[0-9.]+(?:e[-+]?[0-9]+)?[fF]?", text) else None


def _fits(source: Source, value: tuple[int, int], dtype: str | None) -> bool:
    """Whether a double surely holds the value of a tensor."""
    return _literal(source, *value) is not None or _is_floating(dtype)


def _is_floating(dtype: str | None) -> bool:
    """Whether the text of a dtype is a constant of a floating-point type."""
    return dtype is not None and re.split(r"::k?", dtype)[-1].removeprefix("k") in _FLOATING_NAMES


class _Options:
    """What the tokens of an argument say of options; each as text, None if it is not said."""

    __slots__ = ("base", "device", "dtype")

    def __init__(self) -> None:
        self.base: str | None = None
        self.dtype: str | None = None
        self.device: str | None = None

    def read(self, source: Source, index: int, end: int) -> bool:
        """Read them; False if something is not understood."""
        toks, expressions = source.toks, source.expressions
        held = expressions.held(index, end)
        if held == Held.DTYPE:
            self.dtype = _source(source, index, end)
            return True
        if held != Held.OPTIONS or toks.kinds[index] != NAME:
            return False
        parts, after = expressions.qualified(index)
        known = expressions.resolved(parts)
        if known[-1] in _OPTIONS and len(known) <= 2:
            following = self._made(source, known[-1], after)
        else:
            following = self._taken_from(source, index, after, end)
        if following is None:
            return False
        while following + 2 < end and toks.texts[following] == ".":
            given = arguments(source, following + 2)
            if given is None or not self._set(source, toks.texts[following + 1], given):
                return False
            following = toks.pairs[following + 2] + 1
        return following == end

    def _made(self, source: Source, shown: str, opening: int) -> int | None:
        """``TensorOptions()`` or ``torch::dtype(…)``; the index after it."""
        given = arguments(source, opening)
        if given is None:
            return None
        if shown == "TensorOptions":
            good = not given or (len(given) == 1 and self._set(source, "dtype", given))
        else:
            good = self._set(source, shown, given)
        return source.toks.pairs[opening] + 1 if good else None

    def _taken_from(self, source: Source, start: int, after: int, end: int) -> int | None:
        """``x.options()`` of an object that is just named; the index after it."""
        toks = source.toks
        while after + 1 < end and toks.texts[after] in (".", "->"):
            if toks.texts[after + 1] == "options":
                break
            after += 2
            if after < end and toks.texts[after] in ("(", "["):
                return None
        if after + 3 > end or toks.texts[after] != "." or toks.texts[after + 1] != "options":
            return None
        self.base = _source(source, start, after)
        return toks.pairs[after + 2] + 1

    def _set(self, source: Source, shown: str, given: list[tuple[int, int]]) -> bool:
        if not given:
            return False
        held, text = source.expressions.held(*given[0]), _source(source, *given[0])
        if shown == "dtype" and len(given) == 1:
            self.dtype = text
            return held == Held.DTYPE
        if shown == "device":
            if held == Held.DEVICE and len(given) == 1:
                self.device = text
                return True
            self.device = f"torch::stable::Device({_source(source, given[0][0], given[-1][1])})"
            return held == Held.DEVICE_TYPE
        if shown == "requires_grad":
            return text == "false"
        if shown == "layout":
            return text.endswith("kStrided")
        return False
