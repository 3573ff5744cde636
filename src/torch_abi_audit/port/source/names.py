"""Uses of torch by name: qualified, under an open namespace, macros."""

from __future__ import annotations

from torch_abi_audit.knowledge import spellings
from torch_abi_audit.port.source import rewriting
from torch_abi_audit.port.source.declarations import Declarations, held_by
from torch_abi_audit.port.source.expressions import ROOTS, STABLE
from torch_abi_audit.port.source.findings import Edit, Kind
from torch_abi_audit.port.source.includes import is_torchs
from torch_abi_audit.port.source.scopes import Held
from torch_abi_audit.port.source.tokens import NAME
from torch_abi_audit.port.source.vocabulary import (
    FACTORIES,
    KEYWORDS,
    LOGGING,
    NOT_A_TYPE,
    PYBIND11,
    REGISTERS,
    TORCH_NAMESPACES,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.knowledge.spellings import Spelling

_OF_TYPES = frozenset({">", "&", "*"})
"""What ends a type before the name of a function."""

_UNPRINTED = (
    "the message has an argument that the stable ABI cannot print, such as a device, sizes or a "
    "tensor: print its parts"
)


class Names(Declarations):
    """Finds the uses by name."""

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
        if index and self.texts[index - 1] == "using":
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
            if (held := held_by(found)) is not None:
                self.scope.types[full[-1]] = held
                self.renamed.add(full[-1])
        elif to is not None and after < len(self.texts) and self.texts[after] == ";":
            edits = (Edit(self.toks.starts[index - 1], self.toks.ends[after], ""),)
        else:
            edits = ()
        self._say(index, kind, spelled, found, edits)

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
        elif full[0] == "torch" and name not in TORCH_NAMESPACES:
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
        if (argument := REGISTERS.get(text)) is not None:
            self._registers(index, argument)
            if text not in spellings.plain_names():
                return
        found = spellings.plain(text)
        if found is None:
            return
        if text.startswith("CUDA_") and not self.torch:
            return
        if text in PYBIND11 and not self._brought_pybind11(index):
            return
        if text.startswith(LOGGING) and not self._brought_logging(index):
            return
        kind = Kind.MACRO if found.kind == "macro" else Kind.FUNCTION
        edits = rewriting.macro(self, index, found)
        if not edits and rewriting.unprinted(self, index, found):
            note = "; ".join(filter(None, (_UNPRINTED, found.row.note)))
            found = found._replace(row=found.row._replace(note=note))
        self._say(index, kind, text, found, edits)

    def _brought_pybind11(self, index: int) -> bool:
        """Whether a name of pybind11 comes from torch's headers; only for the first in a file."""
        following = self.texts[index + 1 : index + 2]
        if not self.torch or following not in (["::"], [";"]) or "PYBIND11_MODULE" in self.texts:
            return False
        if any(one.path.startswith("pybind11/") for one in self.toks.includes):
            return False
        return not any(one.spelled in PYBIND11 for one in self.found)

    def _brought_logging(self, index: int) -> bool:
        """Whether a macro for logging is torch's, not that of another library."""
        if not self.torch or self.texts[index + 1 : index + 2] != ["("]:
            return False
        return not any(
            "log" in one.path.lower() for one in self.toks.includes if not is_torchs(one.path)
        )

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
        if scope.opened and text not in KEYWORDS and text not in self.own:
            self._unqualified(index, text)

    def _unqualified(self, index: int, text: str) -> None:
        """A name where a namespace of torch is open."""
        texts, kinds = self.texts, self.kinds
        before = texts[index - 1] if index else ""
        following = texts[index + 1] if index + 1 < len(texts) else ""
        if before in ("typename", "class", "struct", "enum", "union"):
            self.own.add(text)  # a parameter of a template, or the project's own type
            return
        if self.scope.value(text) is not None:
            return
        after_type = bool(index) and kinds[index - 1] == NAME and before not in NOT_A_TYPE
        parts, after = self.expressions.qualified(index)
        known = self._opened_name(parts)
        if known is not None:
            full, found = known
            if found.kind == "type" and following == "(" and (after_type or before in _OF_TYPES):
                self.own.add(text)  # a function of the project with the name of a type
            elif found.kind == "function" and following == "(" and after_type:
                self.own.add(text)
            elif found.kind != "function" or following == "(":
                self._torch_name(index, after, parts, full)
            return
        if following != "(" or len(parts) > 1 or ROOTS.isdisjoint(self.scope.opened):
            return
        operator = spellings.operator(text)
        if operator is None:
            return
        if after_type:
            self.own.add(text)
            return
        held = self.expressions.held(index + 2)
        if held in (Held.TENSOR, Held.TENSORS, Held.OPTIONAL) or text in FACTORIES:
            edits, operator = rewriting.call(self, index, after, operator)
            self._say(index, Kind.FUNCTION, text, operator, edits)

    def _opened_name(self, parts: list[str]) -> tuple[list[str], Spelling] | None:
        """The full name of a name of an open namespace, and its row; None if there is none."""
        for root in self.scope.opened:
            within = root.split("::")
            full = [*within, *parts]
            for length in (len(full), len(within) + 1):
                found = spellings.exactly("::".join(full[1:length]))
                if found is not None:
                    return full, found
        return None
