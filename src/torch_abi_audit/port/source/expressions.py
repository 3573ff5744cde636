"""What an expression is, as far as its tokens say: a tensor, options, or something else."""

from __future__ import annotations

from torch_abi_audit.knowledge import spellings
from torch_abi_audit.port.source.scopes import Held
from torch_abi_audit.port.source.tokens import NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.port.source.scopes import Scope
    from torch_abi_audit.port.source.tokens import Tokens

ROOTS = frozenset({"at", "c10", "torch"})
STABLE = frozenset({"stable", "headeronly"})
LONGEST = 64
"""How many links of a chain, or tokens of template arguments, are followed."""
DEEPEST_NAME = 12
"""How many parts a qualified name has at most; the rest of a longer one is not looked at."""
_WRAPPERS = frozenset(
    {
        "vector",
        "array",
        "tuple",
        "pair",
        "initializer_list",
        "ArrayRef",
        "List",
        "span",
        "SmallVector",
        "HeaderOnlyArrayRef",
        "deque",
        "list",
        "unordered_map",
        "map",
    }
)
_POINTERS = frozenset({"optional", "shared_ptr", "unique_ptr"})
"""Templates whose objects are followed by ``*`` and ``->``."""
_PASSED_ON = frozenset({"move", "forward", "as_const"})
_PLAIN = frozenset(
    {
        "size",
        "sizes",
        "stride",
        "strides",
        "dim",
        "numel",
        "defined",
        "storage_offset",
        "get_device",
        "get_device_index",
        "is_cuda",
        "is_cpu",
        "is_contiguous",
        "element_size",
        "layout",
        "item",
        "equal",
        "allclose",
        "is_same",
        "is_same_size",
        "is_nonzero",
        "mutable_data_ptr",
        "const_data_ptr",
        "get",
        "has_storage",
        "size_in_bytes",
    }
)
"""Methods of a tensor that give neither a tensor nor what leads to one."""
_SEVERAL = frozenset(
    {
        "unbind",
        "split",
        "chunk",
        "tensor_split",
        "unsafe_split",
        "unsafe_chunk",
        "sort",
        "topk",
        "kthvalue",
        "mode",
        "median",
        "nanmedian",
        "split_with_sizes",
        "unique_dim",
        "frexp",
        "aminmax",
        "cummax",
        "cummin",
        "meshgrid",
        "broadcast_tensors",
        "var_mean",
        "std_mean",
        "where1",
        "_unique2",
        "unique_consecutive",
        "hsplit",
        "vsplit",
        "dsplit",
        "slogdet",
        "qr",
        "svd",
    }
)
_FLAGS = frozenset({"is_sparse", "is_quantized"})
_ARITHMETIC = frozenset("+-*/")
_UNSTARTED = frozenset({"return", "else", "case", "throw", "co_return", "typename"})


