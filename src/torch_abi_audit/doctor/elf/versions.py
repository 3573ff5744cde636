"""The check of versions before symbols are looked up: glibc's ``elf/dl-version.c``."""

from __future__ import annotations

import os

from torch_abi_audit.doctor.elf.assertions import NEEDED
from torch_abi_audit.doctor.elf.refusal import RefusalError
from torch_abi_audit.doctor.process import Failure, Refusal
from torch_abi_audit.formats.elf.image import Tag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.doctor.elf.objects import Object

_RELATIVE_TABLE = (2, 36)
"""The release since which the loader asks for the version that marks DT_RELR."""
_RELR_VERSION = b"GLIBC_ABI_DT_RELR"


def check(one: Object, opened: Iterable[Object], release: tuple[int, int]) -> None:
    """Check that the versions that a library needs are defined, and read its own.

    Args:
        one: The library.
        opened: All libraries of the process, in the order of opening.
        release: The release of glibc.

    Raises:
        RefusalError: a version is missing.
    """
    if one.facts is not None:
        libraries = {need.library for need in one.facts.versions.needs}
        by_name = {each: _named(os.fsdecode(each), opened) for each in libraries}
        for need in one.facts.versions.needs:
            provider = by_name[need.library]
            if provider is None:
                raise _not_open(one, os.fsdecode(need.library), release)
            if provider.facts is None or need.weak:
                continue
            defined = provider.facts.versions
            if defined.defines and need.name not in {each.name for each in defined.definitions}:
                name, library = os.fsdecode(need.name), os.fsdecode(need.library)
                raise RefusalError(
                    Failure(
                        f"{provider.path}: version `{name}' not found (required by {one.path})",
                        Refusal.NO_VERSION,
                        one.path,
                        version=name,
                        library=library,
                        copy=provider.opened,
                    )
                )
        _check_relative_table(one, release)
    one.read_versions()


def _named(name: str, opened: Iterable[Object]) -> Object | None:
    return next((each for each in opened if each.is_named(name)), None)


def _not_open(one: Object, library: str, release: tuple[int, int]) -> RefusalError:
    """The end of the program over a version of a library that is not open under this name."""
    text = NEEDED.text(release)
    failure = Failure(text, Refusal.NO_VERSION, one.path, library=library, fatal=True)
    return RefusalError(failure)


def _check_relative_table(one: Object, release: tuple[int, int]) -> None:
    """Refuse a library with DT_RELR that does not say that it needs a loader that knows it."""
    facts = one.facts
    if facts is None or release < _RELATIVE_TABLE or Tag.RELR not in facts.image.tags:
        return
    needs = facts.versions.needs
    if not needs or any(need.name == _RELR_VERSION for need in needs):
        return
    if any(tag == Tag.NEEDED and name.startswith("libc.so.") for tag, name in facts.needed):
        text = f"{one.path}: DT_RELR without GLIBC_ABI_DT_RELR dependency"
        raise RefusalError(Failure(text, Refusal.OTHER, one.path))
