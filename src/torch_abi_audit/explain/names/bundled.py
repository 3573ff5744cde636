"""Explains names of other projects that torch's libraries export: MKL, libuv, FBGEMM and so on."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import History
from torch_abi_audit.knowledge import bundled_exports, export_index
from torch_abi_audit.knowledge.names.torch import Build, build_of
from torch_abi_audit.mangling import owner
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Explanation


def bundled(name: bytes, platform: str) -> History | None:
    """Which releases export another project's name from a library of torch; None if none does.

    Raises:
        IndexFileError: an index is missing or damaged.
    """
    versions = bundled_exports.releases(platform)
    found = bundled_exports.exports(platform, name)
    if found is None:
        versions = tuple(one.version for one in export_index.releases(platform))
        found = export_index.lookup(platform, (name,)).get(name)
    if found is None or not found.releases:
        return None
    having = tuple(one for at, one in enumerate(versions) if found.releases >> at & 1)
    return History(
        platform=platform,
        oldest=versions[0],
        newest=versions[-1],
        releases=having,
        missing=tuple(one for one in versions if one not in having),
        libraries=tuple(
            (library, tuple(one for at, one in enumerate(versions) if bitmap >> at & 1))
            for library, bitmap in found.by_library
        ),
        cuda=all(build_of(library) is Build.CUDA for library, _ in found.by_library),
    )


def sentences(name: bytes, known: History) -> tuple[str, ...]:
    """What the exports mean: whose function it is, and that it is not torch's to offer."""
    declared = owner(name)
    space = declared[0].decode("utf-8", "replace") if len(declared) > 1 else None
    project = bundled_exports.project(name.decode("utf-8", "replace"), space)
    libraries = ", ".join(library for library, _ in known.libraries)
    every = (*known.releases, *known.missing)
    runs = release_runs(known.releases, every)
    return (
        f"a name of {project}, of which torch contains a copy",
        (
            f"{libraries} of torch {runs} exports it on {known.platform}, but it is not torch's: "
            "it may go with any release"
        ),
    )


def not_exported(platform: str) -> str | None:
    """That no library of torch exports a name, as a sentence; None if that is not known."""
    known = bundled_exports.releases(platform)
    if not known and not platform.startswith("linux"):  # the export index has every name there
        known = tuple(one.version for one in export_index.releases(platform))
    if not known:
        return None
    return f"none of torch's own libraries exports it ({known[0]} to {known[-1]}, {platform})"


def of_question(answer: Explanation, name: bytes, known: History) -> Explanation:
    """The answer to a name that nothing is said to lack."""
    return replace(
        answer,
        is_a=sentences(name, known),
        provider=known.libraries[0][0] if known.libraries else answer.provider,
        history=known,
        causes=(),
        why=(),
        advice=("link the project's own library, and do not rely on the copy in torch",),
        unknown=(),
    )
