"""Makes the mechanical changes to a source: bytes to bytes.

What no edit names stays byte for byte: newlines, encoding, a missing newline at the end.
"""

from __future__ import annotations

import re

from torch_abi_audit.port.source.findings import Kind
from torch_abi_audit.port.source.include_lines import headers_in, with_headers
from torch_abi_audit.port.source.includes import CUDA_HEADERS, WITH_TENSOR
from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeVar

    from torch_abi_audit.port.source.findings import BuildFinding, Edit, SourceFile, SourceUse

    One = TypeVar("One", SourceUse, BuildFinding)

_NAME = re.compile(r"[A-Za-z_]\w*")
_ROUNDS = 20
"""How often a source is read again, for uses within what another use replaces."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A file with its changes."""

    data: bytes
    made: int
    """Number of uses or findings that were changed."""


def edited(data: bytes, found: SourceFile, read: Callable[[bytes], SourceFile]) -> Edited:
    """A source with its mechanical changes.

    Uses within what another use replaces are carried along by it, and changed when the result is
    read again. Includes come last: those of unstable headers go, and the headers of what was
    changed come in their place.

    Args:
        data: The source.
        found: The uses in it.
        read: Finds those in it after some changes.
    """
    made = 0
    needed: set[str] = set()
    seen = {data}
    for _ in range(_ROUNDS):
        chosen = _apart(one for one in found.uses if one.kind is not Kind.INCLUDE)
        after = applied(data, [use.edits for use in chosen])
        if not chosen or after in seen:
            break
        made += len(chosen)
        needed.update(use.header for use in chosen if use.header)
        seen.add(after)
        data, found = after, read(after)
    gone = [one for one in found.uses if one.kind is Kind.INCLUDE and one.edits]
    instead: dict[int, list[str]] = {}
    for use in gone:
        for edit in use.edits:
            headers = headers_in(edit.text)
            needed.update(one for one in headers if one not in CUDA_HEADERS)
            instead[edit.start] = [one for one in headers if one in CUDA_HEADERS]
        if use.header:
            needed.add(use.header)
    if "torch/csrc/stable/tensor.h" in needed:
        needed -= WITH_TENSOR
    elif any(one.startswith("torch/") for one in needed):
        needed.discard("cstdint")
    spans = [(edit.start, edit.end) for use in gone for edit in use.edits]
    return Edited(with_headers(data, spans, needed, instead), made + len(gone))


def without_carried(data: bytes, file: SourceFile) -> SourceFile:
    """The source without the uses that go with the edits of others.

    A changed call of a factory has no ``.options()`` any more, so it is nothing to do by hand.

    Args:
        data: The source.
        file: The uses in it.
    """
    spans = sorted(
        (edit.start, edit.end, edit.text)
        for use in file.uses
        for edit in use.edits
        if edit.end > edit.start
    )
    by_hand = [(at, use) for at, use in _offsets(data, file) if not use.edits]
    gone: set[int] = set()
    around: list[tuple[int, str]] = []
    position = 0
    for at, use in sorted(by_hand, key=lambda one: one[0]):
        while position < len(spans) and spans[position][0] <= at:
            around.append(spans[position][1:])
            position += 1
        around = [one for one in around if at < one[0]]
        name = _NAME.findall(use.spelled)
        if name and any(name[-1] not in _NAME.findall(text) for _, text in around):
            gone.add(id(use))
    return replace(file, uses=tuple(use for use in file.uses if id(use) not in gone))


def _offsets(data: bytes, file: SourceFile) -> Iterator[tuple[int, SourceUse]]:
    """The uses and the offset of each."""
    lines = data.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    for use in file.uses:
        if use.line <= len(lines):
            text = lines[use.line - 1].decode("utf-8", "surrogateescape")
            before = text[: use.column - 1].encode("utf-8", "surrogateescape")
            yield starts[use.line - 1] + len(before), use


