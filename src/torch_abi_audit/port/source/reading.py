"""Finds the uses of torch's unstable C++ API in a C++ or CUDA source. Pure, and linear in its size.

The source is read as tokens, not parsed: without its headers and its preprocessor it is no C++ yet,
and a fifth of the sources of real extensions make a grammar of C++ give up on a part of them.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import spellings
from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.plan import way
from torch_abi_audit.port.source import rewriting
from torch_abi_audit.port.source.expressions import ROOTS, STABLE, Expressions
from torch_abi_audit.port.source.findings import Edit, Kind, SourceFile, SourceUse
from torch_abi_audit.port.source.contexts import NOTHING, Context
from torch_abi_audit.port.source.includes import STANDARD, include_uses
from torch_abi_audit.port.source.scopes import DEEPEST, Held, Scope
from torch_abi_audit.port.source.tokens import BRANCH, MARK, NAME, tokens
from torch_abi_audit.runtime.records import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from torch_abi_audit.knowledge.spellings import Spelling
    from torch_abi_audit.port.source.tokens import Tokens

LARGEST = 16 << 20
"""The size in bytes of the largest source that is read."""
OLDEST = "2.9.0"
"""Any release; what a file declares does not depend on it."""
_KEYWORDS = frozenset(
    [
        "alignas",
        "alignof",
        "asm",
        "auto",
        "bool",
        "break",
        "case",
        "catch",
        "char",
        "class",
        "const",
        "consteval",
        "constexpr",
        "constinit",
        "continue",
        "co_await",
        "co_return",
        "co_yield",
        "decltype",
        "default",
        "delete",
        "do",
        "double",
        "dynamic_cast",
        "else",
        "enum",
        "explicit",
        "export",
        "extern",
        "false",
        "float",
        "for",
        "friend",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "mutable",
        "namespace",
        "new",
        "noexcept",
        "nullptr",
        "operator",
        "private",
        "protected",
        "public",
        "register",
        "reinterpret_cast",
        "requires",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "static_cast",
        "struct",
        "switch",
        "template",
        "this",
        "throw",
        "true",
        "try",
        "typedef",
        "typeid",
        "typename",
        "union",
        "unsigned",
        "using",
        "virtual",
        "void",
        "volatile",
        "while",
    ]
)
_NOT_A_TYPE = frozenset(
    {
        "return",
        "else",
        "case",
        "throw",
        "new",
        "delete",
        "goto",
        "co_return",
        "co_await",
        "do",
        "sizeof",
        "and",
        "or",
        "not",
        "in",
    }
)
_REGISTERS = {
    "TORCH_LIBRARY": 1,
    "TORCH_LIBRARY_FRAGMENT": 1,
    "TORCH_LIBRARY_IMPL": 2,
    "STABLE_TORCH_LIBRARY": 1,
    "STABLE_TORCH_LIBRARY_FRAGMENT": 1,
    "STABLE_TORCH_LIBRARY_IMPL": 2,
}
"""Macros that register operators, and which of their arguments is the variable."""
_FACTORIES = frozenset(
    [
        "empty",
        "zeros",
        "ones",
        "full",
        "arange",
        "linspace",
        "rand",
        "randn",
        "randint",
        "randperm",
        "eye",
        "tensor",
        "from_blob",
        "empty_like",
        "zeros_like",
        "ones_like",
        "full_like",
        "rand_like",
        "randn_like",
        "empty_strided",
        "scalar_tensor",
        "logspace",
        "range",
        "cat",
        "stack",
        "where",
    ]
)
"""Operators that are told from another function of the name without looking at their arguments."""
_ALONE = frozenset(
    [
        "contiguous",
        "unsqueeze",
        "permute",
        "index_select",
        "masked_fill",
        "masked_fill_",
        "masked_select",
        "new_empty",
        "new_zeros",
        "new_full",
        "new_ones",
        "scatter_add_",
        "scatter_",
        "index_add_",
        "unsqueeze_",
        "transpose",
        "reshape",
        "view_as",
        "expand_as",
        "reshape_as",
        "to_sparse",
        "nonzero",
        "flatten",
        "clone",
        "zero_",
        "fill_",
        "copy_",
        "matmul",
        "narrow",
    ]
)
"""Operators that are methods of nothing else, where the file uses torch."""
_ORDINARY = frozenset({"clone", "flatten", "transpose", "reshape", "fill_", "narrow", "matmul"})
_TORCH_NAMESPACES = frozenset(
    [
        "nn",
        "jit",
        "autograd",
        "cuda",
        "data",
        "indexing",
        "optim",
        "serialize",
        "special",
        "linalg",
        "fft",
        "detail",
        "utils",
        "dynamo",
        "distributed",
        "python",
        "profiler",
        "native",
        "sparse",
        "nested",
        "functional",
        "hip",
        "xpu",
        "mps",
        "accelerator",
        "impl",
        "internal",
        "vec",
        "ivalue",
        "Tensor",
        "Library",
        "ScalarType",
        "Device",
        "TensorOptions",
        "IValue",
        "Error",
        "Warning",
        "DispatchKey",
        "DeviceType",
        "MemoryFormat",
        "Layout",
    ]
)


def read(name: str, data: bytes, target: str, context: Context = NOTHING) -> SourceFile:
    """The uses of a source.

    Args:
        name: The source's path, for the result.
        data: Its contents.
        target: The oldest torch release to support, such as ``2.10.0``.
        context: What the project's headers that it includes declare, by ``contexts``.
    """
    if (refused := unreadable(data)) is not None:
        return SourceFile(name, error=refused)
    text = _text(data)
    reader = _Reader(text, tokens(text), target, context)
    reader.run()
    return SourceFile(name, tuple(reader.uses(data)), reader.error)


def unreadable(data: bytes) -> str | None:
    """Why contents are not read; None if they are."""
    if len(data) > LARGEST:
        return f"larger than {LARGEST >> 20} MiB"
    if b"\0" in data:
        return "not a text in UTF-8: it contains a zero byte"
    return None


def _text(data: bytes) -> str:
    """The contents with a character for each byte; a byte order mark is blank."""
    text = data.decode("latin-1")
    return "   " + text[3:] if data.startswith(b"\xef\xbb\xbf") else text


def declared(data: bytes) -> Context:
    """What a header declares for those who include it, without what it includes itself."""
    if unreadable(data) is not None:
        return NOTHING
    text = _text(data)
    reader = _Reader(text, tokens(text), OLDEST, NOTHING)
    reader.run()
    return reader.context()


class _Found:
    """A use, before its line and column are counted."""

    __slots__ = ("at", "edits", "kind", "row", "spelled")

    def __init__(
        self, at: int, kind: Kind, spelled: str, row: Spelling | None, edits: tuple[Edit, ...]
    ) -> None:
        self.at, self.kind, self.spelled, self.row, self.edits = at, kind, spelled, row, edits


class _Reader:
    """The state of reading one source."""

    def __init__(self, text: str, toks: Tokens, target: str, context: Context) -> None:
        self.text, self.toks, self.target = text, toks, target
        self.texts, self.kinds, self.pairs = toks.texts, toks.kinds, toks.pairs
        self.scope = Scope(None)
        self.expressions = Expressions(toks, self.scope)
        self.branches: list[Scope] = []
        self.found: list[_Found] = []
        self.next_brace: str | None = None
        self.opens: tuple[str, ...] = ()
        self.own: set[str] = set()
        """Names that the source declares."""
        self.renamed: set[str] = set()
        """Names that stand for a type or a namespace somewhere in the source."""
        self.members: dict[str, Held] = {}
        self.constants: set[str] = set()
        """Names that are declared const anywhere."""
        self.taken: set[int] = set()
        """Tokens that a use before has said already."""
        self.kept_headers: set[str] = set()
        self.error: str | None = None
        self.torch = bool(toks.includes) and any(
            include_is_torch(one.path) for one in toks.includes
        )
        self.plain = spellings.plain_names() | _REGISTERS.keys()
        self.words: dict[str, Callable[[int], None]] = {
            "using": self._using,
            "namespace": self._namespace,
            "auto": self._auto,
            "class": self._class,
            "struct": self._class,
            "union": self._class,
            "std": self._standard,
            "typedef": self._typedef,
        }
        self.ends_at: dict[int, Scope] = {}
        self._taken_over(context)

    def _taken_over(self, context: Context) -> None:
        """Begin with what the included headers declare."""
        scope = self.scope
        scope.opened = context.opened
        scope.types.update(context.types)
        scope.values.update(context.values)
        scope.links.update(context.links)
        self.members.update(context.members)
        self.renamed.update(context.types, context.links)
        self.own.update(context.own)
        self.macros = self.toks.defined | context.macros
        self.torch = self.torch or context.torch

    def context(self) -> Context:
        """What the file declares outside of all braces, once it is read."""
        scope = self.scope
        while scope.around is not None:
            scope = scope.around
        return Context(
            opened=scope.opened,
            types=MappingProxyType(scope.types),
            values=MappingProxyType(scope.values),
            links=MappingProxyType(scope.links),
            members=MappingProxyType(self.members),
            own=frozenset(self.own),
            macros=frozenset(self.toks.defined),
            torch=self.torch,
        )

    # --- the way through the text ---------------------------------------------------------------

    def run(self) -> None:
        """Go through the tokens once."""
        texts, kinds, words, plain = self.texts, self.kinds, self.words, self.plain
        defines = self.toks.defines
        dots = (".", "->")
        previous = ""
        for index, text in enumerate(texts):
            if index in self.ends_at:
                self._enter(self.ends_at.pop(index))
            if index in defines:
                self.ends_at[defines[index]] = self.scope
                self._enter(Scope(self.scope, "block"))
            kind = kinds[index]
            if kind == NAME:
                if previous in dots:
                    self._method(index, text)
                elif (
                    previous == "::"
                    and index >= 2
                    and (kinds[index - 2] == NAME or texts[index - 2] == ">")
                ):
                    pass
                elif text in ROOTS:
                    self._qualified(index)
                elif (handler := words.get(text)) is not None:
                    handler(index)
                elif text in plain:
                    self._plain(index, text)
                else:
                    self._name(index, text)
            elif kind == MARK:
                if text == "{":
                    self._open(index)
                elif text == "}":
                    self._close()
                elif text == "(":
                    self.scope.parens += 1
                    self.next_brace = None
                elif text == ")":
                    if self.scope.parens:
                        self.scope.parens -= 1
                elif text == ";":
                    if not self.scope.parens and self.scope.pending:
                        self.scope.pending = {}
                    self.next_brace = None
                elif text == "=":
                    self.next_brace = None
                elif text == "[":
                    if index and (kinds[index - 1] == NAME or previous in (")", "]")):
                        self._subscript(index, previous)
                elif text in _OPERATORS and index:
                    if previous in (")", "]") or (
                        kinds[index - 1] == NAME and previous not in _KEYWORDS
                    ):
                        self._operator(index, text)
                    elif text == "-":
                        self._negation(index)
            elif kind == BRANCH:
                self._branch(text)
            previous = text

    def _enter(self, scope: Scope) -> None:
        self.scope = self.expressions.scope = scope

    def _open(self, index: int) -> None:
        around = self.scope
        if around.depth >= DEEPEST:
            self.error = f"read in part: braces are nested more than {DEEPEST} deep"
            return
        scope = Scope(around, self.next_brace or "block")
        scope.values = around.pending
        initializer = index and self.kinds[index - 1] == NAME and self._in_initializers(index)
        around.restored = around.pending if around.parens or initializer else None
        around.pending = {}
        scope.restored = None
        if self.opens:
            scope.opened += tuple(one for one in self.opens if one not in scope.opened)
        self.opens, self.next_brace = (), None
        self._enter(scope)

    def _in_initializers(self, index: int) -> bool:
        """Whether a brace after a name initializes a member, after the ``:`` of a constructor."""
        return index >= 2 and self.texts[index - 2] in (":", ",") and self.scope.kind != "namespace"

    def _close(self) -> None:
        scope = self.scope
        if scope.around is None:
            return
        if scope.kind == "class":
            self.members.update(scope.values)
        self._enter(scope.around)
        if self.scope.restored is not None:
            self.scope.pending = self.scope.restored
            self.scope.restored = None

    def _branch(self, text: str) -> None:
        if text == "#if":
            self.branches.append(self.scope)
        elif self.branches:
            if text == "#endif":
                self.branches.pop()
            else:
                self._enter(self.branches[-1])

    # --- declarations -----------------------------------------------------------------------------

    def _using(self, index: int) -> None:
        texts, kinds = self.texts, self.kinds
        if index + 2 >= len(texts):
            return
        if texts[index + 1] == "namespace":
            start = index + 3 if texts[index + 2] == "::" else index + 2
            if start >= len(texts) or kinds[start] != NAME:
                return
            parts, after = self.expressions.qualified(start)
            parts = self.expressions.resolved(parts)
            if parts[0] in ROOTS and not (len(parts) > 1 and parts[1] in STABLE):
                opened = "::".join(parts)
                if opened not in self.scope.opened:
                    self.scope.opened += (opened,)
                self._opened(index, after, opened)
            self.taken.update(range(index, after))
            return
        if kinds[index + 1] == NAME and texts[index + 2] == "=":
            self._alias(texts[index + 1], index + 3)
            return
        start = index + 2 if texts[index + 1] == "::" else index + 1
        if start < len(texts) and kinds[start] == NAME:
            parts, after = self.expressions.qualified(start)
            if len(parts) > 1 and after < len(texts) and texts[after] == ";":
                full = self.expressions.resolved(parts)
                if full[0] in ROOTS:
                    self.scope.links[full[-1]] = tuple(full)
                    self.renamed.add(full[-1])

    def _alias(self, name: str, index: int) -> None:
        """``using NAME = type``."""
        while index < len(self.texts) and self.texts[index] in ("typename", "const", "::"):
            index += 1
        if index >= len(self.texts) or self.kinds[index] != NAME:
            return
        typed = self.expressions.type_at(index)
        if typed is not None:
            self.scope.types[name] = typed[0]
            self.renamed.add(name)
        self.own.add(name)

    def _typedef(self, index: int) -> None:
        start = index + 1
        if start < len(self.texts) and self.kinds[start] == NAME:
            typed = self.expressions.type_at(start)
            if typed is not None and typed[1] < len(self.texts):
                name = self.texts[typed[1]]
                if self.kinds[typed[1]] == NAME:
                    self.scope.types[name] = typed[0]
                    self.renamed.add(name)
                    self.own.add(name)

    def _namespace(self, index: int) -> None:
        texts, kinds = self.texts, self.kinds
        if index + 1 >= len(texts) or (index and texts[index - 1] == "using"):
            return
        if kinds[index + 1] != NAME:
            self.next_brace = "namespace"
            return
        parts, after = self.expressions.qualified(index + 1)
        if after + 1 < len(texts) and texts[after] == "=" and kinds[after + 1] == NAME:
            meant, end = self.expressions.qualified(after + 1)
            meant = self.expressions.resolved(meant)
            if meant[0] in ROOTS:
                self.scope.links[parts[0]] = tuple(meant)
                self.renamed.add(parts[0])
                if not (len(meant) > 1 and meant[1] in STABLE):
                    spelled = "::".join(meant)
                    self._say(
                        index,
                        Kind.NAMESPACE,
                        f"namespace {parts[0]} = {spelled}",
                        spellings.named("::".join([*meant[1:], ""])),
                    )
            self.taken.update(range(index, end))
            return
        self.next_brace = "namespace"
        self.taken.update(range(index, after))
        if parts[0] in ROOTS and not (len(parts) > 1 and parts[1] in STABLE):
            self.opens = (parts[0], "::".join(parts)) if len(parts) > 1 else (parts[0],)
        elif any(one in ROOTS for one in self.scope.opened) and parts[0] in STABLE:
            self.opens = ()

    def _opened(self, index: int, after: int, opened: str) -> None:
        starts, ends = self.toks.starts, self.toks.ends
        end = after + 1 if after < len(self.texts) and self.texts[after] == ";" else after
        edit = Edit(starts[index], ends[end - 1], "")
        self._say(index, Kind.NAMESPACE, f"using namespace {opened}", None, (edit,))

    def _class(self, index: int) -> None:
        if index and self.texts[index - 1] in ("<", ",", "enum"):
            return
        self.next_brace = "class"
        if index + 1 < len(self.texts) and self.kinds[index + 1] == NAME:
            self.own.add(self.texts[index + 1])

    def _auto(self, index: int) -> None:
        texts, kinds = self.texts, self.kinds
        after = index + 1
        while after < len(texts) and texts[after] in ("const", "&", "&&", "*"):
            after += 1
        if after + 1 >= len(texts):
            return
        if texts[after] == "[" and self.pairs[after] > 0:
            closing = self.pairs[after]
            if closing + 1 < len(texts) and texts[closing + 1] in ("=", ":"):
                held = self.expressions.held(closing + 2)
                if held == Held.TENSORS:
                    for one in range(after + 1, min(closing, after + 64)):
                        if kinds[one] == NAME:
                            self.scope.declare(texts[one], Held.TENSOR)
            return
        if kinds[after] != NAME:
            return
        mark = texts[after + 1]
        if mark == "=" or mark in ("(", "{"):
            self.scope.declare(texts[after], self.expressions.held(after + 2))
        elif mark == ":":
            held = self.expressions.held(after + 2)
            inner = Held.TENSOR if held in (Held.TENSORS, Held.TENSOR) else Held.OTHER
            self.scope.declare(texts[after], inner)

    def _standard(self, index: int) -> None:
        """``std::vector<at::Tensor> name`` and kin."""
        if index + 2 < len(self.texts) and self.texts[index + 1] == "::":
            header = STANDARD.get(self.texts[index + 2])
            if header is not None:
                self.kept_headers.add(header)
        typed = self.expressions.type_at(index)
        if typed is not None:
            self._declared(typed[0], typed[1])

    def _declared(self, held: Held, index: int) -> None:
        """Note the names that a declaration gives, after its type."""
        texts, kinds, end = self.texts, self.kinds, len(self.texts)
        constant = self._after_const(index)
        for _ in range(64):
            while index < end and texts[index] in ("const", "&", "&&", "*", "...", "__restrict__"):
                index += 1
            if index + 1 >= end or kinds[index] != NAME or texts[index] in _KEYWORDS:
                return
            following = texts[index + 1]
            if following not in (",", ")", ";", "=", "(", "{", "[", ":"):
                if following == "::":  # a method: Tensor Class::method(…)
                    return
                return
            name = texts[index]
            if constant:
                self.constants.add(name)
            shown = Held.TENSORS if following == "[" and held == Held.TENSOR else held
            self.scope.declare(name, shown)
            self.own.add(name)
            if self.scope.parens or following in (")", ":"):
                return
            index = self._next_declarator(index + 1)
            if index < 0:
                return

    def _after_const(self, index: int) -> bool:
        """Whether ``const`` stands in the type that ends before a token."""
        for back in range(index - 1, max(-1, index - 16), -1):
            text = self.texts[back]
            if text == "const":
                return True
            if text in (";", "{", "}", "(", ",") or (text == ")" and back < index - 1):
                return False
        return index < len(self.texts) and self.texts[index] == "const"

    def _next_declarator(self, index: int) -> int:
        """The index after the ``,`` that ends a declarator; -1 at the end of the statement."""
        texts, pairs, end = self.texts, self.pairs, len(self.texts)
        for _ in range(256):
            if index >= end:
                return -1
            text = texts[index]
            if text == ",":
                return index + 1
            if text in ("(", "[", "{"):
                if pairs[index] < 0:
                    return -1
                index = pairs[index]
                if text == "{" and index + 1 < end and texts[index + 1] not in (",", ";"):
                    return -1
            elif text in (";", ")", "}"):
                return -1
            index += 1
        return -1

    # --- uses -----------------------------------------------------------------------------------------

    def _say(
        self,
        index: int,
        kind: Kind,
        spelled: str,
        row: Spelling | None,
        edits: tuple[Edit, ...] = (),
    ) -> None:
        self.found.append(_Found(self.toks.starts[index], kind, spelled, row, edits))

    def _qualified(self, index: int) -> None:
        """A name that begins with ``at``, ``c10`` or ``torch``."""
        texts = self.texts
        if index in self.taken or index + 1 >= len(texts) or texts[index + 1] != "::":
            return
        parts, after = self.expressions.qualified(index)
        if len(parts) < 2:
            return
        self.torch = True
        self._torch_name(index, after, parts, parts)

    def _torch_name(self, index: int, after: int, parts: list[str], full: list[str]) -> None:
        """A use of a name of torch: ``parts`` as the source has it, ``full`` with its namespace."""
        if full[1] in STABLE and full[0] == "torch":
            self._declaration(index)
            return
        if full[1:2] == ["executor"]:
            return
        length = len(full)
        found: Spelling | None = None
        while length > 1:  # ScalarType::Float is a name of the type ScalarType
            qualified = "::".join(full[:length])
            if spellings.kept(qualified, self.target):
                if (header := spellings.header_of(qualified)) is not None:
                    self.kept_headers.add(header)
                self._declaration(index)
                return
            found = spellings.named("::".join(full[1:length]))
            if found is not None:
                break
            length -= 1
        if found is None:
            self._unknown_name(index, after, parts, full)
            return
        after -= 2 * (len(full) - length)
        spelled = "::".join(parts[: len(parts) - (len(full) - length)])
        kind = Kind.FUNCTION if found.kind == "function" else Kind(found.kind)
        if index and texts_before_using(self.texts, index):
            self._using_declaration(index, after, full, spelled, kind, found)
            return
        edits = rewriting.name(self, index, after, found)
        self._say(index, kind, spelled, found, edits)
        self._declaration(index)

    def _using_declaration(
        self, index: int, after: int, full: list[str], spelled: str, kind: Kind, found: Spelling
    ) -> None:
        to = None if found.to is None else found.to.format(found.name)
        if to is not None and to.rpartition("::")[2] == full[-1] and found.kind != "constant":
            edits = rewriting.name(self, index, after, found)
            self.scope.links.pop(full[-1], None)
            if (held := spelled_held(found)) is not None:
                self.scope.types[full[-1]] = held
                self.renamed.add(full[-1])
        elif to is not None and after < len(self.texts) and self.texts[after] == ";":
            edits = (Edit(self.toks.starts[index - 1], self.toks.ends[after], ""),)
        else:
            edits = ()
        self._say(index, kind, spelled, found, edits)

    def _declaration(self, index: int) -> None:
        typed = self.expressions.type_at(index)
        if typed is not None:
            self._declared(typed[0], typed[1])

    def _unknown_name(self, index: int, after: int, parts: list[str], full: list[str]) -> None:
        name = full[1]
        called = after < len(self.texts) and self.texts[after] in ("(", "<")
        if len(full) == 2:
            if name in self.own:
                return
            operator = spellings.operator(name)
            if operator is not None:
                edits: tuple[Edit, ...] = ()
                if called:
                    edits, operator = rewriting.call(self, index, after, operator)
                self._say(index, Kind.FUNCTION, "::".join(parts), operator, edits)
                return
        elif full[0] == "torch" and name not in _TORCH_NAMESPACES:
            return
        kind = Kind.FUNCTION if called and not name[:1].isupper() else Kind.TYPE
        if name[:1] == "k" and name[1:2].isupper():
            kind = Kind.CONSTANT
        row = rewriting.from_symbols(full)
        self._say(index, kind, "::".join(parts), row)

    def _plain(self, index: int, text: str) -> None:
        """A macro of torch, or a function of no namespace."""
        if text in self.macros:
            return
        if (argument := _REGISTERS.get(text)) is not None:
            self._registers(index, argument)
            if text not in spellings.plain_names():
                return
        found = spellings.plain(text)
        if found is None:
            return
        if text.startswith("CUDA_") and not self.torch:
            return
        kind = Kind.MACRO if found.kind == "macro" else Kind.FUNCTION
        self._say(index, kind, text, found, rewriting.macro(self, index, found))

    def _registers(self, index: int, argument: int) -> None:
        opening = index + 1
        if opening >= len(self.texts) or self.texts[opening] != "(" or self.pairs[opening] < 0:
            return
        closing = self.pairs[opening]
        last = self.texts[closing - 1]
        if self.kinds[closing - 1] == NAME and argument:
            self.scope.pending[last] = Held.LIBRARY

    def _name(self, index: int, text: str) -> None:
        """A name without a namespace before it."""
        scope = self.scope
        if not scope.opened and text not in self.renamed:
            return
        link = scope.link(text)
        if link is not None:
            if index in self.taken:
                return
            parts, after = self.expressions.qualified(index)
            full = [*link, *parts[1:]]
            if len(full) > 1 and scope.value(text) is None:
                self._torch_name(index, after, parts, full)
            return
        if scope.type(text) is not None:
            self._declaration(index)
            return
        if scope.opened and text not in _KEYWORDS and text not in self.own:
            self._unqualified(index, text)

    def _unqualified(self, index: int, text: str) -> None:
        """A name where a namespace of torch is open."""
        texts, kinds = self.texts, self.kinds
        before = texts[index - 1] if index else ""
        following = texts[index + 1] if index + 1 < len(texts) else ""
        declared = index and (
            (kinds[index - 1] == NAME and before not in _NOT_A_TYPE) or before in (">", "&", "*")
        )
        if before in ("typename", "class", "struct", "enum", "union"):
            self.own.add(text)  # a parameter of a template, or the project's own type
            return
        if self.scope.value(text) is not None:
            return
        parts, after = self.expressions.qualified(index)
        for root in self.scope.opened:
            full = [*root.split("::"), *parts]
            known = spellings.exactly("::".join(full[1:])) or (
                spellings.exactly("::".join(full[1 : 1 + len(full) - len(parts)] + parts[:1]))
            )
            if known is None:
                continue
            if known.kind == "type":
                if following == "(" and declared:
                    self.own.add(text)
                    return
                self._torch_name(index, after, parts, full)
                return
            if known.kind == "constant" or (known.kind == "function" and following == "("):
                if declared and known.kind == "function" and before not in ("&", "*", ">"):
                    self.own.add(text)
                    return
                if known.gives == "options" and known.kind == "function" and before in (".", "->"):
                    return
                self._torch_name(index, after, parts, full)
                return
        if following != "(" or len(parts) > 1 or not any(one in ROOTS for one in self.scope.opened):
            return
        operator = spellings.operator(text)
        if operator is None:
            return
        if declared and before not in ("&", "*", ">"):
            self.own.add(text)
            return
        held = self.expressions.held(index + 2)
        if held in (Held.TENSOR, Held.TENSORS, Held.OPTIONAL) or text in _FACTORIES:
            edits, operator = rewriting.call(self, index, after, operator)
            self._say(index, Kind.FUNCTION, text, operator, edits)

    def _method(self, index: int, text: str) -> None:
        """A member after ``.`` or ``->``."""
        known = spellings.method(text)
        operator = None if known is not None else spellings.operator(text)
        library = text in ("impl", "def")
        if known is None and operator is None and not library:
            return
        texts = self.texts
        after = index + 1
        templated = False
        if after < len(texts) and texts[after] == "<":
            closing = self.expressions.template_end(after)
            if closing is None:
                return
            templated, after = True, closing
        if after >= len(texts) or texts[after] != "(" or self.pairs[after] < 0:
            return
        start = self.expressions.receiver(index - 1)
        held = Held.OTHER if start is None else self._receiver(start, index - 1)
        if library:
            if held == Held.LIBRARY and start is not None:
                self._registered(index, after, text)
            return
        found = known or operator
        if found is None:
            return
        sure = held == Held.TENSOR
        if not sure:
            if held != Held.OTHER or not self.torch:
                return
            if known is not None:
                alone = known.alone == "always" or (known.alone == "template" and templated)
            else:
                alone = text in _ALONE and text not in _ORDINARY
            if not alone or (start is not None and self._surely_other(start, index - 1)):
                return
        if text == "data_ptr" and not templated:
            return
        if text in _STABLE_METHODS and known is None:
            if text != "is_contiguous" or self.pairs[after] == after + 1:
                return
        edits: tuple[Edit, ...] = ()
        if start is not None:
            edits = rewriting.method(self, start, index, after, found, sure=sure)
        shown = self._shown(index, after)
        self._say(index, Kind.METHOD, shown, found, edits)

    def _object(self, index: int) -> tuple[int, Held] | None:
        """Where the object before an operator begins, and what it is; None if it is nothing known."""
        previous = self.texts[index - 1]
        before = self.texts[index - 2] if index > 1 else ""
        if self.kinds[index - 1] == NAME and before not in (".", "->", "::"):
            held = self.scope.value(previous)
            return None if held is None else (index - 1, held)
        start = self.expressions.receiver(index)
        if start is None:
            return None
        typed = self.expressions.type_at(start) if self.kinds[start] == NAME else None
        if typed is not None and typed[1] == index:
            return None
        return start, self._receiver(start, index)

    def _subscript(self, index: int, previous: str) -> None:
        """``x[i]`` of a tensor."""
        if previous in _KEYWORDS or self.pairs[index] < 0:
            return
        known = self._object(index)
        if known is None or known[1] != Held.TENSOR:
            return
        row = spellings.operator("select")
        if row is not None:
            self._say(index, Kind.METHOD, "[…]", row, rewriting.subscript(self, known[0], index))

    def _operator(self, index: int, text: str) -> None:
        """An operator between two tensors, or a tensor and a number."""
        known = self._object(index)
        if known is None:
            return
        start, held = known
        if held == Held.SIZES and text in ("==", "!="):
            right, end = self.expressions.operand(index + 1)
            if self.texts[index - 1] == ")" and right == Held.SIZES:
                row = spellings.method("operator==")
                self._say(
                    index,
                    Kind.METHOD,
                    f"sizes() {text}",
                    row,
                    rewriting.equal_sizes(self, start, index, end),
                )
            return
        if held != Held.TENSOR:
            return
        right, end = self.expressions.operand(index + 1)
        shown = _OPERATORS[text]
        if right == Held.OTHER and text in ("+", "-"):
            found = spellings.method(f"operator{text} with a number")
        else:
            found = spellings.operator(shown)
        if found is None:
            return
        edits: tuple[Edit, ...] = ()
        if text == "-" and right == Held.TENSOR:
            edits = rewriting.difference(self, start, index, end)
        self._say(index, Kind.METHOD, f"operator{text}", found, edits)

    def _negation(self, index: int) -> None:
        """``-x`` of a tensor."""
        if index + 1 < len(self.texts) and self.kinds[index + 1] == NAME:
            held, _ = self.expressions.operand(index + 1)
            row = spellings.operator("neg")
            if held == Held.TENSOR and row is not None:
                self._say(index, Kind.METHOD, "operator-", row)

    def _receiver(self, start: int, dot: int) -> Held:
        held = self.expressions.held(start, dot)
        if held == Held.OPTIONAL and self.texts[dot] == "->":
            return Held.TENSOR
        if held == Held.OTHER and self.texts[dot - 1] in self.members and dot - 1 > start:
            return self.members[self.texts[dot - 1]]
        return held

    def _surely_other(self, start: int, dot: int) -> bool:
        """Whether an unknown object is known to be something else than a tensor."""
        if dot - start == 1 and self.kinds[start] == NAME:
            return self.scope.value(self.texts[start]) == Held.OTHER and False
        return self.texts[start] == "std"

    def _shown(self, index: int, after: int) -> str:
        texts, closing = self.texts, self.pairs[after]
        head = "." + "".join(texts[index:after])
        return head + ("()" if closing == after + 1 else "(…)")

    def _registered(self, index: int, opening: int, text: str) -> None:
        """``m.impl`` and ``m.def`` of a block that registers operators."""
        row, edits = rewriting.registered(self, index, opening, text)
        if row is not None:
            self._say(index, Kind.METHOD, f".{text}(…)", row, edits)

    # --- the result -------------------------------------------------------------------------------------

    def uses(self, data: bytes) -> list[SourceUse]:
        """The uses with lines, columns and what to write, in the order of the text."""
        found = [*self.found]
        if not self.torch and found and all(one.spelled == "PYBIND11_MODULE" for one in found):
            found = []
        busy = any(one.edits for one in found if one.kind != Kind.NAMESPACE)
        results: list[tuple[int, SourceUse]] = []
        lines = _Lines(data)
        for one in found:
            line, column = lines.place(one.at)
            row = None if one.row is None else one.row.row
            here = Way.UNKNOWN if row is None else way(row, self.target)
            if row is not None and not row.api and row.use is None:
                here = Way.NOT_YET if row.note else Way.UNKNOWN
            edits = one.edits
            if one.kind == Kind.NAMESPACE and one.row is None:
                here = Way.NOW
                if busy:
                    edits = ()
            results.append(
                (
                    one.at,
                    SourceUse(
                        line,
                        column,
                        one.kind,
                        one.spelled,
                        (row.api or None) if row is not None else None,
                        here,
                        self._write(one),
                        header=None if row is None else row.header,
                        since=None if row is None else row.since,
                        floor=None if row is None else row.floor,
                        note="" if row is None else row.note,
                        edits=edits if here == Way.NOW else (),
                    ),
                )
            )
        for at, use in include_uses(self.toks, lines, sorted(self.kept_headers)):
            results.append((at, use))
        results.sort(key=lambda one: one[0])
        return [use for _, use in results]

    @staticmethod
    def _write(one: _Found) -> str | None:
        if one.kind == Kind.NAMESPACE and one.row is None:
            return "qualified names, of torch::stable and torch::headeronly"
        if one.row is None or one.row.row.use is None:
            return None
        return one.row.row.use


_OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "+=": "add_",
    "-=": "sub_",
    "*=": "mul_",
    "/=": "div_",
    "==": "eq",
    "!=": "ne",
    "<": "lt",
    ">": "gt",
    "<=": "le",
    ">=": "ge",
    "%": "remainder",
    "&=": "bitwise_and_",
    "|=": "bitwise_or_",
}
"""C++'s operators that a tensor has, and the operators of ATen that they call."""
_STABLE_METHODS = frozenset(
    [
        "get",
        "data_ptr",
        "mutable_data_ptr",
        "const_data_ptr",
        "set_requires_grad",
        "dim",
        "numel",
        "sizes",
        "strides",
        "is_contiguous",
        "stride",
        "get_device",
        "get_device_index",
        "is_cuda",
        "is_cpu",
        "size",
        "defined",
        "storage_offset",
        "element_size",
        "scalar_type",
        "device",
        "layout",
        "has_storage",
    ]
)


def texts_before_using(texts: list[str], index: int) -> bool:
    """Whether a ``using`` declaration begins right before a name."""
    return texts[index - 1] == "using"


def spelled_held(found: Spelling) -> Held | None:
    """What objects of a type are; None if nothing that matters."""
    try:
        return Held(found.gives) if found.kind == "type" else None
    except ValueError:
        return None


def include_is_torch(path: str) -> bool:
    """Whether a path is one of torch's headers, stable ones among them."""
    return path.startswith(("torch/", "ATen/", "c10/", "caffe2/"))


class _Lines:
    """Lines and columns of offsets that are asked for in ascending order, or nearly so."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._starts = [0]
        position = data.find(b"\n")
        while position >= 0:
            self._starts.append(position + 1)
            position = data.find(b"\n", position + 1)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column, both from 1, the column in characters."""
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            if self._starts[middle] <= offset:
                low = middle
            else:
                high = middle
        before = self._data[self._starts[low] : offset]
        if len(before) > 4096:
            return low + 1, len(before) + 1
        return low + 1, len(before.decode("utf-8", "replace")) + 1
