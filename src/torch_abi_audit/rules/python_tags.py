"""M311 to M315, M318: the Pythons that tags and ``Requires-Python`` admit against the files."""

from __future__ import annotations

from torch_abi_audit.facts.environments import (
    admits,
    newest_minor,
    pythons,
    unreadable_python,
)
from torch_abi_audit.facts.floors import module_path
from torch_abi_audit.knowledge.names.python import abi3_claim, bound, named
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.report.wording import some
from torch_abi_audit.rules.definition import About, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.knowledge.names.python import Bound
    from torch_abi_audit.model.declared import WheelTag
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

_OPEN = frozenset({"none", "abi3", "abi3t"})


M311 = Rule(
    "M311",
    "tag-contradicts-extension",
    "A library is built for other Pythons than the wheel's tags name",
    "Installers put the wheel on Pythons that do not find the file, because they look for another "
    "suffix, or that lack what the file uses.",
    "Build the extension for the Pythons that the tag names, or tag the wheel for the Pythons "
    "that the extension is built for.",
    Severity.ERROR,
    example="_C.cpython-310-x86_64-linux-gnu.so: built for Python 3.10 only, but the wheel is "
    "tagged cp310-abi3",
)

M312 = Rule(
    "M312",
    "generic-tag-on-extension",
    "A wheel for any Python contains a library that is built for one Python",
    "Every Python installs the wheel, but only one of them can import the library.",
    "Tag the wheel for the Python that the library is built for; setuptools and scikit-build do "
    "so when they know about the extension.",
    Severity.WARNING,
    example="_C.cpython-313-x86_64-linux-gnu.so: built for Python 3.13 only, but the wheel is "
    "tagged py3-none",
)

M318 = Rule(
    "M318",
    "versioned-name",
    "A library that is not an extension module has a name for one Python",
    "The library may work everywhere when it is loaded by its path; code that looks it up by its "
    "name, or by the suffix of the running Python, finds it on one Python only.",
    "Name it `.so`, or `.abi3.so` if it keeps to the CPython Stable ABI.",
    Severity.WARNING,
    example="_C_mxfp8.cpython-310-x86_64-linux-gnu.so: has a name that only Python 3.10 imports, "
    "but the wheel is tagged cp310-abi3",
)


def bound_elsewhere(context: Context) -> Iterator[Finding]:
    """Files for one Python in wheels for others or for many; non-abi3 modules in abi3 wheels."""
    tags = context.tags
    if not tags:
        return
    modules: dict[str, set[Bound | None]] = {}
    for _, library in context.libraries:
        modules.setdefault(module_path(library), set()).add(bound(library))
    for path, library in context.libraries:
        tied = bound(library)
        if tied is None:
            yield from _unstable(path, library, tags)
        elif len(modules[module_path(library)]) == 1:  # else there is one file for each Python
            yield from _tied(path, library, tied, tags)


def _tied(
    path: str, library: ExtensionReport, tied: Bound, tags: Sequence[WheelTag]
) -> Iterator[Finding]:
    """A library for one Python, by its name or by the Python DLL that it imports."""
    served = any(_serves(tag, tied) for tag in tags)
    if served and all(tag.abi not in _OPEN for tag in tags):
        return  # the tags name exactly this Python
    rule = M312 if served and any(tag.abi == "none" for tag in tags) else M311
    what = f"built for Python {tied.python}" + (" only" if served else "")
    if not library.entry_points and named(library.name):
        rule, what = M318, f"has a name that only Python {tied.python} imports"
    yield rule.finding(
        f"{what}, but the wheel is tagged {_tag_text(tags)}",
        library=path,
        evidence=_texts(tags),
    )


def _unstable(path: str, library: ExtensionReport, tags: Sequence[WheelTag]) -> Iterator[Finding]:
    """An extension module that does not claim abi3 and breaks it, where every tag promises abi3."""
    verdict = library.cpython
    if not library.entry_points or verdict is None or verdict.intent or not verdict.violations:
        return
    if all(tag.is_abi3 for tag in tags):
        yield M311.finding(
            f"imports {some(verdict.violations)} from outside of the CPython Stable ABI, but the "
            f"wheel is tagged {_tag_text(tags)}",
            library=path,
            evidence=verdict.violations,
        )


