"""Stable replacements of libtorch's unstable APIs: a table in ``data/``, read on first use.

``tools/generate_replacements.py`` generates the table from a reviewed source, and verifies it with
the headers of the published torch wheels.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from torch_abi_audit.knowledge import operator_overloads, operators

_TABLE = Path(__file__).parents[1] / "data" / "torch_replacements.json"

DISPATCHER_SINCE = "2.10.0"
"""The release that added ``torch_call_dispatcher``."""
DISPATCHER_HEADER = "torch/csrc/stable/ops.h"
"""Declares ``torch_call_dispatcher``, ``StableIValue`` and ``torch::stable::Tensor``."""
_OPERATOR_SCOPES = frozenset(
    {
        ("at",),
        ("at", "Tensor"),
        ("at", "TensorBase"),
        ("at", "cpu"),
        ("at", "cuda"),
        ("at", "mps"),
        ("at", "redispatch"),
        ("at", "compositeexplicitautograd"),
        ("at", "compositeimplicitautograd"),
        ("at", "native"),
    }
)
"""Scopes in which a function with an operator's name calls that operator."""
OPEN = "…"
"""Stands for an overload that the parameters do not tell."""
_CALLERS = frozenset({"call", "redispatch"})
_INDEXING = frozenset({"index", "index_put_"})
"""Methods that take indices in the form of Python's, and are operators without them."""


class Fallback(NamedTuple):
    """What does the same with older headers."""

    use: str
    header: str
    since: str
    """The first torch release whose headers compile it."""
    floor: str | None = None
    """The oldest release on which a library with it runs."""
    macros: tuple[str, ...] = ()
    shims: tuple[str, ...] = ()


class Bundle(NamedTuple):
    """APIs that one include brings together, whether or not the source calls them."""

    api: str
    """The row under which they are shown."""
    marks: frozenset[str]
    """Entities that are all there if the include is."""
    brought: frozenset[str]
    """Entities that it brings."""
    origin: str


BUNDLES = (
    Bundle(
        "CUDAGuard, OptionalCUDAGuard, DeviceGuard",
        frozenset(
            {
                "c10::cuda::CUDACachingAllocator::allocator",
                "c10::cuda::getDefaultCUDAStream",
                "c10::cuda::getStreamFromPool",
                "c10::cuda::setCurrentCUDAStream",
            }
        ),
        frozenset(
            {
                "c10::cuda::CUDACachingAllocator::allocator",
                "c10::cuda::CUDAStream::query",
                "c10::cuda::CUDAStream::synchronize",
                "c10::cuda::device_count",
                "c10::cuda::getDefaultCUDAStream",
                "c10::cuda::getStreamFromPool",
                "c10::cuda::setCurrentCUDAStream",
                "c10::cuda::stream_synchronize",
                "c10::cuda::warn_or_error_on_sync",
            }
        ),
        "c10/cuda/CUDAGuard.h, which refers to streams from the pool, their synchronization, the "
        "current stream's setter and the caching allocator even if the source calls none of them",
    ),
    Bundle(
        "torch::autograd::Function",
        frozenset({"torch::autograd::_wrap_outputs"}),
        frozenset({"at::_ops::view_as::call", "at::Tensor::view_as"}),
        "torch/csrc/autograd/custom_function.h, which calls view_as itself",
    ),
)
"""From what g++ leaves undefined, at -O0 and -O2, in a source that includes the header of torch 2.9
and uses nothing but ``OptionalCUDAGuard``, or a ``torch::autograd::Function`` that returns its
argument."""


