"""Wheel tags and ``Requires-Python`` against what the files are."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.python import bound, is_abi3, named
from torch_abi_audit.metadata.declared import (
    Declared,
    WheelTag,
    admits,
    newest_minor,
    pythons,
    tag_platforms,
    unreadable_python,
    wheel_tags,
)
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.rules import finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch_abi_audit.knowledge.names.python import Bound
    from torch_abi_audit.knowledge.platforms import Platform
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport, Linkage, PackageReport

_OPEN = frozenset({"none", "abi3", "abi3t"})
_FORMATS = {"linux": "elf", "macos": "mach-o", "windows": "pe"}
_NAMES = {"elf": "Linux", "mach-o": "macOS", "pe": "Windows"}
_SAME = {"amd64": "x86_64", "i386": "i686"}


def min_python(report: PackageReport, declared: Declared) -> str | None:
    """The oldest Python on which every extension module loads, as far as the files show.

    What claims abi3 has the floor of its names; what is bound to one Python has that; what names
    none is for the Python of the wheel's tag, where the tags name one.
    """
    named = {tag.interpreter for tag in wheel_tags(declared) if tag.abi not in _OPEN}
    minors = {found[1] for found in named if found is not None and found[1] is not None}
    only = f"3.{minors.pop()}" if len(minors) == 1 else None
    floors: dict[str, list[str]] = {}
    for one in report.extensions:
        tied = bound(one)
        floor = only
        if tied is not None:
            floor = f"3.{tied.minor}"
        elif one.cpython is not None and one.cpython.intent:
            floor = one.cpython.min_python
        if floor:
            floors.setdefault(_module(one), []).append(floor)
    oldest = [min(each, key=release_key) for each in floors.values()]
    return max(oldest, key=release_key, default=None)


def findings(report: PackageReport, declared: Declared) -> Iterator[Finding]:
    """Where tags, ``Requires-Python`` and the files contradict each other."""
    tags = wheel_tags(declared)
    if unreadable_python(declared.requires_python):
        yield finding(
            "M306",
            f"Requires-Python {declared.requires_python!r} cannot be read",
            evidence=[declared.requires_python or ""],
        )
    elif any(_is_known(tag) for tag in tags) and not pythons(declared):
        yield finding(
            "M315",
            f"Requires-Python {declared.requires_python!r} admits no Python that the wheel's tags "
            "name: nobody can install it",
            evidence=declared.tags,
        )
    tied = [(one, _module(one), bound(one)) for one in report.libraries]
    modules: dict[str, set[Bound | None]] = {}
    for _, module, tie in tied:
        modules.setdefault(module, set()).add(tie)
    platforms = tag_platforms(tags)
    known = platforms if all(each.system in _FORMATS for each in platforms) else ()
    fits = any(_fits(one, known) for one in report.libraries)
    for one, module, tie in tied:
        where = relative_path(one, report)
        if tags:
            yield from _by_name(one, tie, modules[module], where, tags)
        if known and one.linkage:
            yield from _platform(one, where, known, fits=fits)
        yield from _floor(one, where, tags, declared)


def _by_name(
    one: ExtensionReport,
    tied: Bound | None,
    same: Collection[Bound | None],
    where: str,
    tags: Sequence[WheelTag],
) -> Iterator[Finding]:
    """Whether the Pythons that the tags name can import the file; ``same`` are its module's."""
    if tied is not None:
        yield from _tied(one, tied, same, where, tags)
        return
    if not one.entry_points or one.cpython is None:
        return
    if {tag.abi for tag in tags} == {"abi3t"} and is_abi3(one.name):
        yield finding(
            "M313",
            f"free-threaded Python does not import it, and the wheel is tagged {_tag_text(tags)}",
            library=where,
            evidence=_texts(tags),
        )
    if all(tag.is_abi3 for tag in tags) and one.cpython.violations and not one.cpython.intent:
        yield finding(
            "M311",
            f"it uses {_some(one.cpython.violations)} from outside the stable ABI, and the wheel "
            f"is tagged {_tag_text(tags)}",
            library=where,
            evidence=one.cpython.violations,
        )


def _tied(
    one: ExtensionReport,
    tied: Bound,
    same: Collection[Bound | None],
    where: str,
    tags: Sequence[WheelTag],
) -> Iterator[Finding]:
    """A library that is for one Python, by its name or by the DLL that it imports."""
    if len(same) > 1:
        return  # a file for each of several Pythons
    served = any(_serves(tag, tied) for tag in tags)
    if served and all(tag.abi not in _OPEN for tag in tags):
        return  # built for this very Python
    what = f"is built for Python {tied.python}" + (" alone" if served else "")
    rule = "M312" if served and any(tag.abi == "none" for tag in tags) else "M311"
    if not one.entry_points and named(one.name):
        rule, what = "M318", f"has a name that Python {tied.python} alone imports"
    yield finding(
        rule,
        f"it {what}, and the wheel is tagged {_tag_text(tags)}",
        library=where,
        evidence=_texts(tags),
    )


