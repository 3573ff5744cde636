"""Explains a symbol version that a library of the system lacks: ``GLIBC_2.34 not found``."""

from __future__ import annotations

import re
from posixpath import normpath  # os.path, but of Linux on every host

from torch_abi_audit.explain.explanation import Cause, Explanation, Fails
from torch_abi_audit.explain.torn_torch import elsewhere
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.system import is_searched
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.explain.reading.error_text import Clue
    from torch_abi_audit.explain.scene import Scene


@dataclass(frozen=True, slots=True)
class _Family:
    """A family of versions, and the library that defines them."""

    library: str
    title: str
    comes_with: str
    """With what a newer copy comes."""
    conda: str = "libstdcxx-ng"
    """The package of conda-forge that brings it."""


_GOMP = "libgomp '_openmp_mutex=*=*_gnu'"
_FAMILIES = {
    "GLIBCXX": _Family("libstdc++.so.6", "the C++ standard library", "GCC"),
    "CXXABI": _Family("libstdc++.so.6", "the C++ standard library", "GCC"),
    "GLIBC": _Family("libc.so.6", "glibc, the C library", "the system"),
    "GCC": _Family("libgcc_s.so.1", "GCC's runtime", "GCC", "libgcc-ng"),
    "GOMP": _Family("libgomp.so.1", "GCC's OpenMP runtime", "GCC", _GOMP),
    "OMP": _Family("libgomp.so.1", "an OpenMP runtime", "GCC", _GOMP),
    "OACC": _Family("libgomp.so.1", "GCC's OpenMP runtime (its part for OpenACC)", "GCC"),
    "GOACC": _Family("libgomp.so.1", "GCC's OpenMP runtime (its part for OpenACC)", "GCC"),
    "QUADMATH": _Family(
        "libquadmath.so.0", "GCC's runtime for 128-bit numbers", "GCC", "libgcc-ng"
    ),
    "GFORTRAN": _Family("libgfortran.so", "the Fortran runtime", "GCC", "libgfortran-ng"),
}
_GCC = {
    "GLIBCXX": {20: "4.9", 21: "5", 22: "6", 23: "7", 24: "7.2", 25: "8", 26: "9", 27: "9.2"}
    | {28: "9.3", 29: "11", 30: "12", 31: "13", 32: "13.2", 33: "14", 34: "15"},
    "CXXABI": {8: "4.9", 9: "5", 10: "6", 11: "7", 12: "9", 13: "11", 14: "13", 15: "14", 16: "15"},
}
"""The last number of a version, to the GCC that added it: "ABI Policy and Guidelines" in the
manual of libstdc++."""


def system_version(clues: Sequence[Clue], scene: Scene) -> Explanation:
    """Explain the versions that the copies of one or several system libraries lack.

    Args:
        clues: The messages, each with a version.
        scene: Where the last of them happened.
    """
    family = _family(clues[-1].version or "")
    versions = {one.version for one in clues if one.version}
    wanted = sorted((one for one in versions if _family(one) == family), key=_order)
    newest = wanted[-1]
    found = next((one.library for one in reversed(clues) if one.library), None)
    if family is None:
        return _of_project(newest, found, scene)
    in_system = family.library == "libc.so.6"
    return Explanation(
        newest,
        "error",
        is_a=(f"versions of {family.title}: {', '.join(wanted)}",)
        if len(wanted) > 1
        else (f"a version of {family.title}",),
        owner="the system",
        provider=family.library,
        causes=(Cause.OLD_SYSTEM,) if in_system else (Cause.OLD_SYSTEM, Cause.OTHER_COPY),
        why=tuple(_why(wanted, family, found, scene)),
        advice=tuple(_advice(family, found, scene, in_system=in_system)),
    )


