"""The search for the definition of every name that a library needs: glibc's ``elf/dl-lookup.c``."""

from __future__ import annotations

import os

from torch_abi_audit.doctor.elf.assertions import VERSIONED
from torch_abi_audit.doctor.elf.refusal import RefusalError
from torch_abi_audit.doctor.process import Failure, Refusal
from torch_abi_audit.formats.elf.undefined import undefined
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_abi_audit.doctor.elf.objects import Object, Version
    from torch_abi_audit.formats.elf.definitions import Definition

    _Wanted = tuple[bytes, int]

_NO_VERSION = 0
_FIRST_OWN_VERSION = 2
"""Indices 0 and 1 stand for no version; this is the oldest that a file defines."""
_LINK_TIME = (2, 30)
"""The release before which the library that a version was linked to had to define the symbol."""
_NO_COMMA = (2, 27)
"""The release that lost a comma in the message about that."""


def bind(
    one: Object, scope: Sequence[Object], release: tuple[int, int], *, lazy: bool = False
) -> str | None:
    """Look for the definitions of all names that a library needs.

    Args:
        one: The library.
        scope: The libraries that are searched, in order.
        release: The release of glibc.
        lazy: Whether functions are left out, which a program that starts may resolve later.

    Returns:
        What could not be determined, as a sentence; None if all was.

    Raises:
        RefusalError: a name has no definition.
    """
    if one.facts is None:
        return None
    try:
        references = undefined(one.facts.image, lazy=lazy)
    except FormatError as error:
        return f"What {one.path} needs is not known: {error}."
    versions = {index: each for index, each in (one.versions or {}).items() if each.name}
    order: dict[_Wanted, None] = {}
    for reference in references:
        if not reference.weak:
            index = reference.version if reference.version in versions else _NO_VERSION
            order[reference.name, index] = None
    missing, stops, unread = _searched(order, versions, scope, release)
    failing = next((each for each in order if each in missing or each in stops), None)
    if failing is None:
        return None
    if failing in missing and unread:
        return f"Whether {one.path} finds all its symbols is not known: {unread[0]}."
    name, version = os.fsdecode(failing[0]), versions.get(failing[1])
    if failing in stops and version is not None and not stops[failing].versions:
        raise _assertion(one, name, version, stops[failing], release)
    raise _refusal(one, name, version, scope, release)


def _searched(
    order: Mapping[_Wanted, None],
    versions: Mapping[int, Version],
    scope: Sequence[Object],
    release: tuple[int, int],
) -> tuple[set[_Wanted], dict[_Wanted, Object], list[str]]:
    """The names that no library defines; those at which the loader stops; what was not read.

    An older loader stops at the library that should have a version of a name: before 2.30 if it has
    not, and before 2.41 if it has no versions at all.
    """
    missing = set(order)
    stops: dict[_Wanted, Object] = {}
    unread = []
    for provider in scope:
        if not missing:
            break
        try:
            found = provider.definitions({name for name, _ in missing})
        except FormatError as error:
            unread.append(f"{provider.path}: {error}")
            continue
        named = {
            index
            for index, version in versions.items()
            if version.library is not None and provider.is_named(version.library)
        }
        for wanted in [each for each in missing if each[0] in found]:
            if wanted[1] in named and not provider.versions and VERSIONED.holds_in(release):
                stops.setdefault(wanted, provider)
            chosen = _chosen(found[wanted[0]], versions.get(wanted[1]), provider)
            if chosen is not None and chosen.shown:
                missing.remove(wanted)
        if release < _LINK_TIME:
            stops.update((each, provider) for each in missing if each[1] in named)
    return missing, stops, unread


def _chosen(
    definitions: Sequence[Definition], version: Version | None, provider: Object
) -> Definition | None:
    """The definition of a name that a reference gets from a library."""
    known = provider.versions
    if not known:  # a library without versions satisfies every reference
        return definitions[0]
    fallbacks = []
    for each in definitions:
        if version is None:
            if each.version <= _FIRST_OWN_VERSION:
                return each
            if not each.hidden:
                fallbacks.append(each)
            continue
        own = known.get(each.version)
        name = own.name if own is not None else ""
        if name == version.name:
            return each
        if not version.exact and not name and not each.hidden:
            fallbacks.append(each)
    return fallbacks[0] if len(fallbacks) == 1 else None


def _refusal(
    one: Object,
    name: str,
    version: Version | None,
    scope: Sequence[Object],
    release: tuple[int, int],
) -> RefusalError:
    """The loader's answer where a name has no definition."""
    text = f"{one.path}: undefined symbol: {name}"
    if version is None:
        return RefusalError(Failure(text, Refusal.NO_SYMBOL, one.path, symbol=name))
    library = version.library
    copy = next((each for each in scope if library and each.is_named(library)), None)
    if copy is not None and release < _LINK_TIME:
        comma = "," if release < _NO_COMMA else ""
        text = (
            f"{one.path}: symbol {name}{comma} version {version.name} not defined in file "
            f"{library} with link time reference"
        )
    else:
        text += f", version {version.name}"
    return RefusalError(
        Failure(
            text,
            Refusal.NO_SYMBOL,
            one.path,
            symbol=name,
            version=version.name,
            library=library,
            copy=None if copy is None else copy.opened,
        )
    )


def _assertion(
    one: Object, name: str, version: Version, provider: Object, release: tuple[int, int]
) -> RefusalError:
    """The message with which an older loader ends the program."""
    return RefusalError(
        Failure(
            VERSIONED.text(release),
            Refusal.NO_VERSION,
            one.path,
            symbol=name,
            version=version.name,
            library=version.library,
            copy=provider.opened,
            fatal=True,
        )
    )
