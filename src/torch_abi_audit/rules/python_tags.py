"""M311 to M315, M318, M319: the Pythons that tags and ``Requires-Python`` admit, and the files."""

from __future__ import annotations

from torch_abi_audit.facts.environments import (
    admits,
    newest_minor,
    pythons,
    unreadable_python,
)
from torch_abi_audit.facts.floors import files_of_modules, module_path
from torch_abi_audit.knowledge.names.python import abi3_claim, bound, suffix
from torch_abi_audit.knowledge.platforms import SYSTEMS, platform, same_arch
from torch_abi_audit.model.declared import claims_abi3
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.rules.definition import About, Rule
from torch_abi_audit.rules.platform_tags import is_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.knowledge.names.python import Bound, Suffix
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


M319 = Rule(
    "M319",
    "left-over-extension",
    "The wheel also contains an extension module for an interpreter that its tags exclude",
    "No interpreter that installs the wheel imports the file: each finds the file beside it that "
    "has its own suffix. It is most likely left over from an earlier build.",
    "Build the wheel from a clean tree: delete `build/` and modules that were built in place.",
    Severity.NOTE,
    example="_C.cpython-310-x86_64-linux-gnu.so: left over: only Python 3.10 imports it, but the "
    "wheel is tagged cp312-cp312, and _C.cpython-312-x86_64-linux-gnu.so is beside it",
)


def bound_elsewhere(context: Context) -> Iterator[Finding]:
    """Files for one interpreter in wheels for others or for many."""
    tags = context.tags
    if not tags:
        return
    files = files_of_modules(context.package)
    for path, library in context.libraries:
        if suffix(library.name) is None and bound(library) is None:
            continue
        others = [one for one in files[module_path(library)] if one.name != library.name]
        twin = next((one.name for one in others if _is_imported(one, context)), None)
        if twin is None:
            if not _breaks_claim(library, context):
                yield from _tied(path, library, context)
        elif not _is_imported(library, context) and not is_foreign(library, context):
            yield M319.finding(
                f"left over: only {_interpreter(library, tags)} imports it, but the wheel is "
                f"tagged {_tag_text(tags)}, and {twin} is beside it",
                library=path,
                evidence=_texts(tags),
            )


def _tied(path: str, library: ExtensionReport, context: Context) -> Iterator[Finding]:
    """A library for one interpreter, by its name or by the Python DLL that it imports."""
    tags, own = context.tags, suffix(library.name)
    served = _is_imported(library, context)
    if served and not any(map(_admits_several, tags)):
        return  # the tags name exactly this Python
    if is_foreign(library, context) and _serves_any(library, tags):
        return  # M316 and M317 report the platform
    generic = any(tag.abi == "none" and _admits_several(tag) for tag in tags)
    rule = M312 if served and generic else M311
    what = f"built for {_interpreter(library, tags)}" + (" only" if served else "")
    if not library.entry_points and own is not None:
        rule, what = M318, f"has a name that only {_interpreter(library, tags)} imports"
    named_tags = _tag_text(tags) if served or not _serves_any(library, tags) else _whole(tags)
    yield rule.finding(
        f"{what}, but the wheel is tagged {named_tags}",
        library=path,
        evidence=_texts(tags),
    )


def _admits_several(tag: WheelTag) -> bool:
    """Whether several releases of Python accept a tag; ``cp311-none`` is for 3.11 alone."""
    interpreter = tag.interpreter
    if tag.abi == "none" and interpreter is not None and interpreter[0] == "cp":
        return interpreter[1] is None
    return tag.abi in _OPEN


def _breaks_claim(library: ExtensionReport, context: Context) -> bool:
    """Whether P205 reports the Python DLL that the library imports."""
    return suffix(library.name) is None and claims_abi3(context.declared)


def _interpreter(library: ExtensionReport, tags: Sequence[WheelTag]) -> str:
    """``Python 3.10``, ``PyPy 3.10``; ``Python 3.10 on macOS`` if only the platform differs."""
    own, tied = suffix(library.name), bound(library)
    if own is None:
        return f"Python {tied.python}" if tied is not None else "Python"
    kind = {"cp": "Python", "pp": "PyPy"}.get(own.implementation, "GraalPy")
    text = f"{kind} {own.python.python}"
    if own.system is not None and _serves_any(library, tags) and not _runs(own, tags):
        text += f" on {SYSTEMS[own.system].title}"
        text += f" {own.arch}" if own.arch is not None else ""
    return text


def _is_imported(library: ExtensionReport, context: Context) -> bool:
    """Whether an interpreter that installs the wheel finds a module in the file, by its suffix."""
    own = suffix(library.name)
    return _serves_any(library, context.tags) and (own is None or _runs(own, context.tags))


def _serves_any(library: ExtensionReport, tags: Sequence[WheelTag]) -> bool:
    """Whether a tag admits the interpreter that a file is for; any will do for most files."""
    own, tied = suffix(library.name), bound(library)
    if own is not None and own.implementation != "cp":
        return any(_serves_other(tag, own) for tag in tags)
    return tied is None or any(_serves(tag, tied) for tag in tags)


def _serves_other(tag: WheelTag, own: Suffix) -> bool:
    """Whether a tag admits an interpreter other than CPython."""
    number = tag.python.removeprefix(own.implementation)
    if number == tag.python:
        return tag.python.startswith("py3")
    return number in {"3", f"3{own.python.minor}"}


def _runs(own: Suffix, tags: Sequence[WheelTag]) -> bool:
    """Whether a tag is for the platform that a suffix names, or either is for an unknown one."""
    places = [platform(tag.platform) for tag in tags]
    return own.system is None or any(
        place is None
        or place.system not in SYSTEMS
        or (
            place.system == own.system
            and (own.arch is None or any(same_arch(own.arch, arch) for arch in place.architectures))
        )
        for place in places
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


def _whole(tags: Sequence[WheelTag]) -> str:
    return ", ".join(_texts(tags))


def _texts(tags: Sequence[WheelTag]) -> list[str]:
    return [f"{tag.python}-{tag.abi}-{tag.platform}" for tag in tags]


DETECTORS: Detectors = {
    bound_elsewhere: (M311, M312, M318, M319),
    abi3_for_free_threaded: (M313,),
    requires_python_floor: (M314,),
    nobody_can_install: (M315,),
}
