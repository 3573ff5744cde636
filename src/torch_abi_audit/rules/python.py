"""P201 to P206: what a library needs of CPython."""

from __future__ import annotations

from torch_abi_audit.judges import PYTHON
from torch_abi_audit.judges.python_abi import floor_without
from torch_abi_audit.knowledge.names.python import bound, dll_bound, is_python, suffix
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.declared import claims_abi3, promised_floor
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.verdicts import PythonLabel
from torch_abi_audit.report.wording import some
from torch_abi_audit.rules.definition import Rule, not_lent
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.model.verdicts import CPythonABIVerdict
    from torch_abi_audit.rules import Detectors, ReportDetectors
    from torch_abi_audit.rules.context import Context
    from torch_abi_audit.rules.reported import Reported


P201 = Rule(
    "P201",
    "abi3-violation",
    "A library that claims abi3 imports names outside of the CPython Stable ABI",
    "Installers put an abi3 build on every later Python. Private and version-specific names "
    "change or disappear there, so the import fails, or the library reads memory wrongly.",
    "Compile with `Py_LIMITED_API` defined and replace the names with their Limited API "
    "equivalents, or drop the abi3 tag.",
    Severity.ERROR,
    itemized=True,
    example="_C.abi3.so: claims abi3 but imports _PyObject_GetDictPtr",
    check=PYTHON.check,
    row=True,
)

P202 = Rule(
    "P202",
    "not-abi3",
    "An extension module of a package that uses torch is not built for abi3",
    "The module loads on only one minor release of Python: each new Python needs a new wheel, "
    "even where the torch side of the package is stable.",
    "Build it with `py_limited_api=True`; port a pybind11 module to nanobind or the plain Limited "
    "API, or to a library that `torch.ops.load_library` loads and that needs no Python at all.",
    Severity.WARNING,
    example="_C.cpython-311-x86_64-linux-gnu.so: built for one Python: imports "
    "_PyObject_GetDictPtr and 3 more",
    check=PYTHON.check,
    row=True,
)


def stable_abi(reported: Reported) -> Iterator[Finding]:
    """P201 for any library that claims abi3 and breaks the claim.

    P202 for an extension module of a package that uses torch, where the module keeps to no claim.
    The tags of an abi3 wheel are a claim, too: P205 holds its modules to it.
    """
    uses_torch = reported.package.uses_torch
    tagged = reported.package.abi3_since is not None
    held = {one.library for one in reported.package.findings if one.rule == P205.id}
    for path, library in reported.libraries:
        verdicts = _verdicts(library)
        labels = {one.label for one in verdicts}
        names = _names(verdicts)
        if PythonLabel.VIOLATIONS in labels:
            names = not_lent(names, library)
            if names:
                yield P201.finding(
                    f"claims abi3 but imports {some(names)}", library=path, evidence=names
                )
        elif (
            labels - {PythonLabel.OK}
            and uses_torch
            and path not in held
            and _is_module(library, tagged=tagged)
        ):
            message = "does not claim abi3 in its name"
            if PythonLabel.NO_CAPI in labels:
                message = "claims abi3 in its name but imports nothing from CPython"
            elif names:
                message = f"built for one Python: imports {some(names)}"
            yield P202.finding(message, library=path, evidence=names)


def _is_module(library: ExtensionReport, *, tagged: bool) -> bool:
    """Whether P202 is about a library: not Python itself, and not held to the claim of a tag.

    Args:
        library: The library. A libpython exports the entry points of the modules that it contains.
        tagged: Whether the tags of its wheel claim abi3.
    """
    claims = tagged and bound(library) is None
    return bool(library.entry_points) and not claims and not is_python(library.name)


P203 = Rule(
    "P203",
    "python-floor",
    "A library needs a newer Python than its wheel's tag promises",
    "Installers trust the wheel's tag. An older Python that it admits may lack a name, and the "
    "library fails to load there with an undefined symbol; or it has the name, but only later "
    "releases promise to keep it as it is.",
    "Raise the tag (`py_limited_api`) to the Python that the library needs, or define "
    "`Py_LIMITED_API` to the release that the tag names.",
    Severity.ERROR,
    itemized=True,
    example="_C.abi3.so: needs Python 3.11, but its wheel is tagged for 3.8",
    check=PYTHON.check,
)

