"""Schemas of ATen's operators by torch release, and what the dispatcher's stable interface carries.

``torch_call_dispatcher`` takes each argument as a ``StableIValue`` and converts it by the type in
the operator's schema; for a type that it cannot convert, it throws at run time.

``tools/generate_operators.py`` makes the table in ``data/`` from the headers of torch's wheels. The
file holds one line of provenance, one of releases and, compressed, one line for each schema: its
text and, after a tab, a bitmap in hexadecimal of the releases that have it. It lacks the operators
of the namespace ``aten`` that no header of ATen names, which in torch 2.13 are ``get_gradients``
and the overloads of ``quantized_gru`` and ``quantized_lstm``. TorchScript's own operators, such as
``aten::add.int``, are not the dispatcher's.
"""

from __future__ import annotations

import re
import zlib
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = Path(__file__).parents[1] / "data" / "operator_schemas.idx"

CARRIED_SINCE: Mapping[str, str] = {
    "Tensor": "2.9.0",
    "int": "2.9.0",
    "SymInt": "2.9.0",
    "DeviceIndex": "2.9.0",
    "float": "2.9.0",
    "bool": "2.9.0",
    "ScalarType": "2.9.0",
    "Layout": "2.9.0",
    "Device": "2.9.0",
    "MemoryFormat": "2.9.0",
    "str": "2.10.0",
    "Dimname": "2.10.0",
    "Generator": "2.13.0",
}
"""Types of schemas to the first release whose dispatcher converts them from ``StableIValue`` and to
it, an optional of them included; lists are ``_LISTS_SINCE``.

Read from ``to_ivalue`` and ``from_ivalue`` in libtorch's ``shim_common.cpp``, and measured by a
call of every operator of the table, with a value for each argument, in torch 2.9.0, 2.10.0, 2.13.0
and 2.15.0. A ``SymInt`` is carried as an int, a ``Dimname`` as a str. No release up to 2.15.0
carries Scalar, Storage, Stream, SymBool or QScheme.
"""
_LISTS_SINCE = "2.10.0"
_NONE_SUFFICES = frozenset({"Generator"})
"""Types that a caller rarely gives where they are optional: None means torch's own generator."""

_WRITTEN = re.compile(r"\([^()]*!\)")
_ALIAS = re.compile(r"\([^()]*\)")
_ARGUMENT = re.compile(r"(\S+) (\w+)(?:=(.*))?", re.DOTALL)
_MODIFIER = re.compile(r"\?$|\[\d*\]$")


class Argument(NamedTuple):
    """An argument of an operator."""

    name: str
    type: str
    """As in the schema, without alias marks: ``Tensor``, ``SymInt[]``, ``Scalar?``, ``int[2]``."""
    default: str | None = None
    """As in the schema; None if it has none."""
    keyword_only: bool = False
    written: bool = False
    """Whether the operator writes to it: ``Tensor(a!)``."""


class Schema(NamedTuple):
    """The schema of one overload."""

    name: str
    """``aten::add``."""
    overload: str
    """``Tensor``; empty for the one without a name."""
    arguments: tuple[Argument, ...]
    returns: tuple[str, ...]
    """Types, as in ``Argument``."""
    text: str = ""
    """As libtorch's headers have it: ``add.Tensor(Tensor self, …) -> Tensor``."""


def releases() -> tuple[str, ...]:
    """The releases of the table, oldest first.

    Raises:
        OSError: the file cannot be read.
    """
    return _table()[0]


def schema(name: str, overload: str, release: str) -> Schema | None:
    """The schema of an overload of ``aten::NAME`` in a release; None if it has no such one.

    The schema of a patch release, and of a release after the table's last one, is taken to be that
    of the table's last release before it.

    Raises:
        OSError: the file cannot be read.
    """
    bit = _bit(release)
    start = _operator_name(name) + (f".{overload}" if overload else "")
    return next((parse(text) for text, releases in _lines(f"{start}(") if releases & bit), None)


def overloads(name: str, release: str) -> tuple[str, ...]:
    """The overloads of ``aten::NAME`` in a release, sorted; none if it has no such operator.

    Raises:
        OSError: the file cannot be read.
    """
    bit = _bit(release)
    base = _operator_name(name)
    found = {
        text.partition("(")[0].partition(".")[2]
        for start in (f"{base}(", f"{base}.")
        for text, releases in _lines(start)
        if releases & bit
    }
    return tuple(sorted(found))