class Replacement(NamedTuple):
    """One API as programmers know it, and its replacement in the stable ABI."""

    api: str
    """The API's name in source code: ``TORCH_CHECK``."""
    effort: int
    """1: another spelling, 2: another form of the call, 3: another design."""
    use: str | None = None
    """The stable replacement; None if there is none yet."""
    header: str | None = None
    """The replacement's header, relative to torch's include directory; None if not torch's."""
    since: str | None = None
    """The first torch release whose headers declare the replacement and compile an example."""
    floor: str | None = None
    """The oldest release on which a library with the replacement runs; None for any release."""
    shims: tuple[str, ...] = ()
    """The C shims that an example imports, for any target release; sorted."""
    note: str = ""
    macros: tuple[str, ...] = ()
    """Macros that must be defined for it, such as ``USE_CUDA``; ``TORCH_TARGET_VERSION`` aside."""
    fallback: Fallback | None = None
    """Another way, for headers that are older than ``since``."""
    differs: str = ""
    """What the replacement does differently at run time."""
    refused: tuple[str, ...] = ()
    """Types of the operator's schema that the dispatcher's stable interface cannot carry."""
    origin: str | None = None
    """What brings the symbols where the source does not call them, and with which they go away: an
    include, another API."""
    operator: str | None = None
    """The operator, such as ``aten::add.Tensor``, that the API calls; None if it calls none."""
    calls_operator: bool = False
    """Whether ``use`` calls ``operator`` itself through the dispatcher."""
    goes: bool = False
    """No source calls it: it goes away with the unstable headers."""
    spellings: tuple[str, ...] = ()
    """Other names of the API in source code."""

    @property
    def through_dispatcher(self) -> bool:
        """Whether the replacement is a call of the operator through the dispatcher."""
        return self.use is not None and self.use.startswith("torch_call_dispatcher")


class BetterShim(NamedTuple):
    """The newer C shim that replaces an older one."""

    use: str
    note: str


class _Table:
    __slots__ = (
        "better",
        "entities",
        "functions",
        "header_only",
        "operators",
        "prefixes",
        "releases",
        "rows",
    )

    def __init__(self, document: dict[str, Any]) -> None:
        self.releases: tuple[str, ...] = tuple(document["releases"])
        self.header_only = frozenset(document["header_only"].split())
        self.operators: dict[str, tuple[str, str]] = {}
        for release, names in document["operators"].items():
            for name in names.split():
                self.operators[name.replace(".", "_")] = (name, release)
        self.better = {
            one["name"]: BetterShim(one["use"], one["note"]) for one in document["shims"]
        }
        self.rows: tuple[Replacement, ...] = ()
        self.entities: dict[tuple[str, ...], Replacement] = {}
        self.functions: dict[str, Replacement] = {}
        self.prefixes: list[tuple[str, Replacement]] = []
        for entry in document["apis"]:
            row = _row(entry)
            self.rows += (row,)
            for symbol in entry.get("symbols", ()):
                if symbol.endswith("*"):
                    self.prefixes.append((symbol[:-1], row))
                elif "(" in symbol:
                    self.functions[symbol] = row
                else:
                    self.entities[tuple(symbol.split("::"))] = row
            for operator in entry.get("ops", ()):
                caller = operator.replace(".", "_")
                self.entities["at", "_ops", caller] = row._replace(operator=f"aten::{operator}")


def replacement(entity: str, declared: str = "") -> Replacement | None:
    """The row for an entity such as ``c10::detail::torchCheckFail``; None if there is none.

    The most specific row wins: for the entity itself, then for the operator that it calls, then for
    its class or namespace.

    Args:
        entity: The qualified name.
        declared: The declaration as a demangler prints it. Its parameters tell which overload of an
            operator a method of ``at::Tensor`` or a function of ``at`` calls.
    """
    table = _table()
    path = tuple(entity.split("::"))
    if exact := _by_parameters(entity, declared, table):
        return exact
    indices = path[-1] in _INDEXING and declared and "TensorIndex" not in declared
    if not indices and (row := table.entities.get(path)):
        return row
    if row := _operator(path, declared, table):
        return row
    for length in range(len(path) - 1, 0, -1):
        if row := table.entities.get(path[:length]):
            return row
    return next((row for prefix, row in table.prefixes if entity.startswith(prefix)), None)


def refused(row: Replacement) -> tuple[str, ...]:
    """The types that no dispatcher carries in the call that a row shows; none for other rows."""
    if not row.calls_operator or row.operator is None:
        return ()
    name, _, overload = row.operator.partition(".")
    newest = header_releases()[-1]
    schema = operators.schema(name, overload, newest)
    return () if schema is None else operators.refused(schema, newest)


def open_overloads(row: Replacement) -> tuple[str, ...]:
    """The overloads that ``…`` stands for in the call that a row shows; none for other rows.

    They are those that the newest dispatcher carries and that give their results back.
    """
    name, _, overload = (row.operator or "").removeprefix("aten::").partition(".")
    if overload != OPEN:
        return ()
    newest = header_releases()[-1]
    schemas = (operators.schema(name, one, newest) for one in operators.overloads(name, newest))
    return tuple(
        one.overload
        for one in schemas
        if one is not None
        and not any(each.written and each.keyword_only for each in one.arguments)
        and not operators.refused(one, newest)
    )


