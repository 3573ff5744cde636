"""P201 to P204: what a library needs of CPython."""

from __future__ import annotations

from torch_abi_audit.judges import PYTHON
from torch_abi_audit.model.declared import promised_floor
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.verdicts import PythonLabel
from torch_abi_audit.report.wording import some
from torch_abi_audit.rules.definition import Rule, not_lent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

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
    modules_only=True,
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
    modules_only=True,
    row=True,
)


def stable_abi(reported: Reported) -> Iterator[Finding]:
    """P201 for any library that claims abi3 and breaks the claim.

    P202 for an extension module of a package that uses torch, where the module keeps to no claim.
    """
    uses_torch = reported.package.uses_torch
    for path, library in reported.libraries:
        verdicts = _verdicts(library)
        labels = {one.label for one in verdicts}
        names = tuple(dict.fromkeys(name for one in verdicts for name in one.violations))
        if PythonLabel.VIOLATIONS in labels:
            names = not_lent(names, library)
            if names:
                yield P201.finding(
                    f"claims abi3 but imports {some(names)}", library=path, evidence=names
                )
        elif labels - {PythonLabel.OK} and library.entry_points and uses_torch:
            message = "does not claim abi3 in its name"
            if PythonLabel.NO_CAPI in labels:
                message = "claims abi3 in its name but imports nothing from CPython"
            elif names:
                message = f"built for one Python: imports {some(names)}"
            yield P202.finding(message, library=path, evidence=names)


P203 = Rule(
    "P203",
    "python-floor",
    "A library needs a newer Python than its wheel's tag promises",
    "Installers trust the wheel's tag: on the older Pythons that it admits, the extension fails "
    "to load with an undefined symbol.",
    "Raise the tag (`py_limited_api`) to the Python that the library needs, or define "
    "`Py_LIMITED_API` to the release that the tag names.",
    Severity.ERROR,
    itemized=True,
    example="_C.abi3.so: needs Python 3.11, but its wheel is tagged for 3.8",
)


def tag_floor(context: Context) -> Iterator[Finding]:
    """The floor of an abi3 library against the oldest Python that the wheel's tags admit."""
    promised = promised_floor(context.declared.tags)
    if promised is None:
        return
    for path, library in context.libraries:
        verdict = library.cpython
        floor = verdict.min_python if verdict is not None and verdict.intent else None
        if verdict is None or not floor or not _admits_older(context, promised, floor):
            continue
        setters = not_lent(verdict.floor_symbols, library)
        if setters or not library.lent:
            yield P203.finding(
                f"needs Python {floor}, but its wheel is tagged for {promised}",
                library=path,
                evidence=setters,
            )


def _admits_older(context: Context, promised: str, floor: str) -> bool:
    """Whether tag and ``Requires-Python`` admit a Python that is older than ``floor``."""
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


def _verdicts(library: ExtensionReport) -> tuple[CPythonABIVerdict, ...]:
    """The verdict on each slice, else on the library; empty where the library was not read."""
    if library.cpython is None or library.error is not None:
        return ()
    return tuple(one.cpython for one in library.slices) or (library.cpython,)


DETECTORS: Detectors = {tag_floor: (P203,)}
REPORT_DETECTORS: ReportDetectors = {stable_abi: (P201, P202), python_floor: (P204,)}