def refused(schema: Schema, release: str) -> tuple[str, ...]:
    """The types of a schema that ``torch_call_dispatcher`` of a release cannot convert, sorted.

    Types are named as in libtorch's error, without the marks of lists and optionals, unless it is
    the list itself that is refused. An argument of type ``Generator?`` that has a default is not
    among them, as None is carried: see ``only_none``.
    """
    key = _key(release)
    left_out = set(only_none(schema, release))
    arguments = [one.type for one in schema.arguments if one.name not in left_out]
    types = (_refused(each, key) for each in (*arguments, *schema.returns))
    return tuple(sorted({one for one in types if one is not None}))


def only_none(schema: Schema, release: str) -> tuple[str, ...]:
    """The names of arguments for which the dispatcher of a release carries nothing but None.

    Only those where callers rarely give a value: generators of random numbers.
    """
    key = _key(release)
    return tuple(
        one.name
        for one in schema.arguments
        if one.default == "None" and _refused(one.type, key) in _NONE_SUFFICES
    )


@lru_cache(maxsize=256)
def parse(text: str) -> Schema:
    """The schema that a text such as ``add.Tensor(Tensor self, …) -> Tensor`` states."""
    head, _, rest = text.partition("(")
    arguments, result = _split(rest)
    found: list[Argument] = []
    keyword_only = False
    for one in arguments:
        if one == "*":
            keyword_only = True
            continue
        before, mark, default = one.partition("=")
        stated = _ARGUMENT.fullmatch(_ALIAS.sub("", before) + mark + default)
        if stated is None:
            raise ValueError(f"the schema of {head} has an argument of an unknown form: {one}")
        written = _WRITTEN.search(before) is not None
        found.append(Argument(stated[2], stated[1], stated[3], keyword_only, written))
    result = result.removeprefix("->").strip()
    returned = _split(result[1:])[0] if result.startswith("(") else [result]
    name, _, overload = head.partition(".")
    types = tuple(_ALIAS.sub("", one).partition(" ")[0] for one in returned)
    return Schema(f"aten::{name}", overload, tuple(found), types, text)


def pack(source: str, releases: tuple[str, ...], schemas: Mapping[str, int]) -> bytes:
    """The bytes of the file.

    Args:
        source: One line on where the facts come from.
        releases: Oldest first.
        schemas: Text of each schema to the bitmap of releases.
    """
    body = "".join(f"{text}\t{schemas[text]:x}\n" for text in sorted(schemas))
    return f"{source}\n{' '.join(releases)}\n".encode() + zlib.compress(body.encode(), 9)


def _refused(written: str, release: tuple[int, ...]) -> str | None:
    """What of a type is not carried; None if all is."""
    base = written
    while mark := _MODIFIER.search(base):
        if mark[0] != "?" and release < _key(_LISTS_SINCE):
            return written
        base = base[: mark.start()]
    since = CARRIED_SINCE.get(base)
    return base if since is None or release < _key(since) else None


def _split(text: str) -> tuple[list[str], str]:
    """The parts between commas up to the closing bracket, and what follows the bracket."""
    found: list[str] = []
    depth, start, quote = 0, 0, ""
    at = 0
    while at < len(text):
        one = text[at]
        if quote:
            if one == "\\":
                at += 1
            elif one == quote:
                quote = ""
        elif one in "\"'":
            quote = one
        elif one in "([":
            depth += 1
        elif one in ")]" and depth:
            depth -= 1
        elif one in ",)" and not depth:
            found.append(text[start:at].strip())
            start = at + 1
            if one == ")":
                return [part for part in found if part], text[start:].strip()
        at += 1
    raise ValueError(f"the list of arguments has no end: {text}")


def _operator_name(name: str) -> str:
    return name.removeprefix("aten::")


def _lines(start: str) -> Iterator[tuple[str, int]]:
    """The schemas that start with a text, each with the bitmap of its releases."""
    table = _table()[1]
    at = table.find(f"\n{start}")
    while at >= 0:
        end = table.index("\n", at + 1)
        text, _, releases = table[at + 1 : end].rpartition("\t")
        yield text, int(releases, 16)
        at = table.find(f"\n{start}", end)


def _bit(release: str) -> int:
    """The bit of a release, or of the last one before it; 0 if it is older than all."""
    key = _key(release)
    older = [one for one in releases() if _key(one) <= key]
    return 1 << len(older) - 1 if older else 0


def _key(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in f"{release}.0.0".split(".")[:3])


@cache
def _table() -> tuple[tuple[str, ...], str]:
    _, releases, body = FILE.read_bytes().split(b"\n", 2)
    return tuple(releases.decode().split()), "\n" + zlib.decompress(body).decode()