def better_shim(name: str) -> BetterShim | None:
    """The newer shim that replaces a C shim; None if there is none."""
    return _table().better.get(name)


def is_header_only(type_name: str) -> bool:
    """Whether ``torch/headeronly`` declares a type with this name, in any namespace."""
    return type_name in _table().header_only


def rows() -> tuple[Replacement, ...]:
    """Every row of the table, in its order."""
    return _table().rows


def row(api: str) -> Replacement:
    """The row of an API, by the name that the table gives it.

    Raises:
        KeyError: the table has no such row.
    """
    return {one.api: one for one in rows()}[api]


def header_releases() -> tuple[str, ...]:
    """The torch releases whose headers the table was verified against, oldest first."""
    return _table().releases


@cache
def _table() -> _Table:
    return _Table(json.loads(_TABLE.read_bytes()))


def _row(entry: dict[str, Any]) -> Replacement:
    fallback = entry.get("fallback")
    return Replacement(
        api=entry["name"],
        effort=entry["effort"],
        use=entry.get("use"),
        header=entry.get("header"),
        since=entry.get("since"),
        floor=entry.get("floor"),
        shims=tuple(entry.get("shims", ())),
        note=entry.get("note", ""),
        macros=tuple(entry.get("macros", ())),
        fallback=None
        if fallback is None
        else Fallback(
            fallback["use"],
            fallback["header"],
            fallback["since"],
            fallback["floor"],
            tuple(fallback.get("macros", ())),
            tuple(fallback.get("shims", ())),
        ),
        differs=entry.get("differs", ""),
        refused=tuple(entry.get("refused", ())),
        origin=entry.get("origin"),
        goes=entry.get("goes", False),
        spellings=tuple(entry.get("spellings", ())),
    )


def _by_parameters(entity: str, declared: str, table: _Table) -> Replacement | None:
    """The row that claims a function with these parameters, not its other overloads."""
    if not declared or not any(one.startswith(f"{entity}(") for one in table.functions):
        return None
    stated = operator_overloads.parameters(declared)
    return None if stated is None else table.functions.get(f"{entity}({', '.join(stated)})")


def _operator(path: tuple[str, ...], declared: str, table: _Table) -> Replacement | None:
    """The replacement of an entity that calls an operator."""
    if path[:2] == ("at", "_ops") and len(path) in (3, 4) and path[-1] in {*_CALLERS, path[2]}:
        if row := table.entities.get(path[:3]):
            return row
        if (found := table.operators.get(path[2])) is None:
            return None
        name, overload = found[0].partition(".")[::2]
        return _dispatched(name, overload, found[1])
    if path[:-1] not in _OPERATOR_SCOPES:
        return None
    member = path[-2] in ("Tensor", "TensorBase")
    if (called := operator_overloads.operator(path[-1], declared, member=member)) is None:
        return None
    base, chosen = called
    if chosen is None:
        first = _named_operators().get(base)
        return None if first is None else _dispatched(base, None, first)
    caller = f"{base}_{chosen}" if chosen else base
    if row := table.entities.get(("at", "_ops", caller)):
        return row
    known = table.operators.get(caller)
    return None if known is None else _dispatched(base, chosen, known[1])


def _dispatched(name: str, overload: str | None, release: str) -> Replacement:
    since = max(DISPATCHER_SINCE, release, key=_order)
    full = name + (f".{overload}" if overload else "")
    return Replacement(
        api=f"at::{full}",
        effort=2,
        use=dispatcher_call(name, OPEN if overload is None else overload),
        header=DISPATCHER_HEADER,
        since=since,
        floor=since,
        shims=("torch_call_dispatcher",),
        operator=f"aten::{full}" if overload is not None else f"aten::{name}.{OPEN}",
        calls_operator=True,
    )


def dispatcher_call(name: str, overload: str) -> str:
    """The call of an operator through the dispatcher, as shown in a plan."""
    return f'torch_call_dispatcher("aten::{name}", "{overload}")'


@cache
def _named_operators() -> dict[str, str]:
    """Operator names without overload, to the first release of any overload."""
    found: dict[str, str] = {}
    for name, release in _table().operators.values():
        base = name.partition(".")[0]
        found[base] = min(found.get(base, release), release, key=_order)
    return found


def _order(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
