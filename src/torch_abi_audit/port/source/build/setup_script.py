"""What a ``setup.py`` says, by its syntax tree: it is never run."""

from __future__ import annotations

import ast
import re
import warnings

from torch_abi_audit.port.compile_options import target_value
from torch_abi_audit.port.source.build import target_macro
from torch_abi_audit.port.source.build.script_edits import ScriptEdits
from torch_abi_audit.port.source.build.script_syntax import (
    CUDA,
    Syntax,
    has_more,
    keyword,
    may_be_true,
)
from torch_abi_audit.port.source.findings import BuildFinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.port.source.build.script_syntax import Extension, Flags
    from torch_abi_audit.port.source.findings import Edit

_RELOCATABLE = frozenset({"-dc", "-rdc=true", "--relocatable-device-code=true", "-rdc"})
_OLD_STANDARD = re.compile(r"[-/](?:-)?std[=:](?:c|gnu)\+\+(?:98|03|0x|11|1y|14)$")


def examine(name: str, data: bytes, target: str) -> Iterator[BuildFinding]:
    """Yield what to change in a ``setup.py`` that builds extensions of torch.

    Args:
        name: Its name in the findings.
        data: Its contents.
        target: The oldest torch release to support.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the script's own escapes and comparisons
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield BuildFinding(
            name, None, f"not understood: look in it for {target_macro.definition(target)} yourself"
        )
        return
    syntax = Syntax(tree)
    script = _Script(name, data, syntax, target)
    extensions = syntax.extensions()
    if extensions:
        yield from script.macro(extensions)
        yield from script.limited_api(extensions)
        yield from script.device_link(extensions)
        yield from script.standard()
        yield from script.links()


class _Script:
    __slots__ = ("_edits", "_name", "_syntax", "_target")

    def __init__(self, name: str, data: bytes, syntax: Syntax, target: str) -> None:
        self._name, self._syntax, self._target = name, syntax, target
        self._edits = ScriptEdits(data)

    def macro(self, extensions: Sequence[Extension]) -> Iterator[BuildFinding]:
        """Whether the macros are defined, and for which release."""
        defined = list(self._syntax.definitions())
        for node, text in defined:
            if text is not None and (wrong := target_macro.complaint(text, self._target)):
                mistaken = target_macro.is_mistaken(text)
                edits = self._edits.corrected(node, text, wrong[1]) if mistaken else ()
                write = f"-D{target_macro.MACRO}={wrong[1]}"
                yield BuildFinding(self._name, node.lineno, wrong[0], write, edits)
        flag = f"-D{target_macro.definition(self._target)}"
        use_cuda = self._syntax.mentions("USE_CUDA", macro=True)
        for call, kinds in ((one.call, one.kinds) for one in extensions):
            cuda = CUDA in kinds
            flags = self._syntax.flags(call)
            if not defined:
                yield self._missing(call, kinds, flag)
            elif cuda and not self._syntax.macro_pairs() and self._reaches_cxx_alone(flags):
                added = (flag, "-DUSE_CUDA") if not use_cuda else (flag,)
                yield BuildFinding(
                    self._name,
                    call.lineno,
                    f"nvcc compiles without {target_macro.MACRO}: only cxx has it",
                    f'"{flag}" in the list of nvcc',
                    self._edits.flags(flags.nvcc, added),
                )
            if cuda and defined and not use_cuda:
                where = flags.cxx if flags.shared and kinds == {CUDA} else flags.nvcc
                yield BuildFinding(
                    self._name,
                    call.lineno,
                    "USE_CUDA is not defined: without it the CUDA functions of the stable ABI, "
                    "such as that for the current stream, are not declared",
                    '"-DUSE_CUDA" for cxx and nvcc',
                    self._edits.flags(where, ("-DUSE_CUDA",)),
                )
        if not defined and self._syntax.mentions("TORCH_STABLE_ONLY", macro=True):
            yield BuildFinding(
                self._name,
                None,
                "TORCH_STABLE_ONLY hides unstable headers, but the library needs about the torch "
                f"that it is built with: only {target_macro.MACRO} makes it run on older ones",
            )

    def limited_api(self, extensions: Sequence[Extension]) -> Iterator[BuildFinding]:
        """Whether one library is built for all CPython releases."""
        without = [one.call for one in extensions if not may_be_true(one.call, "py_limited_api")]
        spread = any(has_more(one.call) for one in extensions)
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
        elif not without and not self._syntax.mentions("bdist_wheel", macro=False):
            yield BuildFinding(
                self._name,
                extensions[0].call.lineno,
                "py_limited_api is set for the extension but not for the wheel: its tag still "
                "names one CPython (a [bdist_wheel] section in setup.cfg does as well)",
                'options={"bdist_wheel": {"py_limited_api": "cp310"}} in setup()',
                late=True,
            )

    def device_link(self, extensions: Sequence[Extension]) -> Iterator[BuildFinding]:
        """Relocatable device code needs a device link."""
        if self._syntax.mentions("nvcc_dlink", macro=False):
            return
        for call, kinds in ((one.call, one.kinds) for one in extensions):
            linked = keyword(call, "dlink") or keyword(call, "dlink_libraries")
            if CUDA not in kinds or linked is not None:
                continue
            for node, text in self._syntax.texts():
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
        for node, text in self._syntax.texts():
            if _OLD_STANDARD.fullmatch(text):
                yield BuildFinding(
                    self._name,
                    node.lineno,
                    f"{text} is too old: the stable headers need C++17",
                    re.sub(r"\w\w$", "17", text),
                    self._edits.corrected(node, text, re.sub(r"\w\w$", "17", text)),
                )

    def links(self) -> Iterator[BuildFinding]:
        """Explicit links to libtorch's Python library."""
        for node, text in self._syntax.texts():
            if text in {"torch_python", "-ltorch_python"}:
                yield BuildFinding(
                    self._name,
                    node.lineno,
                    "links libtorch_python, which has nothing of the stable ABI: drop it when "
                    "nothing uses pybind11 or torch's Python API any more",
                    late=True,
                )

    def _missing(self, call: ast.Call, kinds: frozenset[str], flag: str) -> BuildFinding:
        """The finding for an extension without the macro."""
        flags, cuda = self._syntax.flags(call), CUDA in kinds
        also = cuda and not self._syntax.mentions("USE_CUDA", macro=True)
        for_nvcc = (flag, "-DUSE_CUDA") if also else (flag,)
        for_cxx = for_nvcc if kinds == {CUDA} else (flag,)  # not where CUDA is a choice
        edits: tuple[Edit, ...] = ()
        if not flags.given:
            edits = self._edits.new_argument(
                call, "extra_compile_args", [f'"{one}"' for one in for_cxx]
            )
        elif flags.cxx is not None and (not cuda or flags.shared or flags.nvcc is not None):
            edits = self._edits.flags(flags.cxx, for_cxx)
            if cuda and not flags.shared:
                edits += self._edits.flags(flags.nvcc, for_nvcc)
        elif not has_more(call):
            edits = self._as_macros(call, use_cuda=also and kinds == {CUDA})
        what = (
            f"{target_macro.MISSING}: the library would need about the torch that it is built with"
        )
        if also:
            what += "; USE_CUDA is not defined: without it CUDA functions are not declared"
        write = f'"{flag}" in extra_compile_args'
        if cuda:
            write += ", for cxx and nvcc" + (', and "-DUSE_CUDA" beside it' if also else "")
        return BuildFinding(self._name, call.lineno, what, write, edits)

    def _as_macros(self, call: ast.Call, *, use_cuda: bool) -> tuple[Edit, ...]:
        """The macros in ``define_macros``, for computed flags: every compiler gets them."""
        pairs = [f'("{target_macro.MACRO}", "{target_value(self._target)}")']
        if use_cuda:
            pairs.append('("USE_CUDA", None)')
        given = keyword(call, "define_macros")
        if given is None:
            return self._edits.new_argument(call, "define_macros", pairs)
        where = self._syntax.literal(given)
        return self._edits.items(where, pairs) if isinstance(where, ast.List) else ()

    def _reaches_cxx_alone(self, flags: Flags) -> bool:
        """Whether literal flags have the macro for cxx, and literal ones of nvcc lack it."""
        if flags.shared or flags.cxx is None or flags.nvcc is None:
            return False
        return target_macro.MACRO in ast.unparse(flags.cxx) and (
            not any(
                isinstance(one, ast.Starred) or not isinstance(one, ast.Constant | ast.IfExp)
                for one in flags.nvcc.elts
            )
            and target_macro.MACRO not in ast.unparse(flags.nvcc)
            and len([one for one, _ in self._syntax.definitions()]) == 1
        )
