"""How C++ spells the types and defaults of operator schemas in code for the stable ABI."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.knowledge.operators import Argument

_PLAIN = {
    "int": "int64_t",
    "SymInt": "int64_t",
    "DeviceIndex": "int64_t",
    "float": "double",
    "bool": "bool",
    "ScalarType": "torch::headeronly::ScalarType",
    "Layout": "torch::headeronly::Layout",
    "MemoryFormat": "torch::headeronly::MemoryFormat",
    "Device": "torch::stable::Device",
    "Tensor": "torch::stable::Tensor",
    "Generator": "torch::stable::Generator",
    "str": "std::string",
}
_BY_REFERENCE = frozenset({"Tensor", "Generator", "str"})
_VALUES = {
    "None": "std::nullopt",
    "True": "true",
    "False": "false",
    "Mean": "1",
    "contiguous_format": "torch::headeronly::MemoryFormat::Contiguous",
    "preserve_format": "torch::headeronly::MemoryFormat::Preserve",
    "long": "torch::headeronly::ScalarType::Long",
}
_NUMBER = re.compile(r"-?[\d.]+(?:e[-+]?\d+)?")
_TEXT = re.compile(r"'([^'\"\\]*)'|\"([^'\"\\]*)\"")


class UnknownTypeError(Exception):
    """A type or default that this module cannot spell; the text is ``the type X``."""


def parameter(written: str) -> str:
    """The C++ type of a parameter for an argument of a type.

    Raises:
        UnknownTypeError: it has none.
    """
    if written.endswith("?"):
        inner = written[:-1]
        kind = f"std::optional<{_held(inner)}>"
        return f"const {kind}&" if inner in _BY_REFERENCE else kind
    if written in _BY_REFERENCE:
        return f"const {_PLAIN[written]}&"
    kind = _held(written)
    return f"const {kind}&" if kind.startswith(("std::vector", "std::array")) else kind


def result(returns: tuple[str, ...]) -> str:
    """The C++ type that a function with these results returns.

    Raises:
        UnknownTypeError: one of them has none.
    """
    kinds = [_returned(one) for one in returns]
    if len(kinds) == 1:
        return kinds[0]
    return f"std::tuple<{', '.join(kinds)}>" if kinds else "void"


def passed(written: str, name: str) -> str:
    """An expression for a parameter that ``torch::stable::detail::from`` takes."""
    if written.startswith("bool["):
        return f"torch::headeronly::HeaderOnlyArrayRef<bool>({name})"
    return name


def default(one: Argument) -> str:
    """The default of an argument in C++; empty if it has none.

    Raises:
        UnknownTypeError: it has none that this module knows.
    """
    text, kind = one.default, one.type.removesuffix("?")
    if text is None:
        return ""
    if text == "None":
        return "std::nullopt"
    sized = re.fullmatch(r"\w+\[(\d*)\]", kind)
    if sized is None:
        return _value(text)
    if not text.startswith("["):
        return f"{{{', '.join([_value(text)] * int(sized[1] or 1))}}}"
    inside = text[1:-1].replace(" ", "")
    return f"{{{', '.join(_value(each) for each in inside.split(',') if each)}}}"


def _value(text: str) -> str:
    if _NUMBER.fullmatch(text):
        return text
    if found := _TEXT.fullmatch(text):
        return f'"{found[1] or found[2] or ""}"'
    if text in _VALUES:
        return _VALUES[text]
    raise UnknownTypeError(f"the default {text}")


def _held(written: str) -> str:
    """The C++ type that holds a value of a type, without a reference to it."""
    if written in _PLAIN:
        return _PLAIN[written]
    found = re.fullmatch(r"(\w+\??)\[(\d*)\]", written)
    if found is None:
        raise UnknownTypeError(f"the type {written}")
    inner, size = found.groups()
    if inner == "bool":
        if not size:
            raise UnknownTypeError(f"the type {written}")
        return f"std::array<bool, {size}>"
    if inner in {"int", "SymInt"}:
        return "torch::headeronly::IntHeaderOnlyArrayRef"
    if inner == "float":
        return "torch::headeronly::HeaderOnlyArrayRef<double>"
    if inner.endswith("?"):
        return f"std::vector<std::optional<{_held(inner[:-1])}>>"
    return f"std::vector<{_held(inner)}>"


def _returned(written: str) -> str:
    if written in _PLAIN:
        return _PLAIN[written]
    if written.endswith("?"):
        return f"std::optional<{_returned(written[:-1])}>"
    if written.endswith("[]"):
        return f"std::vector<{_returned(written[:-2])}>"
    raise UnknownTypeError(f"the type {written}")