class Expressions:
    """Answers for the expressions of one source; ``scope`` is where it stands."""

    __slots__ = ("bodies", "kinds", "members", "pairs", "scope", "texts")

    def __init__(self, tokens: Tokens, scope: Scope) -> None:
        self.texts, self.kinds, self.pairs = tokens.texts, tokens.kinds, tokens.pairs
        self.bodies = tokens.defines
        self.scope = scope
        self.members: dict[str, Held] = {}
        """What classes declare."""

    def qualified(self, index: int) -> tuple[list[str], int]:
        """The parts of the qualified name at a token, and the index after it."""
        texts, kinds, end = self.texts, self.kinds, len(self.texts)
        parts = [texts[index]]
        index += 1
        while (
            index + 1 < end
            and texts[index] == "::"
            and kinds[index + 1] == NAME
            and len(parts) < DEEPEST_NAME
        ):
            parts.append(texts[index + 1])
            index += 2
        return parts, index

    def resolved(self, parts: list[str]) -> list[str]:
        """The parts, with an alias in the place of its name."""
        link = self.scope.link(parts[0])
        return parts if link is None else [*link, *parts[1:]]

    def template_end(self, index: int) -> int | None:
        """The index after the template arguments that begin at a ``<``; None if they do not."""
        texts, pairs, depth = self.texts, self.pairs, 0
        end = min(len(texts), index + 2 * LONGEST)
        while index < end:
            text = texts[index]
            if text == "<":
                depth += 1
            elif text == ">":
                depth -= 1
                if not depth:
                    return index + 1
            elif text in ("(", "["):
                if pairs[index] < 0:
                    return None
                index = pairs[index]
            elif text in (";", "{", "}", "&&", "||"):
                return None
            index += 1
        return None

    def type_at(self, index: int) -> tuple[Held, int] | None:
        """What objects of the type at a token are, and the index after it; None if it is no type.

        Only types that lead to a tensor are known.
        """
        parts, after = self.qualified(index)
        full = self.resolved(parts)
        last = full[-1]
        arguments = None
        if after < len(self.texts) and self.texts[after] == "<":
            arguments = after + 1
            closing = self.template_end(after)
            if closing is None:
                return None
            after = closing
        if len(parts) == 1 and (held := self.scope.type(last)) is not None:
            return held, after
        if last in _WRAPPERS or last in _POINTERS:
            if arguments is None:
                return None
            inner = self._first_type(arguments, after - 1)
            if inner in (Held.TENSOR, Held.TENSORS, Held.OPTIONAL):
                return (Held.OPTIONAL if last in _POINTERS else Held.TENSORS), after
            return None
        torch = full[0] in ROOTS and (
            (len(full) == 2) or (len(full) == 3 and (full[1] in STABLE or full[1] == "autograd"))
        )
        if not torch and not (len(full) == 1 and self.scope.opened):
            return None
        found = spellings.named(last)
        if found is None or found.kind != "type" or found.gives in ("array", "wrapper"):
            return None
        try:
            return Held(found.gives), after
        except ValueError:
            return None

    def _first_type(self, index: int, end: int) -> Held | None:
        """The first telling type among template arguments."""
        stop = min(end, index + LONGEST)
        while index < stop:
            if self.kinds[index] == NAME and self.texts[index - 1] != "::":
                if self.texts[index] not in _WRAPPERS and self.texts[index] != "std":
                    parts, after = self.qualified(index)
                    full = self.resolved(parts)
                    if full[-1] == "Tensor" or self.scope.type(full[-1]) == Held.TENSOR:
                        found = self.type_at(index)
                        if found is not None:
                            return found[0]
                    index = after
                    continue
            elif self.texts[index] == "::" and self.texts[index + 1] == "Tensor":
                return Held.TENSOR
            index += 1
        return None

    def held(self, index: int, end: int | None = None) -> Held:
        """What the expression that begins at a token is, up to ``end`` or to its own end."""
        limit = len(self.texts) if end is None else end
        found, index = self._operand(index, limit, 0)
        for _ in range(8):
            if index >= limit:
                break
            mark = self.texts[index]
            if mark == "?":
                return self.held(index + 1, end)
            if mark not in _ARITHMETIC or index + 1 >= limit:
                break
            other, index = self._operand(index + 1, limit, 0)
            if Held.TENSOR in (found, other):
                found = Held.TENSOR
        return found

    def operand(self, index: int) -> tuple[Held, int]:
        """What the operand that begins at a token is, and the index after it."""
        return self._operand(index, len(self.texts), 0)

    def _operand(self, index: int, limit: int, depth: int) -> tuple[Held, int]:
        texts, kinds, pairs = self.texts, self.kinds, self.pairs
        if index >= limit or depth > 8:
            return Held.OTHER, index
        text = texts[index]
        if text == "*":
            found, index = self._operand(index + 1, limit, depth + 1)
            return (Held.TENSOR if found == Held.OPTIONAL else found), index
        if text in ("-", "&", "+", "~"):
            return self._operand(index + 1, limit, depth + 1)
        if text == "(":
            if pairs[index] < 0:
                return Held.OTHER, index + 1
            closing = pairs[index]
            found = self._inside(index + 1, closing, depth)
            index = closing + 1
            if index < limit and kinds[index] == NAME:  # a cast
                return Held.OTHER, index
        elif kinds[index] == NAME:
            if text in _UNSTARTED:
                return self._operand(index + 1, limit, depth + 1)
            if text == "this" and index + 2 < limit and texts[index + 1] == "->":
                return self._postfix(self._member_named(texts[index + 2]), index + 3, limit)
            found, index = self._primary(index, limit, depth)
        else:
            return Held.OTHER, index + 1
        return self._postfix(found, index, limit)

    def _member_named(self, name: str) -> Held:
        """What a member of the class is."""
        return self.scope.value(name) or self.members.get(name, Held.OTHER)

    def _inside(self, index: int, end: int, depth: int) -> Held:
        if depth > 6:
            return Held.OTHER
        found, index = self._operand(index, end, depth + 1)
        for _ in range(8):
            if index + 1 >= end or self.texts[index] not in _ARITHMETIC:
                break
            other, index = self._operand(index + 1, end, depth + 1)
            if Held.TENSOR in (found, other):
                found = Held.TENSOR
        return found

    def _primary(self, index: int, limit: int, depth: int) -> tuple[Held, int]:
        texts, pairs = self.texts, self.pairs
        typed = self.type_at(index)
        parts, after = self.qualified(index)
        if typed is not None and self.scope.value(parts[-1]) is None:
            return typed
        closing = self.template_end(after) if after < limit and texts[after] == "<" else None
        if closing is not None and closing < limit and texts[closing] in ("(", "{", "::"):
            after = closing
        called = after < limit and texts[after] in "({" and pairs[after] >= 0
        full = self.resolved(parts)
        last = full[-1]
        if full[0] in ROOTS and len(full) > 1:
            if len(full) > 2 and full[1] in STABLE:
                return _given_by_stable(last), after
            return _given(full[1:], called=called), after
        if full[0] == "std":
            if called and last in _PASSED_ON:
                return self._inside(after + 1, pairs[after], depth), pairs[after] + 1
            if called and last == "get":
                inner = self._inside(after + 1, pairs[after], depth)
                return (Held.TENSOR if inner == Held.TENSORS else Held.OTHER), pairs[after] + 1
            if called and last == "make_tuple":
                inner = self._inside(after + 1, pairs[after], depth)
                return (Held.TENSORS if inner == Held.TENSOR else Held.OTHER), pairs[after] + 1
            return Held.OTHER, after
        if len(parts) == 1 and (found := self.scope.value(last)) is not None:
            return found, after
        if self.scope.opened and called and len(full) == 1:
            return _given(full, called=True), after
        return Held.OTHER, after

    def _postfix(self, found: Held, index: int, limit: int) -> tuple[Held, int]:
        texts, kinds, pairs = self.texts, self.kinds, self.pairs
        for _ in range(4 * LONGEST):
            if index >= limit:
                break
            text = texts[index]
            if text in ("(", "{") and pairs[index] > 0:
                if text == "{" and found == Held.OTHER:
                    break
                index = pairs[index] + 1
            elif text == "[" and pairs[index] > 0:
                index = pairs[index] + 1
                found = Held.TENSOR if found in (Held.TENSOR, Held.TENSORS) else Held.OTHER
            elif text in (".", "->") and index + 1 < limit and kinds[index + 1] == NAME:
                index += 1
                if texts[index] == "template" and index + 1 < limit:
                    index += 1
                name = texts[index]
                index += 1
                if index < limit and texts[index] == "<":
                    closing = self.template_end(index)
                    if closing is not None and closing < limit and texts[closing] == "(":
                        index = closing
                called = index < limit and texts[index] == "("
                bare = called and pairs[index] == index + 1
                known = found
                found = _member(found, text, name, called=called, bare=bare)
                if known == Held.OTHER and not called:
                    found = self.members.get(name, found)
            else:
                break
        return found, index

    def receiver(self, dot: int) -> int | None:
        """Where the object before a ``.`` or ``->`` begins; None if that cannot be told."""
        texts, kinds = self.texts, self.kinds
        index = dot - 1
        for _ in range(LONGEST):
            if index < 0:
                return None
            if texts[index] in (")", "]", "}"):
                before = self._before_bracket(index)
                if before is None:
                    return None
                if before < 0:  # in parentheses
                    return ~before
                index = before
                continue
            if kinds[index] != NAME:
                return None
            while index >= 2 and texts[index - 1] == "::" and kinds[index - 2] == NAME:
                index -= 2
            before_name = texts[index - 1] if index and index not in self.bodies else ""
            if before_name == "::":
                return index - 1
            if before_name == "template" and index >= 2 and texts[index - 2] in (".", "->"):
                index -= 1
            elif before_name not in (".", "->"):
                return index
            index -= 2
        return None

    def _before_bracket(self, index: int) -> int | None:
        """The end of what a closing bracket belongs to.

        The complement of the opening parenthesis if it belongs to nothing; None if it is unknown.
        """
        texts, kinds = self.texts, self.kinds
        text, opening = texts[index], self.pairs[index]
        if opening < 0:
            return None
        if opening in self.bodies:  # the first token of a macro's body
            return ~opening if text == ")" else None
        before = opening - 1
        if text == "]":
            return before if before >= 0 else None
        if before >= 0 and texts[before] == ">":
            start = self._template_start(before)
            if start is None:
                return None
            before = start - 1
        if before >= 0 and kinds[before] == NAME and texts[before] not in _BEFORE_PAREN:
            return before
        if text == ")" and before >= 0 and texts[before] in (")", "]"):
            return before
        return ~opening if text == ")" else None

    def _template_start(self, index: int) -> int | None:
        """The ``<`` of the template arguments that end at a ``>``."""
        depth = 0
        for back in range(index, max(-1, index - LONGEST), -1):
            text = self.texts[back]
            if text == ">":
                depth += 1
            elif text == "<":
                depth -= 1
                if not depth:
                    return back
            elif text in (";", "{", "}"):
                return None
        return None


