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
    from collections.abc import Sequence

    from torch_abi_audit.doctor.elf.objects import Object, Version
    from torch_abi_audit.formats.elf.definitions import Definition

    _Wanted = tuple[bytes, Version | None]

_FIRST_OWN_VERSION = 2
"""Indices 0 and 1 stand for no version; this is the oldest that a file defines."""
_LINK_TIME = (2, 30)
"""The release before which the library that a version was linked to had to define the symbol."""


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
    versions = one.versions or {}
    order: dict[_Wanted, None] = {}
    for reference in references:
        if not reference.weak:
            version = versions.get(reference.version)
            order[reference.name, version if version and version.name else None] = None
    missing = dict(order)
    stops: dict[_Wanted, Object] = {}
    unread = []
    for provider in scope:
        if not missing:
            break
        try:
            _provide(provider, missing, stops)
        except FormatError as error:
            unread.append(f"{provider.path}: {error}")
    if not VERSIONED.holds_in(release):
        stops.clear()
    failing = next((each for each in order if each in missing or each in stops), None)
    if failing is None:
        return None
    if failing in missing and unread:
        return f"Whether {one.path} finds all its symbols is not known: {unread[0]}."
    if failing in stops:
        raise _assertion(one, failing, stops[failing], release)
    raise _refusal(one, failing, scope, release)


def _provide(provider: Object, missing: dict[_Wanted, None], stops: dict[_Wanted, Object]) -> None:
    """Take off what a library defines.

    Args:
        provider: The library.
        missing: The names that have no definition so far.
        stops: Names whose version the library should have; older loaders stop there.

    Raises:
        FormatError: the library was not read, or is damaged.
    """
    found = provider.definitions({name for name, _ in missing})
    if not found:
        return
    for wanted in [each for each in missing if each[0] in found]:
        name, version = wanted
        chosen = _chosen(found[name], version, provider)
        named = version is not None and provider.is_named(version.library or "")
        if named and not provider.versions:
            stops[wanted] = provider
        if chosen is not None and chosen.shown:
            del missing[wanted]


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
    one: Object, wanted: _Wanted, scope: Sequence[Object], release: tuple[int, int]
) -> RefusalError:
    """The loader's answer where a name has no definition."""
    name, version = os.fsdecode(wanted[0]), wanted[1]
    text = f"{one.path}: undefined symbol: {name}"
    if version is None:
        return RefusalError(Failure(text, Refusal.NO_SYMBOL, one.path, symbol=name))
    library = version.library
    copy = next((each for each in scope if library and each.is_named(library)), None)
    if copy is not None and release < _LINK_TIME:
        text = (
            f"{one.path}: symbol {name}, version {version.name} not defined in file {library} "
            "with link time reference"
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
    one: Object, wanted: _Wanted, provider: Object, release: tuple[int, int]
) -> RefusalError:
    """The message with which an older loader ends the program."""
    name, version = os.fsdecode(wanted[0]), wanted[1]
    return RefusalError(
        Failure(
            VERSIONED.text(release),
            Refusal.NO_VERSION,
            one.path,
            symbol=name,
            version=None if version is None else version.name,
            library=None if version is None else version.library,
            copy=provider.opened,
            fatal=True,
        )
    )