P205 = Rule(
    "P205",
    "abi3-tag-violation",
    "A library uses names outside of the CPython Stable ABI, but its wheel is tagged abi3",
    "The tag speaks for every library in the wheel: installers put it on every later Python. "
    "Private and version-specific names change or disappear there, so the library fails to load, "
    "or it reads memory wrongly.",
    "Compile the library with `Py_LIMITED_API` defined and replace the names with their Limited "
    "API equivalents, or tag the wheel for one Python.",
    Severity.ERROR,
    itemized=True,
    example="lib/libhelper.so: imports _PyObject_GetDictPtr from outside of the CPython Stable "
    "ABI, but the wheel is tagged cp311-abi3",
    check=PYTHON.check,
)


def tag_claim(context: Context) -> Iterator[Finding]:
    """What a library imports against the abi3 tags of its wheel: names, and the oldest Python.

    Where every tag promises abi3, each library is held to the promise; otherwise only those that
    claim abi3 themselves, whose names P201 reports.
    """
    promised = promised_floor(context.declared.tags)
    if promised is None:
        return
    from torch_abi_audit.facts.floors import files_of_modules, module_path  # only for abi3 wheels

    whole = claims_abi3(context.declared)
    files = files_of_modules(context.package)
    for path, library in context.libraries:
        own = suffix(library.name)
        if is_python(library.name):
            continue
        if own is not None and len(files[module_path(library)]) > 1:
            continue  # one file for each Python, which only that Python imports
        verdicts = _verdicts(library)
        claims = any(one.intent for one in verdicts)
        if whole and not claims:
            yield from _outside(path, library, context)
        only = bound(library) is not None and (own is None or bool(library.entry_points))
        if (whole or claims) and not only:
            yield from _too_new(path, library, context, promised)


def _outside(path: str, library: ExtensionReport, context: Context) -> Iterator[Finding]:
    """Names outside of the stable ABI, or a link to the DLL of one Python."""
    names: Sequence[str] = not_lent(_names(_verdicts(library)), library)
    linked = [one for image in library.linkage for one in image.needed if dll_bound(one)]
    if not names and not linked:
        return
    if linked:
        what = f"is linked to {linked[0]}"
    else:
        what = f"imports {some(names)} from outside of the CPython Stable ABI"
    tags = dict.fromkeys(f"{tag.python}-{tag.abi}" for tag in context.tags)
    yield P205.finding(
        f"{what}, but the wheel is tagged {', '.join(tags)}",
        library=path,
        evidence=names or linked,
    )


def _too_new(
    path: str, library: ExtensionReport, context: Context, promised: str
) -> Iterator[Finding]:
    """The floor of a library, or of the slice with the highest, against the promised one."""
    form = library.linkage[0].format if library.linkage else Format.ELF
    lent = library.lent_names
    verdicts = [floor_without(one, lent, form) if lent else one for one in _verdicts(library)]
    by_floor = {one.min_python: one for one in verdicts if one.min_python is not None}
    floor = max(by_floor, key=release_key, default=None)
    if floor is None or not _admits_older(context, promised, floor):
        return
    verdict = by_floor[floor]
    since = verdict.exported_since or floor
    evidence = verdict.floor_symbols
    tagged = f"its wheel is tagged for {promised}"
    message, severity = f"needs Python {floor}, but {tagged}", P203.severity
    if release_key(since) < release_key(floor):
        stable = f"{some(evidence)}, in the Stable ABI since Python {floor}"
        if _is_missing(context, promised, since):
            late = f"{some(verdict.late_symbols)}, new in Python {since}"
            if evidence == verdict.late_symbols:
                stable = f"in the Stable ABI since Python {floor}"
            message = f"imports {late}, and {stable}, but {tagged}"
            evidence = tuple(sorted({*evidence, *verdict.late_symbols}))
        else:
            severity = Severity.WARNING
            message = (
                f"imports {stable}, but {tagged}; the older Pythons that install it export the "
                "same names, without the promise to keep them"
            )
    yield replace(P203.finding(message, library=path, evidence=evidence), severity=severity)


def _is_missing(context: Context, promised: str, since: str) -> bool:
    """Whether an admitted Python lacks names that are exported from ``since`` on.

    Nothing is known of the exports of Pythons before 3.6.
    """
    return since != "3.6" and _admits_older(context, promised, since)


