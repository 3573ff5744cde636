"""What a ``setup.py`` says, by its syntax tree: it is never run."""

from __future__ import annotations

import ast
import re

from torch_abi_audit.port.compile_options import target_value
from torch_abi_audit.port.source.build import target_macro
from torch_abi_audit.port.source.build.positions import Positions
from torch_abi_audit.port.source.findings import BuildFinding, Edit
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TORCH_EXTENSIONS = frozenset({"CppExtension", "CUDAExtension"})
_OTHER_EXTENSIONS = frozenset({"Extension", "Pybind11Extension"})
"""Of setuptools and pybind11: they count if their arguments name torch."""
_CUDA = "CUDAExtension"
_DEFINED = re.compile(rf"(?:(?<!\w)|(?<=[-/]D)){target_macro.MACRO}(?!\w)(?:=(.*))?", re.DOTALL)
_RELOCATABLE = frozenset({"-dc", "-rdc=true", "--relocatable-device-code=true", "-rdc"})
_OLD_STANDARD = re.compile(r"[-/](?:-)?std[=:](?:c|gnu)\+\+(?:98|03|0x|11|1y|14)$")


@dataclass(frozen=True, slots=True)
class _Flags:
    """The lists of compiler flags of an extension."""

    cxx: ast.List | None = None
    nvcc: ast.List | None = None
    shared: bool = False
    """Whether ``cxx`` is the list for both compilers."""
    given: bool = True
    """Whether the extension has flags at all."""


def examine(name: str, data: bytes, target: str) -> Iterator[BuildFinding]:
    """Yield what to change in a ``setup.py`` that builds extensions of torch.

    Args:
        name: Its name in the findings.
        data: Its contents.
        target: The oldest torch release to support.
    """
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield BuildFinding(
            name, None, f"not understood: look in it for {target_macro.definition(target)} yourself"
        )
        return
    script = _Script(name, data, tree, target)
    extensions = script.extensions()
    if extensions:
        yield from script.macro(extensions)
        yield from script.limited_api(extensions)
        yield from script.device_link(extensions)
        yield from script.standard()
        yield from script.links()