_BEFORE_PAREN = frozenset({"return", "if", "while", "for", "switch", "case", "throw", "co_return"})
_TENSORS_GIVE = frozenset({"at", "front", "back", "value", "get"})


def _member(found: Held, link: str, name: str, *, called: bool, bare: bool) -> Held:
    """What a member of something is."""
    if not called and found in (Held.TENSOR, Held.TENSORS):
        return Held.TENSOR if name in ("first", "second") else Held.OTHER
    if found == Held.OPTIONAL and link == ".":
        return Held.TENSOR if name in ("value", "value_or") else Held.OTHER
    if found in (Held.OPTIONAL, Held.TENSOR):
        return _of_tensor(name, bare=bare) if called else Held.OTHER
    if found == Held.TENSORS and called and name in _TENSORS_GIVE:
        return Held.TENSOR
    if found == Held.OPTIONS:
        if bare:
            return {"device": Held.DEVICE, "dtype": Held.DTYPE}.get(name, Held.OTHER)
        return Held.OPTIONS if called else Held.OTHER
    return Held.OTHER


_LEADS_TO = {
    "scalar_type": Held.DTYPE,
    "dtype": Held.DTYPE,
    "device": Held.DEVICE,
    "sizes": Held.SIZES,
    "strides": Held.SIZES,
}


