"""From a library's imports and its file name to its CPython verdict. No I/O."""

from __future__ import annotations

import re

from torch_abi_audit import surface
from torch_abi_audit.model import CPythonABIVerdict, Format, release_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from torch_abi_audit.model import Binary

_C_API = re.compile(rb"_?Py(?!Py)[A-Z_]\w*")
_TAG = re.compile(r"\.(abi3t?)(?:-[^./]+)?\.(?:so|pyd|dylib|dll)(?:\.[0-9.]+)?$")
_ABI3_WHEEL = re.compile(r"cp(3)(\d+)-(?:abi3t?)(?:\.abi3t?)*-")
_PYTHON_DLL = re.compile(r"python3(t?)(?:_d)?\.dll", re.IGNORECASE)
_VERSIONED_DLL = re.compile(r"python3\d+t?(?:_d)?\.dll", re.IGNORECASE)
_PYTHON_DYLIB = re.compile(r"(?:.*/)?(?:Python3?T?|libpython3[^/]*\.dylib)")


def references(binary: Binary) -> tuple[bytes, ...]:
    """The CPython names among the strong imports, in table order.

    On PE the DLL decides; elsewhere a name counts if some CPython exports it, so that a library's
    own ``PyVTK…`` does not.
    """
    providers = binary.providers
    found = []
    for name in binary.imports:
        if not _C_API.fullmatch(name):
            continue
        provider = providers.get(name)
        if binary.format is Format.PE:
            counts = provider is not None and _is_python_dll(provider)
        elif provider is not None and _PYTHON_DYLIB.fullmatch(provider) is None:
            counts = False
        else:
            counts = surface.is_cpython_name(name)
        if counts:
            found.append(name)
    return tuple(found)


def judge(
    binary: Binary, used: Collection[bytes], resolved: Collection[bytes], filename: str
) -> CPythonABIVerdict:
    """The verdict on one library.

    Args:
        binary: The library.
        used: ``references`` of it.
        resolved: Those of them that another library of the same distribution provides.
        filename: Its file's name, whose infix may claim abi3.
    """
    names = sorted(name for name in used if name not in resolved)
    stable: dict[bytes, str] = {}
    violations: list[str] = []
    for name in names:
        entry = surface.stable_python_name(name)
        if entry is not None and entry.holds_on(binary.format):
            stable[name] = entry.added
        else:
            violations.append(name.decode())
    floor = max(stable.values(), key=release_key, default=None)
    flavour = _claim(binary, filename)
    return CPythonABIVerdict(
        intent=flavour is not None,
        compliant=bool(names) and not violations,
        violations=tuple(violations),
        references=len(names),
        min_python=floor,
        floor_symbols=tuple(name.decode() for name, added in stable.items() if added == floor),
        flavour=flavour,
        notes=_notes(flavour, violations, floor) if names else (),
    )


def promised_floor(tags: Collection[str]) -> str | None:
    """The oldest Python, such as ``3.8``, that a wheel's abi3 or abi3t tags admit."""
    floors = [
        f"{match[1]}.{match[2]}" for tag in tags if (match := _ABI3_WHEEL.match(tag)) is not None
    ]
    return min(floors, key=release_key, default=None)


def reason(name: str) -> str:
    """Why a reference is outside the stable ABI: private, unstable, or bound to one release."""
    if name.startswith("_"):
        return "private"
    return "unstable" if name.startswith("PyUnstable_") else "version-specific"


def _claim(binary: Binary, filename: str) -> str | None:
    tag = _TAG.search(filename)
    if tag is not None:
        return tag[1]
    if binary.format is Format.PE:
        dlls = binary.needed + binary.delay_needed
        stable = [match for library in dlls if (match := _PYTHON_DLL.fullmatch(library))]
        if stable and not any(map(_VERSIONED_DLL.fullmatch, dlls)):
            return "abi3t" if any(match[1] for match in stable) else "abi3"
    return None


def _is_python_dll(library: str) -> bool:
    return bool(_PYTHON_DLL.fullmatch(library) or _VERSIONED_DLL.fullmatch(library))


def _notes(flavour: str | None, violations: list[str], floor: str | None) -> tuple[str, ...]:
    if flavour is not None or violations:
        return ()
    note = (
        f"imports only Limited API names (floor {floor}); symbols alone cannot prove that it was "
        "built with Py_LIMITED_API"
    )
    return (note,)