M313 = Rule(
    "M313",
    "abi3-file-in-abi3t-wheel",
    "A wheel for free-threaded Python contains an extension module that is named abi3",
    "The free-threaded build looks for `.abi3t.so` (PEP 803) and does not find the module.",
    "Build with the abi3t limited API, so that the file is named `.abi3t.so`.",
    Severity.ERROR,
    example="_C.abi3.so: named abi3, which free-threaded Python does not import, but the wheel is "
    "tagged cp315-abi3t",
)


def abi3_for_free_threaded(context: Context) -> Iterator[Finding]:
    """Extension modules named ``.abi3.``, where every tag is abi3t."""
    tags = context.tags
    if {tag.abi for tag in tags} != {"abi3t"}:
        return
    for path, library in context.libraries:
        if library.cpython is None or not library.entry_points:
            continue
        if abi3_claim(library.name) == "abi3":
            yield M313.finding(
                "named abi3, which free-threaded Python does not import, but the wheel is tagged "
                f"{_tag_text(tags)}",
                library=path,
                evidence=_texts(tags),
            )


M314 = Rule(
    "M314",
    "requires-python-too-low",
    "Requires-Python admits Pythons that are too old for the binary",
    "On those Pythons the extension fails to load with an undefined symbol.",
    "Raise `Requires-Python` to the Python that the library needs, or define `Py_LIMITED_API` to "
    "match it.",
    Severity.ERROR,
    example="_C.abi3.so: needs Python 3.11, but Requires-Python '>=3.9' admits 3.9",
)


def requires_python_floor(context: Context) -> Iterator[Finding]:
    """``Requires-Python`` against the floor, where no tag promises abi3; P203 checks abi3 tags."""
    said = context.declared.requires_python
    if not said or any(tag.is_abi3 for tag in context.tags):
        return
    for path, library in context.libraries:
        verdict = library.cpython
        if verdict is None or not verdict.intent or verdict.min_python is None:
            continue
        admitted = _admitted(context) if library.entry_points else []
        if admitted and admitted[0] < release_key(verdict.min_python)[1]:
            yield M314.finding(
                f"needs Python {verdict.min_python}, but Requires-Python {said!r} admits "
                f"3.{admitted[0]}",
                library=path,
                evidence=verdict.floor_symbols,
                fix=f"Declare `Requires-Python: >={verdict.min_python}`.",
            )


def _admitted(context: Context) -> list[int]:
    """The minor releases of Python 3 that tags and ``Requires-Python`` both admit."""
    declared = context.declared
    if context.tags:
        return [int(python.partition(".")[2]) for python in pythons(declared)]
    return [each for each in range(2, newest_minor() + 1) if admits(declared.requires_python, each)]


M315 = Rule(
    "M315",
    "requires-python-excludes-tag",
    "Requires-Python and the wheel's tags have no Python in common",
    "No installer accepts the wheel.",
    "Correct `Requires-Python`, or do not publish the wheel.",
    Severity.ERROR,
    example="Requires-Python '>=3.10' admits no Python that the wheel's tags name: the wheel "
    "cannot be installed",
    about=About.PACKAGE,
)


def nobody_can_install(context: Context) -> Iterator[Finding]:
    """A readable ``Requires-Python`` that admits none of the known Pythons in the tags."""
    declared = context.declared
    if unreadable_python(declared.requires_python) or not any(map(_is_known, context.tags)):
        return
    if not pythons(declared):
        yield M315.finding(
            f"Requires-Python {declared.requires_python!r} admits no Python that the wheel's tags "
            "name: the wheel cannot be installed",
            evidence=declared.tags,
        )


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
    """Whether a tag is for every Python 3, or for a minor release that is known here."""
    match tag.interpreter:
        case ("cp" | "py", None):
            return True
        case ("cp" | "py", int(named)):
            return named <= newest_minor()
    return False


def _tag_text(tags: Sequence[WheelTag]) -> str:
    return ", ".join(dict.fromkeys(f"{tag.python}-{tag.abi}" for tag in tags))


def _texts(tags: Sequence[WheelTag]) -> list[str]:
    return [f"{tag.python}-{tag.abi}-{tag.platform}" for tag in tags]


DETECTORS: Detectors = {
    bound_elsewhere: (M311, M312, M318),
    abi3_for_free_threaded: (M313,),
    requires_python_floor: (M314,),
    nobody_can_install: (M315,),
}