def edited_build(data: bytes, findings: Iterable[BuildFinding]) -> Edited:
    """A build file, or a source that defines macros, with the changes of its findings."""
    chosen = _apart(findings)
    changed = applied(data, [one.edits for one in chosen])
    return Edited(changed, len(chosen))


def applied(data: bytes, changes: Sequence[Sequence[Edit]]) -> bytes:
    """The bytes with changes that do not overlap.

    Several may insert something in one place, as the calls of a chain of methods do in front of
    it. Then what begins there encloses what is shorter, and what ends there ends before the rest.

    Args:
        data: The bytes that the edits count positions in.
        changes: The edits of each change; a newline in their text becomes that of the file.
    """
    newline = newline_of(data)
    parts = []
    position = 0
    for edit in _in_order(changes):
        parts.append(data[position : edit.start])
        text = edit.text.replace("\r\n", "\n").encode("latin-1")
        parts.append(text if newline == b"\n" else text.replace(b"\n", newline))
        position = edit.end
    parts.append(data[position:])
    return b"".join(parts)


def _in_order(changes: Sequence[Sequence[Edit]]) -> list[Edit]:
    """The edits in the order of the text."""
    keyed = []
    for number, edits in enumerate(changes):
        first = min((edit.start for edit in edits), default=0)
        last = max((edit.end for edit in edits), default=0)
        for place, edit in enumerate(edits):
            closes = first < edit.start == edit.end == last
            nesting = -first if closes else -last
            keyed.append((edit.start, edit.end, not closes, nesting, number, place, edit))
    return [edit for *_, edit in sorted(keyed, key=lambda one: one[:-1])]


def newline_of(data: bytes) -> bytes:
    """The newline that most lines end with."""
    return b"\r\n" if 2 * data.count(b"\r\n") > data.count(b"\n") else b"\n"


def diff(name: str, old: bytes, new: bytes) -> bytes:
    """The unified diff of a file, which ``patch -p1`` and ``git apply`` take; empty if equal.

    Args:
        name: The file's path below the directory in which the diff will be applied.
        old: Its contents.
        new: Its contents with the changes.
    """
    import difflib

    names = _quoted(f"a/{name}"), _quoted(f"b/{name}")
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(old), _lines(new), *names)
    end = b"\n\\ No newline at end of file\n"
    return b"".join(line if line.endswith(b"\n") else line + end for line in lines)


def _quoted(path: str) -> bytes:
    """A path as git writes it in a diff: odd characters in octal, a tab behind one with a space."""
    raw = path.encode("utf-8", "surrogateescape")
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in raw):
        return raw + b"\t" if b" " in raw else raw
    shown = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}" for byte in raw
    )
    return f'"{shown}"'.encode()


def _lines(data: bytes) -> list[bytes]:
    """The lines with their newlines; a carriage return alone ends none."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _apart(found: Iterable[One]) -> list[One]:
    """Those that can be changed together: of two that overlap, the one that spans more."""
    able = [one for one in found if any(_changes(edit) for edit in one.edits)]
    chosen: set[int] = set()
    taken: list[tuple[int, int]] = []
    for at in sorted(range(len(able)), key=lambda at: _breadth(able[at])):
        spans = [(edit.start, edit.end) for edit in able[at].edits]
        if not any(_overlap(mine, other) for mine in spans for other in taken):
            chosen.add(at)
            taken += spans
    return [able[at] for at in sorted(chosen)]


def _changes(edit: Edit) -> bool:
    return edit.end > edit.start or bool(edit.text)


def _breadth(one: SourceUse | BuildFinding) -> tuple[int, int]:
    start = min(edit.start for edit in one.edits)
    return start - max(edit.end for edit in one.edits), start


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two spans share a byte, or one is an insertion within the other."""
    (start, end), (begin, stop) = one, other
    if start == end or begin == stop:
        return begin < start < stop or start < begin < end
    return start < stop and begin < end