def _of_tensor(name: str, *, bare: bool) -> Held:
    """What a method of a tensor gives."""
    if name in _SEVERAL or (name in ("max", "min") and not bare):
        return Held.TENSORS
    if (known := _LEADS_TO.get(name)) is not None:
        return known
    if name in _PLAIN:
        return Held.OTHER
    if (spelling := spellings.method(name)) is not None:
        return _as_held(spelling.gives)
    return Held.TENSOR if spellings.operator(name) is not None else Held.OTHER


def _given(parts: list[str], *, called: bool) -> Held:
    name = "::".join(parts)
    known = spellings.named(name)
    if known is not None:
        if known.kind == "function" and not called:
            return Held.OTHER
        return _as_held(known.gives)
    if not called or len(parts) > 1:
        return Held.DTYPE if parts[0] in ("ScalarType", "Dtype") else Held.OTHER
    if name in _SEVERAL:
        return Held.TENSORS
    if name in _PLAIN:
        return Held.OTHER
    return Held.TENSOR if spellings.operator(name) is not None else Held.OTHER


def _given_by_stable(name: str) -> Held:
    if name == "Device":
        return Held.DEVICE
    if name in (
        "parallel_for",
        "get_num_threads",
        "DeviceGuard",
        "getCurrentDeviceIndex",
        "toString",
    ):
        return Held.OTHER
    return Held.TENSOR if spellings.operator(name) is not None else Held.OTHER


def _as_held(gives: str) -> Held:
    try:
        return Held(gives)
    except ValueError:
        return Held.OTHER