class _Script:
    __slots__ = ("_assigned", "_at", "_name", "_target", "_tree")

    def __init__(self, name: str, data: bytes, tree: ast.Module, target: str) -> None:
        self._name, self._tree, self._target = name, tree, target
        self._at = Positions(data)
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

    def extensions(self) -> list[tuple[ast.Call, frozenset[str]]]:
        """The calls that make extensions of torch, and the classes that each may call."""
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                kinds = self._classes(node.func)
                if kinds & _TORCH_EXTENSIONS or (
                    kinds & _OTHER_EXTENSIONS and "torch" in ast.unparse(node)
                ):
                    found.append((node, kinds))
        return found

    def macro(
        self, extensions: Sequence[tuple[ast.Call, frozenset[str]]]
    ) -> Iterator[BuildFinding]:
        """Whether the macros are defined, and for which release."""
        defined = list(self._definitions())
        for node, text in defined:
            if text is not None and (wrong := target_macro.complaint(text, self._target)):
                mistaken = target_macro.is_mistaken(text)
                edits = self._corrected(node, text, wrong[1]) if mistaken else ()
                write = f"-D{target_macro.MACRO}={wrong[1]}"
                yield BuildFinding(self._name, node.lineno, wrong[0], write, edits)
        done: set[int] = set()
        flag = f"-D{target_macro.definition(self._target)}"
        use_cuda = self._mentions("USE_CUDA", macro=True)
        for call, kinds in extensions:
            cuda = _CUDA in kinds
            flags = self._flags(call)
            if not defined:
                yield self._missing(call, kinds, flag, done)
            elif cuda and not self._macro_pairs() and self._reaches_cxx_alone(flags):
                added = (flag, "-DUSE_CUDA") if not use_cuda else (flag,)
                yield BuildFinding(
                    self._name,
                    call.lineno,
                    f"nvcc compiles without {target_macro.MACRO}: only cxx has it",
                    f'"{flag}" in the list of nvcc',
                    self._inserted(flags.nvcc, added, done),
                )
            if cuda and defined and not use_cuda:
                where = flags.cxx if flags.shared and kinds == {_CUDA} else flags.nvcc
                yield BuildFinding(
                    self._name,
                    call.lineno,
                    "USE_CUDA is not defined: without it the CUDA functions of the stable ABI, "
                    "such as that for the current stream, are not declared",
                    '"-DUSE_CUDA" for cxx and nvcc',
                    self._inserted(where, ("-DUSE_CUDA",), done),
                )
        if not defined and self._mentions("TORCH_STABLE_ONLY", macro=True):
            yield BuildFinding(
                self._name,
                None,
                "TORCH_STABLE_ONLY hides unstable headers, but the library needs about the torch "
                f"that it is built with: only {target_macro.MACRO} makes it run on older ones",
            )

    def limited_api(
        self, extensions: Sequence[tuple[ast.Call, frozenset[str]]]
    ) -> Iterator[BuildFinding]:
        """Whether one library is built for all CPython releases."""
        without = [call for call, _ in extensions if not _may_be_true(call, "py_limited_api")]
        spread = any(_has_more(call) for call, _ in extensions)
        if without and not spread:
            yield BuildFinding(
                self._name,
                without[0].lineno,
                "py_limited_api is not set: the library is linked to libtorch_python and has a "
                "build for each CPython; set it when nothing uses pybind11 or Python.h any more",
                "py_limited_api=True, and "
                'options={"bdist_wheel": {"py_limited_api": "cp310"}} in setup()',
                late=True,
            )
        elif not without and not self._wheel_option():
            yield BuildFinding(
                self._name,
                extensions[0][0].lineno,
                "py_limited_api is set for the extension but not for the wheel: its tag still "
                "names one CPython (a [bdist_wheel] section in setup.cfg does as well)",
                'options={"bdist_wheel": {"py_limited_api": "cp310"}} in setup()',
                late=True,
            )

    def device_link(
        self, extensions: Sequence[tuple[ast.Call, frozenset[str]]]
    ) -> Iterator[BuildFinding]:
        """Relocatable device code needs a device link."""
        if self._mentions("nvcc_dlink", macro=False):
            return
        for call, kinds in extensions:
            linked = _keyword(call, "dlink") or _keyword(call, "dlink_libraries")
            if _CUDA not in kinds or linked is not None:
                continue
            for node, text in self._texts():
                if text in _RELOCATABLE:
                    yield BuildFinding(
                        self._name,
                        node.lineno,
                        f"{text} makes relocatable device code, but nothing links it: the "
                        "module would lack __cudaRegisterLinkedBinary symbols",
                        'dlink=True, or the key "nvcc_dlink" in extra_compile_args',
                    )
                    return

    def standard(self) -> Iterator[BuildFinding]:
        """The C++ standard that is asked for."""
        for node, text in self._texts():
            if _OLD_STANDARD.fullmatch(text):
                yield BuildFinding(
                    self._name,
                    node.lineno,
                    f"{text} is too old: the stable headers need C++17",
                    re.sub(r"\w\w$", "17", text),
                    self._corrected(node, text, re.sub(r"\w\w$", "17", text)),
                )

    def links(self) -> Iterator[BuildFinding]:
        """Explicit links to libtorch's Python library."""
        for node, text in self._texts():
            if text in {"torch_python", "-ltorch_python"}:
                yield BuildFinding(
                    self._name,
                    node.lineno,
                    "links libtorch_python, which has nothing of the stable ABI: drop it when "
                    "nothing uses pybind11 or torch's Python API any more",
                    late=True,
                )

    def _missing(
        self, call: ast.Call, kinds: frozenset[str], flag: str, done: set[int]
    ) -> BuildFinding:
        """The finding for an extension without the macro."""
        flags, cuda = self._flags(call), _CUDA in kinds
        also = cuda and not self._mentions("USE_CUDA", macro=True)
        for_nvcc = (flag, "-DUSE_CUDA") if also else (flag,)
        for_cxx = for_nvcc if kinds == {_CUDA} else (flag,)  # not where CUDA is a choice
        edits: tuple[Edit, ...] = ()
        if not flags.given:
            edits = self._new_argument(call, "extra_compile_args", [f'"{one}"' for one in for_cxx])
        elif flags.cxx is not None and (not cuda or flags.shared or flags.nvcc is not None):
            edits = self._inserted(flags.cxx, for_cxx, done)
            if cuda and not flags.shared:
                edits += self._inserted(flags.nvcc, for_nvcc, done)
        elif not _has_more(call):
            edits = self._as_macros(call, use_cuda=also and kinds == {_CUDA}, done=done)
        what = (
            f"{target_macro.MISSING}: the library would need about the torch that it is built with"
        )
        if also:
            what += "; USE_CUDA is not defined: without it CUDA functions are not declared"
        write = f'"{flag}" in extra_compile_args'
        if cuda:
            write += ", for cxx and nvcc" + (', and "-DUSE_CUDA" beside it' if also else "")
        return BuildFinding(self._name, call.lineno, what, write, edits)

    def _as_macros(self, call: ast.Call, *, use_cuda: bool, done: set[int]) -> tuple[Edit, ...]:
        """The macros in ``define_macros``, for computed flags: every compiler gets them."""
        pairs = [f'("{target_macro.MACRO}", "{target_value(self._target)}")']
        if use_cuda:
            pairs.append('("USE_CUDA", None)')
        given = _keyword(call, "define_macros")
        if given is None:
            return self._new_argument(call, "define_macros", pairs)
        where = self._literal(given)
        return self._put(where, pairs, done) if isinstance(where, ast.List) else ()

    def _new_argument(self, call: ast.Call, name: str, items: Sequence[str]) -> tuple[Edit, ...]:
        """A list as the last argument of a call that has none of that name."""
        arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        if not arguments or _has_more(call):
            return ()
        last = max(arguments, key=lambda one: (one.end_lineno or 0, one.end_col_offset or 0))
        end = self._at.end(last)
        if end is None:
            return ()
        gap = self._at.line_break_before(last)
        return (Edit(end, end, f",{gap or ' '}{name}=[{', '.join(items)}]"),)

    def _inserted(
        self, where: ast.List | None, flags: tuple[str, ...], done: set[int]
    ) -> tuple[Edit, ...]:
        """Flags as the first items of a list, once for each list."""
        if where is None:
            return ()
        quote = self._at.quote(where.elts[0] if where.elts else None)
        return self._put(where, [f"{quote}{flag}{quote}" for flag in flags], done)

    def _put(self, where: ast.List, items: Sequence[str], done: set[int]) -> tuple[Edit, ...]:
        """The first items of a list, once for each list."""
        start = self._at.start(where)
        if start is None or start in done:
            return ()
        done.add(start)
        first = where.elts[0] if where.elts else None
        gap = None if first is None else self._at.line_break_before(first)
        if gap is not None:
            text = "".join(f"{gap}{one}," for one in items)
        else:
            text = ", ".join(items) + (", " if first is not None else "")
        return (Edit(start + 1, start + 1, text),)

    def _corrected(self, node: ast.expr, old: str, new: str) -> tuple[Edit, ...]:
        """The replacement of a text within a literal; nothing unless it is there just once."""
        span = self._at.span(node)
        if span is None:
            return ()
        literal = self._at.data[span[0] : span[1]]
        wanted = old.strip().encode()
        if literal.count(wanted) != 1:
            return ()
        start = span[0] + literal.index(wanted)
        return (Edit(start, start + len(wanted), new),)

    def _definitions(self) -> Iterator[tuple[ast.expr, str | None]]:
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
        pairs = self._macro_pairs()
        yield from pairs
        within = {id(one) for node, _ in pairs for one in ast.walk(node)}
        for constant, text in self._texts():
            found = _DEFINED.search(text)
            if found is not None and id(constant) not in computed | within:
                yield constant, found[1]

    def _macro_pairs(self) -> list[tuple[ast.Tuple, str | None]]:
        """Pairs of the macro and its value, as ``define_macros`` takes them."""
        return [
            (node, _text_of(node.elts[1]))
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Tuple)
            and len(node.elts) == 2
            and isinstance(node.elts[0], ast.Constant)
            and node.elts[0].value == target_macro.MACRO
        ]

    def _mentions(self, name: str, *, macro: bool) -> bool:
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
                pattern.fullmatch(text) and text[:2] in {"-D", "/D"} for _, text in self._texts()
            )
        return any(text == name for _, text in self._texts())

    def _texts(self) -> Iterator[tuple[ast.Constant, str]]:
        """The literal texts, parts of f-strings among them."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node, node.value

    def _reaches_cxx_alone(self, flags: _Flags) -> bool:
        """Whether literal flags have the macro for cxx, and literal ones of nvcc lack it."""
        if flags.shared or flags.cxx is None or flags.nvcc is None:
            return False
        return target_macro.MACRO in ast.unparse(flags.cxx) and (
            not any(
                isinstance(one, ast.Starred) or not isinstance(one, ast.Constant | ast.IfExp)
                for one in flags.nvcc.elts
            )
            and target_macro.MACRO not in ast.unparse(flags.nvcc)
            and len([one for one, _ in self._definitions()]) == 1
        )

    def _wheel_option(self) -> bool:
        return self._mentions("bdist_wheel", macro=False)

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

    def _flags(self, call: ast.Call) -> _Flags:
        """The lists of flags of an extension, as far as they are literal."""
        given = _keyword(call, "extra_compile_args")
        if given is None:
            return _Flags(given=_has_more(call))
        value = self._literal(given)
        if isinstance(value, ast.List):
            return _Flags(value, shared=True)
        if not isinstance(value, ast.Dict):
            return _Flags()
        by_key = {
            key.value: self._literal(one)
            for key, one in zip(value.keys, value.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        }
        cxx, nvcc = by_key.get("cxx"), by_key.get("nvcc")
        return _Flags(
            cxx if isinstance(cxx, ast.List) else None,
            nvcc if isinstance(nvcc, ast.List) else None,
        )

    def _literal(self, node: ast.expr) -> ast.expr:
        """What a name stands for if it is assigned just once, and the first part of a sum."""
        for _ in range(4):
            if isinstance(node, ast.Name) and len(self._assigned.get(node.id, ())) == 1:
                node = self._assigned[node.id][0]
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                node = node.left
            else:
                break
        return node


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def _has_more(call: ast.Call) -> bool:
    """Whether arguments come from a dictionary."""
    return any(one.arg is None for one in call.keywords)


def _may_be_true(call: ast.Call, name: str) -> bool:
    given = _keyword(call, name)
    return given is not None and not (isinstance(given, ast.Constant) and not given.value)


def _text_of(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
