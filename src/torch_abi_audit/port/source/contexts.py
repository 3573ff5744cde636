"""What the headers of a project declare for the sources that include them. Pure."""

from __future__ import annotations

from torch_abi_audit.port.source.tokens import include_paths
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch_abi_audit.port.source.scopes import Held

_NO_NAMES: Mapping[str, Held] = MappingProxyType({})
_NO_LINKS: Mapping[str, tuple[str, ...]] = MappingProxyType({})
_MOST = 200
"""How many headers of a source are followed."""


@dataclass(frozen=True, slots=True)
class Context:
    """Declarations outside of all braces, as in ``scopes``."""

    opened: tuple[str, ...] = ()
    """Torch's namespaces that a ``using namespace`` opens."""
    types: Mapping[str, Held] = field(default_factory=lambda: _NO_NAMES)
    values: Mapping[str, Held] = field(default_factory=lambda: _NO_NAMES)
    links: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_LINKS)
    members: Mapping[str, Held] = field(default_factory=lambda: _NO_NAMES)
    """Members of classes."""
    own: frozenset[str] = frozenset()
    """Names of types and functions that the project declares."""
    macros: frozenset[str] = frozenset()
    """Names of macros that the project defines."""
    torch: bool = False
    """Whether torch is used at all."""


NOTHING = Context()


def contexts(files: Mapping[str, bytes]) -> dict[str, Context]:
    """What the included headers declare, for each source that includes some.

    Args:
        files: The sources of a project by their paths, with forward slashes.
    """
    from torch_abi_audit.port.source.reading import declared

    by_name: dict[str, list[str]] = {}
    for path in files:
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    included = {
        path: tuple(_resolved(path, include_paths(data), by_name)) for path, data in files.items()
    }
    wanted = {header for headers in included.values() for header in headers}
    known = {path: declared(files[path]) for path in sorted(wanted)}
    found: dict[str, Context] = {}
    for path, headers in included.items():
        if headers:
            found[path] = _joined(path, headers, included, known)
    return found


def _resolved(path: str, paths: Iterable[str], by_name: Mapping[str, list[str]]) -> Iterable[str]:
    """The project's files that includes mean: the nearest of those whose path ends alike."""
    for one in paths:
        parts = [part for part in one.split("/") if part not in (".", "..")]
        if not parts:
            continue
        tail = "/".join(parts)
        fitting = [
            file
            for file in by_name.get(parts[-1], ())
            if file != path and (file == tail or file.endswith("/" + tail))
        ]
        if fitting:
            yield max(fitting, key=lambda file: (_common(file, path), -len(file)))


def _common(one: str, other: str) -> int:
    """How many folders two paths have in common."""
    count = 0
    for left, right in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
        if left != right:
            break
        count += 1
    return count


def _joined(
    path: str,
    headers: Iterable[str],
    included: Mapping[str, tuple[str, ...]],
    known: Mapping[str, Context],
) -> Context:
    reached: dict[str, None] = {}
    waiting = list(headers)
    while waiting and len(reached) < _MOST:
        header = waiting.pop()
        if header not in reached and header != path:
            reached[header] = None
            waiting.extend(included.get(header, ()))
    opened: dict[str, None] = {}
    types: dict[str, Held] = {}
    values: dict[str, Held] = {}
    links: dict[str, tuple[str, ...]] = {}
    members: dict[str, Held] = {}
    own: set[str] = set()
    macros: set[str] = set()
    torch = False
    for header in reached:
        one = known[header]
        opened.update(dict.fromkeys(one.opened))
        types.update(one.types)
        values.update(one.values)
        links.update(one.links)
        members.update(one.members)
        own |= one.own
        macros |= one.macros
        torch = torch or one.torch
    return Context(
        tuple(opened),
        MappingProxyType(types),
        MappingProxyType(values),
        MappingProxyType(links),
        MappingProxyType(members),
        frozenset(own),
        frozenset(macros),
        torch,
    )