def _names(verdicts: Sequence[CPythonABIVerdict]) -> tuple[str, ...]:
    """The names outside of the stable ABI that any slice imports."""
    return tuple(dict.fromkeys(name for one in verdicts for name in one.violations))


def _admits_older(context: Context, promised: str, floor: str) -> bool:
    """Whether tag and ``Requires-Python`` admit a known Python that is older than ``floor``."""
    oldest, needed = release_key(promised)[1], release_key(floor)[1]
    if oldest >= needed:
        return False
    from torch_abi_audit.facts.environments import admits  # rarely needed

    said = context.declared.requires_python
    return any(admits(said, minor) for minor in range(oldest, needed))


P204 = Rule(
    "P204",
    "python-floor-above-required",
    "A library needs a newer Python than the configuration allows",
    "`require.python` names the oldest Python that the package is meant to support; on that "
    "Python this abi3 library fails with an undefined symbol.",
    "Define `Py_LIMITED_API` to the required release, or raise `require.python`.",
    Severity.ERROR,
    itemized=True,
    example="_C.abi3.so: needs Python 3.11, but the configuration allows at most 3.10",
    check=PYTHON.check,
)


def python_floor(reported: Reported) -> Iterator[Finding]:
    """The floor of an abi3 library, or of its first slice that needs too new a Python."""
    allowed = reported.required.python
    if allowed is None:
        return
    for path, library in reported.libraries:
        for verdict in _verdicts(library):
            floor = verdict.min_python
            if verdict.intent and floor and release_key(floor) > release_key(allowed):
                yield P204.finding(
                    f"needs Python {floor}, but the configuration allows at most {allowed}",
                    library=path,
                    evidence=verdict.floor_symbols,
                )
                break


P206 = Rule(
    "P206",
    "names-of-a-newer-python",
    "A library imports names that the Python it is built for does not have",
    "Python refuses to import it: `undefined symbol`. It was compiled with the headers of a newer "
    "release than the one that its name or its wheel's tag is for.",
    "Build it with the headers of the Python that it is for.",
    Severity.ERROR,
    itemized=True,
    example="_C.cpython-311-x86_64-linux-gnu.so: imports PyLong_AsInt, which CPython exports from "
    "3.13 on, but is for Python 3.11",
)
_NEWEST_MEASURED = (3, 13)
"""The newest CPython whose exports are known beside its promises. What later ones promise, earlier
ones may export as well."""


def newer_names(context: Context) -> Iterator[Finding]:
    """Names that no Python which a library is for exports.

    ELF only: a DLL states the Python that provides a name, and dyld may look it up at the first
    call alone.
    """
    from torch_abi_audit.facts.environments import pythons

    tagged: int | None = None
    for path, library in context.libraries:
        verdict = library.cpython
        since = verdict.exported_since if verdict is not None else None
        if verdict is None or since is None or not _is_elf(library):
            continue
        if not (3, 6) < release_key(since) <= _NEWEST_MEASURED:
            continue
        if verdict.intent or is_python(library.name):
            continue
        own = bound(library)
        if own is None and tagged is None:
            admitted = pythons(context.declared) if context.tags else ()
            tagged = max((release_key(each)[1] for each in admitted), default=99)
        newest = own.minor if own is not None else tagged
        if newest is None or newest >= release_key(since)[1]:
            continue
        names = not_lent(verdict.late_symbols, library)
        if names:
            yield P206.finding(
                f"imports {some(names)}, which CPython exports from {since} on, but is for Python "
                f"3.{newest}",
                library=path,
                evidence=names,
            )


def _is_elf(library: ExtensionReport) -> bool:
    return any(image.format is Format.ELF for image in library.linkage)


def _verdicts(library: ExtensionReport) -> tuple[CPythonABIVerdict, ...]:
    """The verdict on each slice, else on the library; empty where the library was not read."""
    if library.cpython is None or library.error is not None:
        return ()
    return tuple(one.cpython for one in library.slices) or (library.cpython,)


DETECTORS: Detectors = {tag_claim: (P203, P205), newer_names: (P206,)}
REPORT_DETECTORS: ReportDetectors = {stable_abi: (P201, P202), python_floor: (P204,)}
