"""Parses ``--torch``: releases or a torch to check, the installed torch, or the oldest release."""

from __future__ import annotations

import os

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch_abi_audit.judges.library_loads import TorchBuilds
    from torch_abi_audit.sources.installed.torch_version import TorchVersion

_NAMES_ONE = frozenset({"==", "===", ">=", "~="})


@dataclass(frozen=True, slots=True)
class Asked:
    """The builds and releases that ``--torch`` selects."""

    builds: TorchBuilds
    """The exports to check against: the index, or one given torch."""
    within: Callable[[str], bool]
    """Whether a release is selected."""
    beyond: tuple[str, ...] = ()
    """Selected releases that are newer than the index."""
    given: str | None = None
    """The version and place of the torch given by its path; None if none was."""


def asked(spec: str | None) -> Asked:
    """The selection of ``--torch SPEC``; without it, every release of the index.

    Raises:
        TargetError: it is neither a version specifier nor a torch, or it matches no release.
    """
    from torch_abi_audit.knowledge import export_index

    if spec is None:
        return Asked(export_index, lambda _: True)
    if not spec.strip():
        raise TargetError("--torch is empty: give releases such as '>=2.10,<2.13', or a torch")
    if _is_path(spec):
        from torch_abi_audit.audit.given_torch import given_torch

        torch = given_torch(spec)
        return Asked(torch, lambda _: True, given=torch.text)
    return _specified(spec)


def installed_torch(word: str | None, path: Iterable[str]) -> TorchVersion | None:
    """The installed torch of an explanation: the named one, or the one ``import torch`` finds.

    Args:
        word: A release such as ``2.13.0+cu126``, or the path of an installed torch or of a wheel.
        path: The ``sys.path`` to search if there is no word.

    Raises:
        TargetError: the word names no torch.
    """
    from torch_abi_audit.sources.installed import torch_version

    if word is None:
        return torch_version.importable(path)
    if _is_path(word):
        return torch_version.stated(torch_version.place(word))
    found = torch_version.named(word)
    if found is None:
        raise TargetError(
            f"--torch {word}: neither a release such as 2.13.0 or 2.13.0+cu126 nor the path of a "
            "torch directory or wheel"
        )
    return found


def oldest(word: str) -> str:
    """The oldest release to support, with all three numbers.

    Raises:
        TargetError: the word names no final release, or one without the stable ABI.
    """
    from torch_abi_audit.knowledge.torch_shims import STABLE_ABI_BEGINS
    from torch_abi_audit.model.releases import release_key, short
    from torch_abi_audit.sources.installed import torch_version

    found = torch_version.named(word)
    if found is None or found.local:
        raise TargetError(f"--torch {word}: not a torch release such as 2.10")
    if release_key(found.release) < release_key(STABLE_ABI_BEGINS):
        begins = short(STABLE_ABI_BEGINS)
        raise TargetError(
            f"--torch {word}: the stable ABI begins with torch {begins}, so no extension that "
            f"supports an older one can be ported: give {begins} or later"
        )
    return found.release


def _is_path(word: str) -> bool:
    return os.sep in word or "/" in word or word.lower().endswith(".whl") or os.path.isdir(word)


def _specified(spec: str) -> Asked:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    from torch_abi_audit.knowledge import export_index

    text = spec.strip()
    if text[:1].isdigit():
        text = f"=={text}"
    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier as error:
        raise TargetError(
            f"--torch {spec}: neither a version specifier such as '>=2.10,<2.13' nor the path of a "
            "torch directory or wheel"
        ) from error
    newest = max((export_index.newest(one) for one in export_index.platforms()), key=Version)
    beyond = set()
    for one in specifiers:
        try:
            named = Version(one.version.removesuffix(".*"))
        except InvalidVersion:
            continue
        if one.operator in _NAMES_ONE and named > Version(newest) and not named.is_prerelease:
            release = ".".join(map(str, (*named.release, 0, 0)[: max(3, len(named.release))]))
            if specifiers.contains(release):
                beyond.add(release)
    known = [
        release.version
        for platform in export_index.platforms()
        for release in export_index.releases(platform)
    ]
    if not beyond and not any(map(specifiers.contains, known)):
        raise TargetError(
            f"--torch {spec}: no known release matches; "
            f"known releases are {min(known, key=Version)} to {newest}"
        )
    return Asked(
        export_index,
        specifiers.contains,
        tuple(sorted(beyond, key=Version)),
    )
