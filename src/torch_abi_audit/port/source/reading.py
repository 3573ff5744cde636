"""Finds the uses of torch's unstable C++ API in a C++ or CUDA source. Pure, and linear in its size.

The source is read as tokens, not parsed: without its headers and its preprocessor it is no C++ yet,
and a fifth of the sources of real extensions make a grammar of C++ give up on a part of them.
"""

from __future__ import annotations

from torch_abi_audit.model.releases import release_key
from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.source.contexts import NOTHING, Context
from torch_abi_audit.port.source.expressions import ROOTS
from torch_abi_audit.port.source.findings import Kind, SourceFile, SourceUse
from torch_abi_audit.port.source.includes import BROUGHT, include_uses, plain_headers
from torch_abi_audit.port.source.lines import Lines
from torch_abi_audit.port.source.objects import Objects
from torch_abi_audit.port.source.scopes import DEEPEST, Held, Scope
from torch_abi_audit.port.source.tokens import BRANCH, MARK, NAME, NUMBER, tokens
from torch_abi_audit.port.source.vocabulary import KEYWORDS, OPERATORS, TENSORS_ONLY
from torch_abi_audit.port.ways import answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from torch_abi_audit.knowledge.replacements import Replacement
    from torch_abi_audit.port.source.declarations import Found
    from torch_abi_audit.port.source.tokens import Tokens

LARGEST = 16 << 20
"""The size in bytes of the largest source that is read."""
_CODE = frozenset({Kind.TYPE, Kind.METHOD, Kind.FUNCTION, Kind.CONSTANT})
OLDEST = "2.9.0"
"""Any release; what a file declares does not depend on it."""


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
    toks = tokens(text)
    reader = _Reader(text, toks, target, context)
    if reader.torch and not {"class", "struct"}.isdisjoint(toks.texts):
        before = _Reader(text, toks, target, context)
        before.run()
        reader.class_values.update(before.class_values)
    reader.run()
    reader.is_header = name.endswith((".h", ".hpp", ".hh", ".hxx", ".cuh"))
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