def _floor(
    one: ExtensionReport, where: str, tags: Sequence[WheelTag], declared: Declared
) -> Iterator[Finding]:
    """``Requires-Python`` against the floor, where no abi3 tag promises one: P203 is for that."""
    verdict = one.cpython
    if verdict is None or not verdict.intent or verdict.min_python is None:
        return
    if any(tag.is_abi3 for tag in tags) or not one.entry_points:
        return
    needed = release_key(verdict.min_python)[1]
    admitted = _admitted(tags, declared)
    if declared.requires_python and admitted and admitted[0] < needed:
        yield finding(
            "M314",
            f"it needs Python {verdict.min_python}, and Requires-Python "
            f"{declared.requires_python!r} admits 3.{admitted[0]}",
            library=where,
            evidence=verdict.floor_symbols,
            fix=f"Declare `Requires-Python: >={verdict.min_python}`.",
        )


def _admitted(tags: Sequence[WheelTag], declared: Declared) -> list[int]:
    """The minor releases of Python 3 that tags and ``Requires-Python`` both let in."""
    if tags:
        return [int(python.partition(".")[2]) for python in pythons(declared)]
    return [each for each in range(2, newest_minor() + 1) if admits(declared.requires_python, each)]


def _platform(
    one: ExtensionReport, where: str, known: Sequence[Platform], *, fits: bool
) -> Iterator[Finding]:
    """Format and architecture against the platform tags; ``fits`` where some library does."""
    if _fits(one, known):
        missing = _missing_slices(one, known)
        if missing:
            yield finding(
                "M316",
                f"it lacks {' and '.join(missing)}, which the tag {known[0].tag} promises",
                library=where,
                evidence=[each.tag for each in known],
            )
        return
    image = one.linkage[0]
    text = (
        f"it is built for {_NAMES[image.format]} {image.arch}, and the wheel is tagged "
        f"{', '.join(each.tag for each in known)}"
    )
    rule = "M316" if one.entry_points or not fits else "M317"
    yield finding(rule, text, library=where, evidence=[each.tag for each in known])


def _missing_slices(one: ExtensionReport, known: Sequence[Platform]) -> list[str]:
    """Architectures of a macOS tag that an extension module has no slice for."""
    if not one.entry_points or any(each.tag.endswith(("_x86_64", "_arm64")) for each in known):
        return []
    present = {_same(image.arch) for image in one.linkage}
    return [
        arch
        for each in known
        if each.tag.endswith("_universal2")
        for arch in each.architectures
        if arch not in present
    ]


def _fits(one: ExtensionReport, known: Sequence[Platform]) -> bool:
    return any(_runs_on(image, each) for image in one.linkage for each in known)


def _runs_on(image: Linkage, platform: Platform) -> bool:
    return image.format == _FORMATS[platform.system] and (
        _same(image.arch) in map(_same, platform.architectures)
    )


def _same(arch: str) -> str:
    return _SAME.get(arch, arch)


def _serves(tag: WheelTag, tied: Bound) -> bool:
    match tag.interpreter:
        case ("cp", None) | ("py", None):
            return True
        case ("cp", int(named)) if tag.is_abi3:
            return tied.minor >= named
        case ("cp", int(named)):
            free = tag.abi.endswith("t") and tag.abi.startswith("cp")
            return tied.minor == named and (tag.abi == "none" or free == tied.free_threaded)
        case ("py", int(named)):
            return tied.minor >= named
    return False


def _is_known(tag: WheelTag) -> bool:
    """Whether a tag names a CPython release of which there is anything to say."""
    match tag.interpreter:
        case ("cp" | "py", None):
            return True
        case ("cp" | "py", int(named)):
            return named <= newest_minor()
    return False


def _module(one: ExtensionReport) -> str:
    """The path without what names a Python: the files of one module share it."""
    return one.path_text.removesuffix(one.name) + one.name.partition(".")[0]


def _tag_text(tags: Sequence[WheelTag]) -> str:
    pairs = dict.fromkeys(f"{tag.python}-{tag.abi}" for tag in tags)
    return ", ".join(pairs)


def _texts(tags: Sequence[WheelTag]) -> list[str]:
    return [f"{tag.python}-{tag.abi}-{tag.platform}" for tag in tags]


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
