"""The history of a symbol in torch's releases, from the export index."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import History
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names.torch import Build, build_of
from torch_abi_audit.knowledge.old_exports import exported_before
from torch_abi_audit.knowledge.platforms import LINUX, system_of_platform
from torch_abi_audit.mangling import demangle
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.knowledge.export_file import Exports

_SHOWN = 3
_QUALIFIED = re.compile(r"[A-Za-z_]\w*(?:::~?[A-Za-z_]\w*)+")


def history(name: bytes, platform: str) -> History:
    """The history of a raw name on one platform.

    Raises:
        IndexFileError: the index is missing or damaged.
        KeyError: it does not cover the platform.
    """
    releases = export_index.releases(platform)
    versions = tuple(one.version for one in releases)
    exports = export_index.lookup(platform, (name,)).get(name)
    bitmap = 0 if exports is None else exports.releases
    having = _of(bitmap, versions)
    missing = tuple(one for one in versions if one not in having)
    libraries = (
        ()
        if exports is None
        else tuple((library, _of(each, versions)) for library, each in exports.by_library)
    )
    neighbours = export_index.nearest(platform, name) if missing else ()
    lacking = ((1 << len(versions)) - 1) & ~bitmap
    alike = [one.name for one in neighbours if one.exports.releases & lacking]
    return History(
        platform=platform,
        oldest=versions[0],
        newest=versions[-1],
        releases=having,
        missing=missing,
        before=exported_before(demangle([name])[0]),
        libraries=libraries,
        cuda=exports is not None and _is_cuda(exports),
        instead=tuple(demangle(alike[:_SHOWN])),
        old_string=export_index.uses_old_string(name) or _is_old_tag(name, alike),
        new_string=b"7__cxx11" in name or b"B5cxx11" in name,
    )


def named(text: str, platform: str) -> bytes | None:
    """The raw name of a demangled one, searched among the exports of all releases.

    Of several overloads, the one whose text is equal apart from spaces; otherwise the first. None
    if no release exports a function with this qualified name.
    """
    match = _QUALIFIED.search(text)
    if match is None:
        return None
    parts = match[0].split("::")
    if parts[-1].startswith("~"):
        last = "D1"
    else:
        last = "C1" if len(parts) > 1 and parts[-1] == parts[-2] else f"{len(parts[-1])}{parts[-1]}"
    body = "".join(f"{len(part)}{part}" for part in parts[:-1]) + last
    found: dict[bytes, None] = {}
    for prefix in ("_ZN", "_ZNK"):
        probe = f"{prefix}{body}Ev".encode()
        if export_index.exported(platform, probe):
            found[probe] = None
        found.update(dict.fromkeys(one.name for one in export_index.nearest(platform, probe)))
    names = list(found)
    wanted = _squeezed(text)
    for name, shown in zip(names, demangle(names), strict=True):
        if _squeezed(shown) == wanted:
            return name
    return names[0] if names else None


def is_same_text(text: str, shown: str) -> bool:
    """Whether two demangled names are equal apart from spaces and the tag of the C++11 ABI."""
    return _squeezed(text) == _squeezed(shown)


def of_overload(known: History, text: str, shown: str) -> History:
    """The history of a demangled name of which releases export only other signatures.

    Args:
        known: The history of another signature.
        text: The demangled name.
        shown: The other signature, demangled.
    """
    every = tuple(sorted({*known.releases, *known.missing}, key=release_key))
    return replace(
        known,
        releases=(),
        missing=every,
        libraries=(),
        cuda=False,
        instead=tuple(dict.fromkeys((shown, *known.instead)))[:_SHOWN],
        old_string="std::string" in text,
        new_string="__cxx11" in text,
    )


def moved(known: History) -> tuple[str, ...]:
    """Where the symbol went if it moved from one of torch's libraries to another."""
    if not known.releases:
        return ()
    before = {library for library, each in known.libraries if known.releases[0] in each}
    after = {library for library, each in known.libraries if known.releases[-1] in each}
    if before & after:
        return ()
    since = next(
        release
        for release in known.releases
        if any(library in after and release in each for library, each in known.libraries)
    )
    said = f"it moved from {', '.join(sorted(before))} to {', '.join(sorted(after))} in {since}"
    if system_of_platform(known.platform) is LINUX:
        return (said,)
    return (f"{said}: libraries linked before that look for it only in the old one",)


def _of(bitmap: int, versions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for at, one in enumerate(versions) if bitmap >> at & 1)


def _is_cuda(exports: Exports) -> bool:
    return all(build_of(library) is Build.CUDA for library, _ in exports.by_library)


def _is_old_tag(name: bytes, alike: list[bytes]) -> bool:
    """Whether an export differs from the name only by the tag of the C++11 ABI."""
    return any(one.replace(b"B5cxx11", b"") == name for one in alike)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text).replace("[abi:cxx11]", "")