class _Reader(Objects):
    """Goes through the tokens of a source once."""

    def __init__(self, text: str, toks: Tokens, target: str, context: Context) -> None:
        super().__init__(text, toks, target, context)
        self.is_header = False
        self.marks: dict[str, Callable[[int], None]] = {
            "{": self._open,
            "}": self._close,
            "(": self._parenthesis,
            ")": self._parenthesis_closed,
            ";": self._statement,
            "=": self._assignment,
            "[": self._bracket,
            "<<": self._shift,
            **dict.fromkeys(OPERATORS, self._arithmetic),
        }

    def run(self) -> None:
        """Go through the tokens once."""
        texts, kinds = self.texts, self.kinds
        defines, marks = self.toks.defines, self.marks
        previous = ""
        for index, text in enumerate(texts):
            if index in self.ends_at:
                self._enter(self.ends_at.pop(index))
            if index in defines:
                self.ends_at[defines[index]] = self.scope
                self._enter(Scope(self.scope, "macro"))
                self._parameters(index, defines[index])
            kind = kinds[index]
            if kind == NAME:
                if previous in (".", "->"):
                    if text == "template":
                        continue
                    self._method(index, text)
                elif previous != "::" or not self._goes_on(index):
                    self._head(index, text)
            elif kind == MARK:
                if (handler := marks.get(text)) is not None:
                    handler(index)
            elif kind == BRANCH:
                self._branch(text)
            previous = text

    def _parameters(self, index: int, end: int) -> None:
        """Note which parameters of a macro are tensors, by what its body does with them."""
        names = self.toks.parameters.get(index, ())
        if not names:
            return
        body = self.texts[index:end]
        if not self.torch and self.plain.isdisjoint(body) and "STD_TORCH_CHECK" not in body:
            return
        texts = self.texts
        for one in range(index, end - 1):
            if texts[one] in names and self.kinds[one] == NAME:
                after = one + 1
                while after < end and texts[after] == ")" and self.pairs[after] == one - 1:
                    after += 1
                if (
                    after + 2 < end
                    and texts[after] == "."
                    and texts[after + 1] in TENSORS_ONLY
                    and texts[after + 2] in ("(", "<")
                ):
                    self.scope.values[texts[one]] = Held.TENSOR

    def _goes_on(self, index: int) -> bool:
        """Whether a name after ``::`` belongs to a qualified name that began before."""
        return index >= 2 and (self.kinds[index - 2] == NAME or self.texts[index - 2] == ">")

    def _head(self, index: int, text: str) -> None:
        """The first part of a name."""
        if text in ROOTS:
            self._qualified(index)
        elif (handler := self.words.get(text)) is not None:
            handler(index)
        elif text in self.plain:
            self._plain(index, text)
        else:
            self._name(index, text)

    def _parenthesis(self, _index: int) -> None:
        self.scope.parens += 1
        self.next_brace = None

    def _parenthesis_closed(self, _index: int) -> None:
        if self.scope.parens:
            self.scope.parens -= 1

    def _statement(self, _index: int) -> None:
        if not self.scope.parens and self.scope.pending:
            self.scope.pending = {}
        self.next_brace = None

    def _assignment(self, _index: int) -> None:
        self.next_brace = None

    def _bracket(self, index: int) -> None:
        if index and (self.kinds[index - 1] == NAME or self.texts[index - 1] in (")", "]")):
            self._subscript(index, self.texts[index - 1])

    def _arithmetic(self, index: int) -> None:
        if not index:
            return
        previous, text = self.texts[index - 1], self.texts[index]
        if previous in (")", "]") or (self.kinds[index - 1] == NAME and previous not in KEYWORDS):
            self._operator(index, text)
        elif self.kinds[index - 1] == NUMBER:
            self._operator_after_number(index, text)
        elif text == "-":
            self._negation(index)

    def _enter(self, scope: Scope) -> None:
        self.scope = self.expressions.scope = scope

    def _open(self, index: int) -> None:
        around = self.scope
        if around.depth >= DEEPEST:
            self.error = f"read in part: braces are nested more than {DEEPEST} deep"
            return
        scope = Scope(around, self.next_brace or "block")
        scope.values = around.pending
        if scope.kind == "class":
            scope.values.update(self.class_values.get(index, {}))
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

    def _close(self, index: int) -> None:
        scope = self.scope
        if scope.around is None:
            return
        if scope.kind == "class":
            self.members.update(scope.values)
            if self.pairs[index] >= 0:
                self.class_values[self.pairs[index]] = scope.values
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

    def uses(self, data: bytes) -> list[SourceUse]:
        """The uses with lines, columns and what to write, in the order of the text."""
        found = [*self.found]
        if not self.torch and found and all(one.spelled == "PYBIND11_MODULE" for one in found):
            found = []
        busy = any(one.edits for one in found if one.kind != Kind.NAMESPACE)
        results: list[tuple[int, SourceUse]] = []
        lines = Lines(data)
        for one in found:
            line, column = lines.place(one.at)
            own = None if one.row is None else one.row.row
            here, row = answer(own, self.target)
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
                        _shown(one.spelled),
                        (row.api or None) if row is not None else None,
                        here,
                        self._write(one, row),
                        header=None if row is None else row.header,
                        since=None if row is None else row.since,
                        floor=None if row is None else row.floor,
                        note=_note(row, self.target),
                        edits=edits if here == Way.NOW and _builds(row, own, self.target) else (),
                    ),
                )
            )
        if self.is_header and not any(one.kind in _CODE for one in found):
            self.kept_headers.update(BROUGHT)
        names = {text for text, kind in zip(self.texts, self.kinds, strict=True) if kind == NAME}
        self.kept_headers.update(plain_headers(names))
        if self.is_header:  # for those who include it
            self.kept_headers.add("cuda_runtime_api.h")
        for at, use in include_uses(self.toks, lines, sorted(self.kept_headers)):
            results.append((at, use))
        results.sort(key=lambda one: one[0])
        return [use for _, use in results]

    @staticmethod
    def _write(one: Found, row: Replacement | None) -> str | None:
        if one.kind == Kind.NAMESPACE and one.row is None:
            return "qualified names, of torch::stable and torch::headeronly"
        return None if row is None else row.use


def _note(row: Replacement | None, target: str) -> str:
    """What to know; with what builds with the target's headers, if the row's own way does not."""
    if row is None:
        return ""
    late = row.since is not None and release_key(row.since) > release_key(target)
    if not late or row.fallback is None:
        return row.note
    older = f"with headers older than torch {row.since}: {row.fallback.use}"
    return "; ".join(filter(None, (older, row.note)))


def _builds(row: Replacement | None, own: Replacement | None, target: str) -> bool:
    """Whether the row's own way, not one for older releases, builds with the target's headers."""
    if row is None or own is None:
        return True
    late = row.since is not None and release_key(row.since) > release_key(target)
    return row.use == own.use and not late


def _shown(text: str) -> str:
    """Text of the source, in the characters that its author sees."""
    if text.isascii():
        return text
    parts = (one.encode("latin-1").decode("utf-8", "replace") for one in text.split("…"))
    return "…".join(parts)  # the sign is ours
