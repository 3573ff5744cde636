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
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
and 2.15.0 for Linux. Of 2.11 and 2.12 the headers show that they carry no ``Generator``. A
``SymInt`` is carried as an int, a ``Dimname`` as a str such as ``dimname::N``. No release up to
2.15.0 carries Scalar, Storage, Stream, SymBool or QScheme.
"""
_LISTS_SINCE = "2.10.0"
_NONE_SUFFICES = frozenset({"Generator"})
"""Types that a caller rarely gives where they are optional: None means torch's own generator."""

_WRITTEN = re.compile(r"\([^()]*!\)")
_ALIAS = re.compile(r"\([^()]*\)")
_ARGUMENT = re.compile(r"(\S+) (\w+)(?:=(.*))?", re.DOTALL)
_SIZE = re.compile(r"\[\d+\]")
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
    found = (text for text, having in _of_overload(name, overload) if having & bit)
    return next(map(parse, found), None)


def overloads(name: str, release: str) -> tuple[str, ...]:
    """The overloads of ``aten::NAME`` in a release, sorted; none if it has no such operator.

    Raises:
        OSError: the file cannot be read.
    """
    bit = _bit(release)
    lines = _lines(_operator_name(name))
    heads = (text.partition("(")[0] for text, having in lines if having & bit)
    return tuple(sorted(one.partition(".")[2] for one in heads))


def texts(release: str) -> Iterator[str]:
    """The text of every schema of a release, those of one operator together.

    Raises:
        OSError: the file cannot be read.
    """
    bit = _bit(release)
    return (text for lines in _table()[1].values() for text, having in lines if having & bit)


def history(name: str, overload: str, release: str) -> tuple[tuple[str, Schema | None], ...]:
    """The schema of an overload in a release, and in each later one that changes what it takes.

    None stands for releases that do not have the overload. libtorch adapts no call to a schema that
    changed: ``torch_call_dispatcher`` of torch 2.12 reads the arguments that ``aten`` operators got
    in it from the stack whatever version its caller names, as measured.

    Raises:
        OSError: the file cannot be read.
    """
    lines = list(_of_overload(name, overload))
    found: list[tuple[str, Schema | None]] = []
    for one in (release, *(each for each in releases() if _key(each) > _key(release))):
        bit = _bit(one)
        now = next((parse(text) for text, having in lines if having & bit), None)
        if not found or not _taken_alike(now, found[-1][1]):
            found.append((one, now))
    return tuple(found)


def taken(schema: Schema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The types of arguments and results as the dispatcher tells them apart.

    A ``SymInt`` is an int, and the size of a list does not count.
    """
    arguments, returns = (
        tuple(_SIZE.sub("[]", one).replace("SymInt", "int") for one in types)
        for types in ((one.type for one in schema.arguments), schema.returns)
    )
    return arguments, returns


def called(caller: str, release: str) -> tuple[str, str] | None:
    """The name and overload of the operator that ``at::_ops::CALLER`` calls; None if unknown.

    Raises:
        OSError: the file cannot be read.
    """
    cuts = [at for at, one in enumerate(caller) if one == "_" and at]
    parted = ((caller[:at], caller[at + 1 :]) for at in reversed(cuts))
    return next((one for one in ((caller, ""), *parted) if schema(*one, release)), None)


def refused(schema: Schema, release: str) -> tuple[str, ...]:
    """The types of a schema that ``torch_call_dispatcher`` of a release cannot convert, sorted.

    Types are named as in libtorch's error, without the marks of lists and optionals, unless it is
    the list itself that is refused. An argument of type ``Generator?`` that has a default is not
    among them, as None is carried: see ``only_none``.

    ``(float, int)`` stands for results that the dispatcher mixes up: up to 2.15.0, it converts the
    last result by the type of the first one, and so on, and throws if the types differ.
    """
    key = _key(release)
    left_out = set(only_none(schema, release))
    arguments = [one.type for one in schema.arguments if one.name not in left_out]
    types = {_refused(each, key) for each in (*arguments, *schema.returns)}
    _, returns = taken(schema)
    if returns != returns[::-1]:
        types.add(f"({', '.join(returns)})")
    return tuple(sorted(one for one in types if one is not None))


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


@cache
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


def _taken_alike(one: Schema | None, other: Schema | None) -> bool:
    return one is other or (one is not None and other is not None and taken(one) == taken(other))


def _of_overload(name: str, overload: str) -> Iterator[tuple[str, int]]:
    """The schemas that an overload has had, each with the bitmap of its releases."""
    base = _operator_name(name)
    start = f"{base}.{overload}(" if overload else f"{base}("
    return (line for line in _lines(base) if line[0].startswith(start))


def _lines(base: str) -> Sequence[tuple[str, int]]:
    """The schemas of an operator's overloads, each with the bitmap of its releases."""
    return _table()[1].get(base, ())


@cache
def _bit(release: str) -> int:
    """The bit of a release, or of the last one before it; 0 if it is older than all."""
    key = _key(release)
    older = [one for one in releases() if _key(one) <= key]
    return 1 << len(older) - 1 if older else 0


@cache
def _key(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in f"{release}.0.0".split(".")[:3])


@cache
def _table() -> tuple[tuple[str, ...], dict[str, list[tuple[str, int]]]]:
    """The releases, and for each operator without ``aten::``, its schemas with their releases."""
    _, releases, body = FILE.read_bytes().split(b"\n", 2)
    found: dict[str, list[tuple[str, int]]] = {}
    for line in zlib.decompress(body).decode().splitlines():
        text, _, having = line.rpartition("\t")
        base = text.partition("(")[0].partition(".")[0]
        found.setdefault(base, []).append((text, int(having, 16)))
    return tuple(releases.decode().split()), found
