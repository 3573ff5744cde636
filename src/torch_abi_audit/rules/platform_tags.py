"""M316, M317: the format and architecture of the files against the wheel's platform tags."""

from __future__ import annotations

from torch_abi_audit.facts.floors import module_path
from torch_abi_audit.knowledge.platforms import SYSTEM_OF, SYSTEMS, same_arch
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.knowledge.platforms import Platform
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport, Linkage
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

M316 = Rule(
    "M316",
    "tag-contradicts-binary",
    "A library is not built for the platform that the wheel's tag names",
    "The loader on that platform rejects the file.",
    "Build the library for that platform, or tag the wheel for the platform of its libraries.",
    Severity.ERROR,
    example="_C.abi3.so: built for Linux aarch64, but the wheel is tagged manylinux_2_28_x86_64",
)

M317 = Rule(
    "M317",
    "foreign-library",
    "The wheel also contains a library for another platform",
    "The library cannot be loaded where the wheel is installed. It may be there on purpose, as "
    "data.",
    "Leave it out of the wheel, unless it is meant for another machine.",
    Severity.NOTE,
    unites=True,
    example="attach/attach.dylib: built for macOS arm64, but the wheel is tagged "
    "manylinux_2_28_x86_64",
)


def built_for_another(context: Context) -> Iterator[Finding]:
    """Libraries that no tag is for, and extension modules that lack a slice.

    A library that no tag is for is M317 where other libraries fit the tags, and, for an extension
    module, a file of the same module does; otherwise it is M316.
    """
    known = context.platforms
    if not all(each.system in SYSTEMS for each in known):
        return
    fitting = {module_path(one) for _, one in context.libraries if _fits(one, known)}
    tags = [each.tag for each in known]
    for path, library in context.libraries if known else ():
        if not library.linkage:
            continue
        if _fits(library, known):
            lacking = _missing_slices(library, known)
            if lacking:
                yield M316.finding(
                    f"has no slice for {' and '.join(lacking)}, which the tag {tags[0]} promises",
                    library=path,
                    evidence=tags,
                )
            continue
        image = library.linkage[0]
        alone = library.entry_points and module_path(library) not in fitting
        rule = M316 if alone or not fitting else M317
        machine = f"{SYSTEM_OF[image.format].title} {image.arch}"
        yield rule.finding(
            f"built for {machine}, but the wheel is tagged {', '.join(tags)}",
            library=path,
            evidence=[machine] if rule is M317 else tags,
        )


def is_foreign(one: ExtensionReport, context: Context) -> bool:
    """Whether no tag is for the format and architecture of a library; False where unknown."""
    known = context.platforms
    if not known or not one.linkage or not all(each.system in SYSTEMS for each in known):
        return False
    return not _fits(one, known)


def _missing_slices(one: ExtensionReport, known: Sequence[Platform]) -> list[str]:
    """Architectures of a universal2 tag that an extension module has no slice for."""
    if not one.entry_points or any(each.tag.endswith(("_x86_64", "_arm64")) for each in known):
        return []
    present = [image.arch for image in one.linkage]
    return [
        arch
        for each in known
        if each.tag.endswith("_universal2")
        for arch in each.architectures
        if not any(same_arch(arch, each) for each in present)
    ]


def _fits(one: ExtensionReport, known: Sequence[Platform]) -> bool:
    return any(_runs_on(image, each) for image in one.linkage for each in known)


def _runs_on(image: Linkage, platform: Platform) -> bool:
    return image.format == SYSTEMS[platform.system].format and any(
        same_arch(image.arch, arch) for arch in platform.architectures
    )


DETECTORS: Detectors = {built_for_another: (M316, M317)}
