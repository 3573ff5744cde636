"""The contents of the export index: names from torch's wheels, filtered and merged. No I/O."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from torch_abi_audit.knowledge import torch_namespaces
from torch_abi_audit.knowledge.export_file import IndexedRelease
from torch_abi_audit.knowledge.export_index import uses_old_string
from torch_abi_audit.knowledge.names.torch import is_libtorch
from torch_abi_audit.mangling import mentions, owner
from torch_abi_audit.model.releases import release_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tools.torch_wheels import Wheel

_TORCH = torch_namespaces.NAMESPACES | {
    *(b"torch", b"ao", b"sdp", b"pytorch_flash", b"at_cuda_detail", b"qnnpack"),
    *(b"PackedLinearWeightFp16", b"PyTorchMemEffAttention"),
}
_C_NAMES = re.compile(
    rb"(?:aoti_|torch_|at_|FLAGS_|pytorch_|TH[A-Z]?P)\w+"
    # third-party names, but torch ships their headers, and its inline code calls them
    rb"|(?:Sleef_|cpuinfo_|clog_|nnp_|pthreadpool_)\w+"
)
_OWN_C_LIBRARIES = re.compile(r"lib(?:c10|torch_python|shm|caffe2_nvrtc)\.so")
_LINKER_NAMES = frozenset(
    b"_init _fini _edata _end _bss_end__ __bss_end__ __bss_start __bss_start__ __end__".split()
)
_UNNAMED = re.compile(rb"__nv_hdl_(?:wrapper_t|helper)|__device_stub__|_GLOBAL__N_")


@cache  # every release has mostly the same names
def is_kept(name: bytes, library: str) -> bool:
    """Whether the index keeps a name that one of torch's libraries exports.

    macOS and Windows extensions state which library must provide a name, so the index keeps every
    name that torch's libraries export there. On ELF it keeps:

    - C++ names in torch's namespaces and torch's globals, whatever declares them (vtables, guards,
      local statics …), and every other name with torch's types in its signature or template
      arguments: instantiations of std and pybind11, casters, kernels of thrust and cutlass;
    - all C shims, flags and C names of the Python binding; every C name of the libraries without
      third-party code; names of Sleef, cpuinfo, NNPACK and pthreadpool, whose headers torch ships
      and which ATen's inline code calls.

    It leaves out MKL, magma, LAPACK, XNNPACK, uv, miniz, gloo, tensorpipe, fbgemm, protobuf and
    other static libraries; copies of std templates that every library has for itself; names that
    linkers add; and names that are only valid in the file that defines them: nvcc's wrappers of
    lambdas and launch stubs, unnamed namespaces.
    """
    if not library.endswith(".so"):
        return True
    if not name.startswith(b"_Z"):
        if _OWN_C_LIBRARIES.fullmatch(library):
            return name not in _LINKER_NAMES
        return _C_NAMES.fullmatch(name) is not None
    if _UNNAMED.search(name):
        return False
    declared = owner(name)
    if torch_namespaces.owns(declared) or (declared and declared[0] in _TORCH):
        return True
    if len(declared) == 1 and declared[0] != b"{operator}" and _OWN_C_LIBRARIES.fullmatch(library):
        return True
    return any(path[0] in _TORCH for path in mentions(name))


# --- wheels to contents --------------------------------------------------------------------------

Contents: TypeAlias = tuple[list[IndexedRelease], dict[bytes, dict[str, int]]]
"""The releases, and name to library to bitmap, as arguments of ``pack``."""


def indexed(wheel: Wheel, kept: Mapping[str, frozenset[bytes]]) -> IndexedRelease:
    """The index entry of a release, without its names."""
    return IndexedRelease(
        version=wheel.version,
        wheel=wheel.file,
        cuda=wheel.cuda,
        cuda_packages=wheel.requires,
        cxx11_abi=cxx11_abi(kept) if wheel.platform.startswith("linux") else None,
        libraries=tuple(sorted(wheel.exports)),
        needed=linked(wheel) if wheel.platform.startswith("linux") else None,
    )


def linked(wheel: Wheel) -> dict[str, tuple[str, ...]]:
    """Each of torch's own libraries, to those of them that it is linked to."""
    return {
        library: tuple(sorted(filter(is_libtorch, wheel.needed[library])))
        for library in sorted(wheel.exports)
        if is_libtorch(library)
    }


def cxx11_abi(kept: Mapping[str, frozenset[bytes]]) -> bool:
    """Whether a build uses the C++11 ABI: most of its names with ``std::string`` do."""
    names = frozenset[bytes]().union(*kept.values())
    new = sum(b"NSt7__cxx1112basic_string" in name for name in names)
    return new > sum(map(uses_old_string, names))


def kept_exports(wheel: Wheel) -> dict[str, frozenset[bytes]]:
    """Each of torch's own libraries, to the names that the index keeps."""
    return {
        library: frozenset(raw for name in names if is_kept(raw := name.encode("latin-1"), library))
        for library, names in wheel.exports.items()
        if is_libtorch(library)
    }


def contents(wheels: Iterable[Wheel]) -> Contents:
    """The index of wheels for one platform, which are given oldest first."""
    releases: list[IndexedRelease] = []
    exports: dict[bytes, dict[str, int]] = {}
    for position, wheel in enumerate(wheels):
        kept = kept_exports(wheel)
        releases.append(indexed(wheel, kept))
        for library, names in kept.items():
            for name in names:
                by_library = exports.setdefault(name, {})
                by_library[library] = by_library.get(library, 0) | 1 << position
    return releases, exports


def merged(old: Contents, new: Contents) -> Contents:
    """The old contents, with the releases of the new ones added or replaced."""
    releases = {release.version: release for release in (*old[0], *new[0])}
    ordered = sorted(releases, key=release_key)
    fresh = {release.version for release in new[0]}
    exports: dict[bytes, dict[str, int]] = {}
    for part, skip in ((old, fresh), (new, set[str]())):
        moved = [
            (at, ordered.index(release.version))
            for at, release in enumerate(part[0])
            if release.version not in skip
        ]
        for name, by_library in part[1].items():
            for library, bitmap in by_library.items():
                if bits := sum(1 << to for at, to in moved if bitmap >> at & 1):
                    known = exports.setdefault(name, {})
                    known[library] = known.get(library, 0) | bits
    return [releases[version] for version in ordered], exports


def differences(old: Contents, new: Contents) -> list[str]:
    """The changes between two contents, a line for each release and library."""
    before = {release.version: release for release in old[0]}
    after = {release.version: release for release in new[0]}
    lines = [
        f"{version}: {before.get(version)} -> {after.get(version)}"
        for version in sorted(before.keys() | after.keys(), key=release_key)
        if before.get(version) != after.get(version)
    ]
    names_before, names_after = _by_place(old), _by_place(new)
    for place in sorted(names_before.keys() | names_after.keys()):
        gone = names_before.get(place, set()) - names_after.get(place, set())
        come = names_after.get(place, set()) - names_before.get(place, set())
        if gone or come:
            some = b" ".join(sorted(gone | come)[:3]).decode("latin-1")
            lines.append(f"{' '.join(place)}: {len(come)} more, {len(gone)} fewer, such as {some}")
    return lines


def _by_place(part: Contents) -> dict[tuple[str, str], set[bytes]]:
    places: dict[tuple[str, str], set[bytes]] = {}
    for name, by_library in part[1].items():
        for library, bitmap in by_library.items():
            for position, release in enumerate(part[0]):
                if bitmap >> position & 1:
                    places.setdefault((release.version, library), set()).add(name)
    return places
