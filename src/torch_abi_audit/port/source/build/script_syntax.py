"""The syntax tree of a ``setup.py``, as far as it says how extensions are compiled."""

from __future__ import annotations

import ast
import re

from torch_abi_audit.port.source.build import target_macro
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CUDA = "CUDAExtension"
_TORCH_EXTENSIONS = frozenset({"CppExtension", CUDA})
_OTHER_EXTENSIONS = frozenset({"Extension", "Pybind11Extension"})
"""Of setuptools and pybind11: they count if their arguments name torch."""
_DEFINED = re.compile(rf"(?:(?<!\w)|(?<=[-/]D)){target_macro.MACRO}(?!\w)(?:=(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Flags:
    """The lists of compiler flags of an extension."""

    cxx: ast.List | None = None
    nvcc: ast.List | None = None
    shared: bool = False
    """Whether ``cxx`` is the list for both compilers."""
    given: bool = True
    """Whether the extension has flags at all."""


@dataclass(frozen=True, slots=True)
class Extension:
    """A call that makes an extension of torch."""

    call: ast.Call
    kinds: frozenset[str]
    """The classes that it may call."""


class Syntax:
    """What a script says; assignments are followed by name, whatever function they are in."""

    __slots__ = ("_assigned", "_tree")

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._assigned: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for one in node.targets:
                    if isinstance(one, ast.Name):
                        self._assigned.setdefault(one.id, []).append(node.value)
            elif (
                isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Name)
                and node.value is not None
            ):
                self._assigned.setdefault(node.target.id, []).append(node.value)

    def extensions(self) -> list[Extension]:
        """The calls that make extensions of torch."""
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                kinds = self._classes(node.func)
                if kinds & _TORCH_EXTENSIONS or (
                    kinds & _OTHER_EXTENSIONS and "torch" in ast.unparse(node)
                ):
                    found.append(Extension(node, kinds))
        return found

    def definitions(self) -> Iterator[tuple[ast.expr, str | None]]:
        """The places that define the macro, and the value; None if it is computed."""
        computed: set[int] = set()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.JoinedStr):
                computed |= {id(one) for one in node.values}
                whole = "".join(str(getattr(one, "value", "")) for one in node.values[:-1])
                last = node.values[-1] if node.values else None
                if isinstance(last, ast.Constant):
                    found = _DEFINED.search(str(last.value))
                    if found is not None or _DEFINED.search(whole):
                        yield node, found[1] if found is not None else None
                elif _DEFINED.search(whole):
                    yield node, None
        pairs = self.macro_pairs()
        yield from pairs
        within = {id(one) for node, _ in pairs for one in ast.walk(node)}
        for constant, text in self.texts():
            found = _DEFINED.search(text)
            if found is not None and id(constant) not in computed | within:
                yield constant, found[1]

    def macro_pairs(self) -> list[tuple[ast.Tuple, str | None]]:
        """Pairs of the macro and its value, as ``define_macros`` takes them."""
        return [
            (node, _text_of(node.elts[1]))
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Tuple)
            and len(node.elts) == 2
            and isinstance(node.elts[0], ast.Constant)
            and node.elts[0].value == target_macro.MACRO
        ]

    def mentions(self, name: str, *, macro: bool) -> bool:
        """Whether a text is or, for a macro, defines a name."""
        pattern = re.compile(rf"(?:[-/]D\s*)?{name}(?:=.*)?", re.DOTALL)
        if macro:
            paired = any(
                isinstance(node, ast.Tuple)
                and node.elts
                and isinstance(node.elts[0], ast.Constant)
                and node.elts[0].value == name
                for node in ast.walk(self._tree)
            )
            return paired or any(
                pattern.fullmatch(text) and text[:2] in {"-D", "/D"} for _, text in self.texts()
            )
        return any(text == name for _, text in self.texts())

    def texts(self) -> Iterator[tuple[ast.Constant, str]]:
        """The literal texts, parts of f-strings among them."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node, node.value

    def _classes(self, function: ast.expr, depth: int = 0) -> frozenset[str]:
        """The names of the extension classes that a called expression may be."""
        known = _TORCH_EXTENSIONS | _OTHER_EXTENSIONS
        if isinstance(function, ast.Attribute):
            return frozenset({function.attr} & known)
        if isinstance(function, ast.IfExp):
            return self._classes(function.body, depth) | self._classes(function.orelse, depth)
        if isinstance(function, ast.Name):
            values = self._assigned.get(function.id, ()) if depth < 4 else ()
            found = frozenset().union(*(self._classes(one, depth + 1) for one in values))
            return found or frozenset({function.id} & known)
        return frozenset()

    def flags(self, call: ast.Call) -> Flags:
        """The lists of flags of an extension, as far as they are literal."""
        given = keyword(call, "extra_compile_args")
        if given is None:
            return Flags(given=has_more(call))
        value = self.literal(given)
        if isinstance(value, ast.List):
            return Flags(value, shared=True)
        if not isinstance(value, ast.Dict):
            return Flags()
        by_key = {
            key.value: self.literal(one)
            for key, one in zip(value.keys, value.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        }
        cxx, nvcc = by_key.get("cxx"), by_key.get("nvcc")
        return Flags(
            cxx if isinstance(cxx, ast.List) else None,
            nvcc if isinstance(nvcc, ast.List) else None,
        )

    def literal(self, node: ast.expr) -> ast.expr:
        """What a name stands for if it is assigned just once, and the first part of a sum."""
        for _ in range(4):
            if isinstance(node, ast.Name) and len(self._assigned.get(node.id, ())) == 1:
                node = self._assigned[node.id][0]
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                node = node.left
            else:
                break
        return node


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument; None if it is not given."""
    return next((one.value for one in call.keywords if one.arg == name), None)


def has_more(call: ast.Call) -> bool:
    """Whether arguments come from a dictionary."""
    return any(one.arg is None for one in call.keywords)


def may_be_true(call: ast.Call, name: str) -> bool:
    """Whether a keyword argument is given, and not as a literal that is false."""
    given = keyword(call, name)
    return given is not None and not (isinstance(given, ast.Constant) and not given.value)


def _text_of(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
