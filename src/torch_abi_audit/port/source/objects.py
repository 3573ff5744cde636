"""Uses of torch by what an object is: methods, operators and subscripts of tensors."""

from __future__ import annotations

from torch_abi_audit.knowledge import spellings
from torch_abi_audit.port.source import overloads, rewriting
from torch_abi_audit.port.source.findings import Edit, Kind
from torch_abi_audit.port.source.names import Names
from torch_abi_audit.port.source.scopes import Held
from torch_abi_audit.port.source.tokens import NAME
from torch_abi_audit.port.source.vocabulary import ALONE, KEYWORDS, OPERATORS, STABLE_METHODS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.knowledge.spellings import Spelling


class Objects(Names):
    """Finds the uses of objects."""

    def _method(self, index: int, text: str) -> None:
        """A member after ``.`` or ``->``."""
        known = spellings.method(text)
        found = known or spellings.operator(text)
        library = text in ("impl", "def")
        if found is None and not library:
            return
        after = index + 1
        if after < len(self.texts) and self.texts[after] == "<":
            closing = self.expressions.template_end(after)
            if closing is None:
                return
            after = closing
        if after >= len(self.texts) or self.texts[after] != "(" or self.pairs[after] < 0:
            return
        dot = index - 2 if self.texts[index - 1] == "template" else index - 1
        start = self.expressions.receiver(dot)
        held = Held.OTHER if start is None else self._receiver(start, dot)
        if library:
            if held == Held.LIBRARY and start is not None:
                self._registered(index, after, text)
            return
        if found is None or not self._is_use(found, index, after, start, held):
            return
        edits: tuple[Edit, ...] = ()
        parts = rewriting.arguments(self, after)
        if parts is not None and found.kind != "method":
            found = overloads.meant(self, found, parts, method=True)
            if text == "is_contiguous":
                found = overloads.is_contiguous() or found
        if start is not None:
            sure = held == Held.TENSOR
            edits = rewriting.method(self, start, index, after, found, sure=sure)
        self._say(index, Kind.METHOD, self._shown(index, after), found, edits)

    def _is_use(
        self, found: Spelling, index: int, opening: int, start: int | None, held: Held
    ) -> bool:
        """Whether a method of the name is one of a tensor that the stable one does not have."""
        text, templated = self.texts[index], opening > index + 1
        if text == "data_ptr" and not templated:
            return False
        if held != Held.TENSOR and not self._only_tensors_have(
            found, start, held, templated=templated
        ):
            return False
        if text not in STABLE_METHODS or found.kind == "method":
            return True
        return text == "is_contiguous" and self.pairs[opening] != opening + 1

    def _only_tensors_have(
        self, found: Spelling, start: int | None, held: Held, *, templated: bool
    ) -> bool:
        """Whether an object must be a tensor since it has a method."""
        if held != Held.OTHER or not self.torch:
            return False
        if start is not None and self.texts[start] == "std":
            return False
        if found.kind != "method":
            return found.name in ALONE
        return found.alone == "always" or (found.alone == "template" and templated)

    def _shown(self, index: int, after: int) -> str:
        texts, closing = self.texts, self.pairs[after]
        head = "." + "".join(texts[index:after])
        return head + ("()" if closing == after + 1 else "(…)")

    def _registered(self, index: int, opening: int, text: str) -> None:
        """``m.impl`` and ``m.def`` of a block that registers operators."""
        row, edits = rewriting.registered(self, opening, text)
        if row is not None:
            self._say(index, Kind.METHOD, f".{text}(…)", row, edits)

    def _subscript(self, index: int, previous: str) -> None:
        """``x[i]`` of a tensor."""
        if previous in KEYWORDS or self.pairs[index] < 0:
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
        shown = OPERATORS[text]
        if right == Held.OTHER and text in ("+", "-"):
            found = spellings.method(f"operator{text} with a number")
        else:
            found = spellings.operator(shown)
        if found is None:
            return
        found = overloads.meant(self, found, [(index + 1, end)], method=True)
        self._say(index, Kind.METHOD, f"operator{text}", found)

    def _shift(self, index: int) -> None:
        """``stream << x`` of what has no such operator in the stable ABI."""
        if index + 1 >= len(self.texts) or self.kinds[index + 1] != NAME:
            return
        held, end = self.expressions.operand(index + 1)
        row = spellings.exactly("toString")
        if (
            self.texts[end - 1] not in ("first", "second")
            and held in (Held.TENSOR, Held.SIZES, Held.DEVICE, Held.DEVICE_TYPE)
            and row is not None
        ):
            found = row._replace(name="operator<<", to=None)
            self._say(index, Kind.METHOD, "operator<<", found)

    def _operator_after_number(self, index: int, text: str) -> None:
        """``2 * x`` of a tensor."""
        right, _ = self.expressions.operand(index + 1)
        shown = {"+": "add", "-": "rsub", "*": "mul", "/": "div"}.get(text)
        found = None if shown is None or right != Held.TENSOR else spellings.operator(shown)
        if found is not None:
            self._say(index, Kind.METHOD, f"operator{text}", found)

    def _negation(self, index: int) -> None:
        """``-x`` of a tensor."""
        if index + 1 < len(self.texts) and self.kinds[index + 1] == NAME:
            held, _ = self.expressions.operand(index + 1)
            row = spellings.operator("neg")
            if held == Held.TENSOR and row is not None:
                self._say(index, Kind.METHOD, "operator-", row)

    def _object(self, index: int) -> tuple[int, Held] | None:
        """Where the object before an operator begins, and what it is; None if unknown."""
        previous = self.texts[index - 1]
        before = self.texts[index - 2] if index > 1 else ""
        if self.kinds[index - 1] == NAME and before not in (".", "->", "::"):
            held = self.scope.value(previous)
            return None if held is None else (index - 1, held)
        start = self.expressions.receiver(index)
        if start is None or previous in ("first", "second"):  # either may be a number
            return None
        typed = self.expressions.type_at(start) if self.kinds[start] == NAME else None
        if typed is not None and typed[1] == index:
            return None
        return start, self._receiver(start, index)

    def _receiver(self, start: int, dot: int) -> Held:
        held = self.expressions.held(start, dot)
        if held == Held.OPTIONAL and self.texts[dot] == "->":
            return Held.TENSOR
        if held == Held.OTHER and self.texts[dot - 1] in self.members and dot - 1 > start:
            return self.members[self.texts[dot - 1]]
        return held