def _why(wanted: list[str], family: _Family, found: str | None, scene: Scene) -> Iterator[str]:
    needs = f"{file_name(scene.file)} " if scene.file else "a library "
    if family.library != "libgomp.so.1":
        used = "linked" if scene.linking else "loaded"
        yield f"{needs}was built with a newer {family.library} than the one that was {used}"
    else:
        yield "conda's libgomp.so.1 may be a link to LLVM's libomp, which lacks parts of GCC's"
    if found:
        yield f"{found} is the copy that was loaded, and it lacks the version"
    added = [one for one in map(_gcc, wanted) if one]
    if added:
        yield f"{wanted[-1]} comes with GCC {added[-1]}"
    elif family.comes_with == "the system":
        yield f"this system has a glibc older than {wanted[-1].partition('_')[2]}"


def _advice(family: _Family, found: str | None, scene: Scene, *, in_system: bool) -> Iterator[str]:
    if scene.linking:
        yield (
            f"link with a newer compiler, whose {family.library} has the version (GCC's devtoolset "
            "or conda's gxx_linux-64), or on a newer system"
        )
        yield "or take a build of the library for older systems: another manylinux tag"
        return
    if in_system:
        yield "install a build with an older manylinux tag, or run on a newer system"
        if scene.fails is not Fails.TORCH:
            yield "or rebuild the package in a manylinux container"
        return
    yield (
        f"install a newer {family.library}: conda install -c conda-forge {family.conda}, or a "
        f"newer {family.comes_with} of the system"
    )
    directory = normpath(found.rpartition("/")[0]) if found and "/" in found else ""
    if directory and is_searched(directory):  # the system's copy came first
        yield (
            f"or let the newer copy be found instead of {found}: put the lib directory of the "
            "environment first on LD_LIBRARY_PATH"
        )
    elif directory and "/lib/python" in (found or ""):  # the environment's copy is the older one
        yield (
            f"or let the newer copy of the system be found instead: LD_PRELOAD={family.library} "
            "with its path"
        )
    else:
        yield from elsewhere(scene)
    if scene.fails is not Fails.TORCH:
        yield "or install a build with an older manylinux tag"


def _of_project(version: str, found: str | None, scene: Scene) -> Explanation:
    """Explain a version of another project's library: of OpenSSL, oneAPI, CUDA and others."""
    path = found or (version if ".so" in version else "")
    name = file_name(path) or "the library"
    which = f" ({path})" if "/" in path else ""
    needs = file_name(scene.file) if scene.file else "what needs it"
    whole = scene.package or f"what {needs} belongs to"
    if scene.is_of_torch:
        whole = "torch with all that it requires"
    by_system = bool(which) and is_searched(normpath(path.rpartition("/")[0]))
    return Explanation(
        version,
        "error",
        is_a=(f"a version of the symbols of {name}, which the copy that was loaded lacks",),
        owner=_OWNERS.get(kind_of(name)),
        provider=name,
        causes=(Cause.OTHER_COPY, Cause.MIXED),
        why=(
            f"{name} was found{which}, in another release than the one that {needs} was built with",
        ),
        advice=(
            (
                f"let the copy that {needs} was built with be found first: "
                f"{_BY_SYSTEM if by_system else _BY_PATH}"
            ),
            f"or install {f'a newer {name}' if '.so' in version else f'a {name} with {version}'}",
            f"or reinstall {whole}",
        ),
        unknown=() if which else ("which copy was loaded: the text does not name its directory",),
    )


_BY_SYSTEM = "put the lib directory of its environment first on LD_LIBRARY_PATH"
_BY_PATH = (
    "take the directory of the other one off LD_LIBRARY_PATH (the setvars.sh or the module of a "
    "toolkit puts it there)"
)
_OWNERS = {Kind.CUDA: "CUDA", Kind.ROCM: "ROCm", Kind.ONEAPI: "oneAPI", Kind.TORCH: "libtorch"}


def _family(version: str) -> _Family | None:
    """The family of a version of a system's library; None for a version of another project."""
    return _FAMILIES.get(version.partition("_")[0])


def _gcc(version: str) -> str | None:
    word, _, number = version.partition("_")
    last = number.rpartition(".")[2]
    return _GCC.get(word, {}).get(int(last)) if last.isdecimal() else None


def _order(version: str) -> tuple[tuple[int, ...], str]:
    numbers = tuple(map(int, re.findall(r"\d{1,6}", version.partition("_")[2])))
    return numbers, version
