"""Judges a library's use of the CPython ABI, from its imports and its file name. No I/O."""

from __future__ import annotations

from torch_abi_audit.judges.interface import Case, Comparison, Display, Judge, Listing
from torch_abi_audit.judges.prefixes import beginning
from torch_abi_audit.knowledge import cpython_abi
from torch_abi_audit.knowledge.names.python import (
    abi3_claim,
    dll_bound,
    dll_flavour,
    is_libpython,
    is_python,
)
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.verdicts import CPythonABIVerdict, PythonLabel
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from torch_abi_audit.judges.interface import Fact
    from torch_abi_audit.model.binary import Binary
    from torch_abi_audit.model.reports import PackageReport

_FLAVOURS = ("abi3", "abi3t")
_FIRST = "3.2"
"""The first release with a stable ABI."""
_OLDEST = "3.6"
"""The oldest release whose exports are known."""


def references(binary: Binary) -> tuple[bytes, ...]:
    """Return the CPython names among the strong imports, in bytewise order.

    On PE the DLL decides. Elsewhere a name counts if some CPython release exports it, which
    excludes other projects' names such as ``PyVTK…``.
    """
    names = [*beginning(binary.imports, b"Py"), *beginning(binary.imports, b"_Py")]
    if binary.format is Format.PE or binary.providers:
        return tuple(name for name in names if _is_c_api(name) and _is_provided(name, binary))
    return tuple(name for name in names if cpython_abi.is_listed(name) or _is_unstable(name))


def _is_provided(name: bytes, binary: Binary) -> bool:
    """Whether CPython provides a name, in a format that states providers."""
    provider = binary.providers.get(name)
    if binary.format is Format.PE:
        return provider is not None and is_python(provider)
    if provider is not None and not is_libpython(file_name(provider)):
        return False
    return cpython_abi.is_cpython_name(name)


def _is_unstable(name: bytes) -> bool:
    """Whether a name belongs to the unstable C API (PEP 689), which the table may not list."""
    return name.startswith(b"PyUnstable_") and _is_c_api(name)


def judge(
    binary: Binary, used: Collection[bytes], resolved: Collection[bytes], filename: str
) -> CPythonABIVerdict:
    """Return the verdict on one library.

    Args:
        binary: The library.
        used: Its ``references``.
        resolved: Imports that another library of the same distribution provides.
        filename: Its file name, which may claim abi3 by an infix.
    """
    names = sorted(name for name in used if name not in resolved)
    rows = cpython_abi.stable_python_names() if names else {}
    by_release: dict[str, list[str]] = {}
    violations: list[str] = []
    for name in names:
        row = rows.get(name)
        if row is not None and (entry := cpython_abi.read_python_row(row)).holds_on(binary.format):
            by_release.setdefault(entry.added, []).append(name.decode())
        else:
            violations.append(name.decode())
    floor = max(by_release, key=release_key, default=None)
    since, late = _exported_since(by_release, binary.format)
    flavour = _claim(binary, filename)
    return CPythonABIVerdict(
        intent=flavour is not None,
        compliant=bool(names) and not violations,
        violations=tuple(violations),
        references=len(names),
        min_python=floor,
        floor_symbols=tuple(by_release[floor]) if floor is not None else (),
        exported_since=since,
        late_symbols=late,
        newer=tuple(
            (added, tuple(by_release[added]))
            for added in sorted(by_release, key=release_key, reverse=True)
            if added != _FIRST
        ),
        flavour=flavour,
        notes=_notes(flavour, violations, floor) if names else (),
    )


def floor_without(
    verdict: CPythonABIVerdict, provided: Collection[str], format_: Format
) -> CPythonABIVerdict:
    """Return a verdict with the floor that is left if others provide some of its stable names.

    Args:
        verdict: The verdict on one image.
        provided: The names that others provide, as the verdict writes them.
        format_: The format of the image.
    """
    left = {
        added: names
        for added, every in verdict.newer
        if (names := [name for name in every if name not in provided])
    }
    if sum(map(len, left.values())) == sum(len(names) for _, names in verdict.newer):
        return verdict
    since, late = _exported_since(left, format_)
    floor = next(iter(left), _FIRST)
    return replace(
        verdict,
        min_python=floor,
        floor_symbols=tuple(left.get(floor, ())),
        exported_since=since or _FIRST,
        late_symbols=late,
    )


