"""Declarations of a source, as it is read from the first token to the last.

``names`` and ``objects`` find the uses, ``reading`` goes through the tokens.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import spellings
from torch_abi_audit.port.source.contexts import Context
from torch_abi_audit.port.source.expressions import ROOTS, STABLE, Expressions
from torch_abi_audit.port.source.findings import Edit, Kind
from torch_abi_audit.port.source.includes import STANDARD, is_torchs
from torch_abi_audit.port.source.scopes import Held, Scope
from torch_abi_audit.port.source.tokens import NAME
from torch_abi_audit.port.source.vocabulary import KEYWORDS, REGISTERS
from torch_abi_audit.runtime.records import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.knowledge.spellings import Spelling
    from torch_abi_audit.port.source.tokens import Tokens

_FOLLOW_A_NAME = frozenset({",", ")", ";", "=", "(", "{", "[", ":"})


class Found:
    """A use, before its line and column are counted."""

    __slots__ = ("at", "edits", "kind", "row", "spelled")

    def __init__(
        self, at: int, kind: Kind, spelled: str, row: Spelling | None, edits: tuple[Edit, ...]
    ) -> None:
        self.at, self.kind, self.spelled, self.row, self.edits = at, kind, spelled, row, edits


class Declarations:
    """The state of reading a source, and what its declarations add to it."""

    def __init__(self, text: str, toks: Tokens, target: str, context: Context) -> None:
        self.text, self.toks, self.target = text, toks, target
        self.texts, self.kinds, self.pairs = toks.texts, toks.kinds, toks.pairs
        self.scope = Scope(None)
        self.expressions = Expressions(toks, self.scope)
        self.branches: list[Scope] = []
        self.found: list[Found] = []
        self.next_brace: str | None = None
        self.opens: tuple[str, ...] = ()
        self.own: set[str] = set()
        """Names that the source declares."""
        self.renamed: set[str] = set()
        """Names that stand for a type or a namespace somewhere in the source."""
        self.members = self.expressions.members
        self.class_values: dict[int, dict[str, Held]] = {}
        """What a class declares anywhere in it, by the index of its opening brace."""
        self.constants: set[str] = set()
        """Names that are declared const anywhere."""
        self.taken: set[int] = set()
        """Tokens that a use before has said already."""
        self.kept_headers: set[str] = set()
        self.error: str | None = None
        self.torch = bool(toks.includes) and any(is_torchs(one.path) for one in toks.includes)
        self.plain = spellings.plain_names() | REGISTERS.keys()
        self.words = {
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

    def _declaration(self, index: int) -> None:
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
            if index + 1 >= end or kinds[index] != NAME or texts[index] in KEYWORDS:
                return
            following = texts[index + 1]
            if following not in _FOLLOW_A_NAME:
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

    def _say(
        self,
        index: int,
        kind: Kind,
        spelled: str,
        row: Spelling | None,
        edits: tuple[Edit, ...] = (),
    ) -> None:
        self.found.append(Found(self.toks.starts[index], kind, spelled, row, edits))


def held_by(found: Spelling) -> Held | None:
    """What objects of a type are; None if nothing that matters."""
    try:
        return Held(found.gives) if found.kind == "type" else None
    except ValueError:
        return None