def _exported_since(
    by_release: Mapping[str, list[str]], format_: Format
) -> tuple[str | None, tuple[str, ...]]:
    """Return the first release that exports all names, and the names that set it.

    Args:
        by_release: Stable names by the release whose Stable ABI first has them.
        format_: The format of the library that imports them.
    """
    found: dict[str, list[str]] = {}
    for added, names in by_release.items():
        if release_key(added) <= release_key(_OLDEST):
            found.setdefault(added, []).extend(names)
            continue
        for name in names:
            first = cpython_abi.exported_since(name.encode(), added, format_)
            found.setdefault(first, []).append(name)
    since = max(found, key=release_key, default=None)
    return since, tuple(sorted(found[since])) if since is not None else ()


def reason(name: str) -> str:
    """Say why a name is outside the stable ABI: private, unstable or version-specific."""
    if name.startswith("_"):
        return "private"
    return "unstable" if name.startswith("PyUnstable_") else "version-specific"


def _is_c_api(name: bytes) -> bool:
    """Whether a raw name looks like CPython's: ``_?Py``, then a capital or an underscore."""
    rest = name[3:] if name.startswith(b"_Py") else name[2:] if name.startswith(b"Py") else b""
    return (
        (rest[:1].isupper() or rest[:1] == b"_")
        and not rest.startswith(b"Py")
        and (rest.replace(b"_", b"") or b"x").isalnum()
    )


def _claim(binary: Binary, filename: str) -> str | None:
    """Return the abi3 flavour that the file name or, on PE, the Python DLL claims."""
    flavour = abi3_claim(filename)
    if flavour is None and binary.format is Format.PE:
        dlls = binary.needed + binary.delay_needed
        if not any(map(dll_bound, dlls)):
            flavours = set(map(dll_flavour, dlls))
            return next((each for each in reversed(_FLAVOURS) if each in flavours), None)
    return flavour


def _notes(flavour: str | None, violations: list[str], floor: str | None) -> tuple[str, ...]:
    if flavour is not None or violations:
        return ()
    note = (
        f"imports only Limited API names (floor {floor}); symbols alone cannot prove that it was "
        "built with Py_LIMITED_API"
    )
    return (note,)


def _judge(case: Case) -> CPythonABIVerdict:
    return judge(case.binary, case.references, case.resolved, case.filename)


def _listings(cpython: CPythonABIVerdict) -> Iterator[Listing]:
    offending = tuple(f"{reason(name)}: {name}" for name in cpython.violations)
    yield Listing("cpython", offending, separator=" ")
    if cpython.min_python is not None and cpython.intent:
        title = f"cpython floor {cpython.min_python} set by"
        yield Listing(title, cpython.floor_symbols)
    yield from (Listing("note", (note,)) for note in cpython.notes)


def _facts(cpython: CPythonABIVerdict) -> dict[str, Fact]:
    return {
        "intent": cpython.intent,
        "compliant": cpython.compliant,
        "violations": cpython.violations,
        "label": cpython.label,
        "references": cpython.references,
        "min_python": cpython.min_python,
        "floor_symbols": cpython.floor_symbols,
        "exported_since": cpython.exported_since,
        "late_symbols": cpython.late_symbols,
        "flavour": cpython.flavour,
        "notes": cpython.notes,
    }


def _floor(cpython: CPythonABIVerdict) -> str | None:
    """Return the floor of a library that claims abi3, else None."""
    return cpython.min_python if cpython.intent else None


def _package_floor(report: PackageReport) -> str | None:
    """Return the oldest Python on which every library that claims abi3 loads."""
    verdicts = [one.cpython for one in report.libraries if one.cpython is not None]
    floors = [floor for floor in map(_floor, verdicts) if floor is not None]
    return max(floors, key=release_key, default=None)


PYTHON = Judge(
    key="cpython",
    abi="CPython Stable ABI",
    check="abi3",
    labels=(
        PythonLabel.VIOLATIONS,
        PythonLabel.PRIVATE,
        PythonLabel.NO_CAPI,
        PythonLabel.NOT_ABI3,
        PythonLabel.OK,
    ),
    words={
        "no-extensions": "n/a",
        "abi3-compliant": "abi3",
        "mixed": "mixed",
        "not-abi3": "no",
    },
    references=lambda binary, _: references(binary),
    sought=lambda used, _: used,
    shown=lambda *_: (),
    judge=_judge,
    prepare=cpython_abi.stable_python_names,
    display=Display(
        title="CPython ABI",
        heading="CPython",
        width=22,
        word_width=7,
        unreadable="unreadable",
        coloured=False,
        counts=lambda _: "",
        remarks=lambda _: (),
        listings=_listings,
        facts=_facts,
    ),
    comparison=Comparison(
        product="python",
        label="cpython label",
        floor=_floor,
        package_floor=_package_floor,
        kinds=("cpython",),
        symbols=lambda cpython: [("cpython", cpython.violations)],
    ),
)
"""The Stable ABI of CPython, abi3 and abi3t."""
