"""What a name says is one answer: every verb is asked of names of real libraries.

The expectations are of another source than the program: which package ships a file, or which
system has it (``real_names.txt``).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.metadata_values import judged, library, package, rules
from torch_abi_audit.diff.compare import diff
from torch_abi_audit.explain.libraries.library import library as explained
from torch_abi_audit.explain.question import explain
from torch_abi_audit.explain.scene import Scene
from torch_abi_audit.judges.torch_names import links
from torch_abi_audit.knowledge.names.cuda import is_cuda
from torch_abi_audit.knowledge.names.identity import library_key
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.knowledge.names.torch import is_libtorch, is_vendored_copy
from torch_abi_audit.knowledge.platforms import LINUX, MACOS, WINDOWS, System, usual_platform
from torch_abi_audit.model.binary import Binary
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.reports import Cuda, ExtensionReport

TAGS = {
    LINUX.word: "cp311-cp311-manylinux_2_28_x86_64",
    MACOS.word: "cp311-cp311-macosx_11_0_arm64",
    WINDOWS.word: "cp311-cp311-win_amd64",
}
OWNERS = {
    "torch": "libtorch",
    "torch-copy": "libtorch",
    "cuda": "CUDA",
    "nvidia-driver": "the NVIDIA driver",
    "opencl": "the system",
    "rocm": "ROCm",
    "oneapi": "oneAPI",
    "python": "CPython",
    "system": "the system",
    "other": None,
}
"""Whose a library of each kind is, in the words of ``explain``."""
OTHERS = {"libtorch", "CUDA", "the NVIDIA driver", "ROCm", "CPython"}
"""Projects that have no library of the kind ``other``."""
UNPROVIDED = {"other", "torch-copy"}
"""What a package has to bring itself."""
APART = ("cutensor", "cudss", "nvjpeg2k", "nvtiff")
"""CUDA libraries in wheels of their own, which no toolkit wheel and no torch requires."""


class Real(NamedTuple):
    """One real name, and its classification."""

    name: str
    plain: str
    """The name without the hash of wheel repair."""
    kind: str
    cuda: int | None
    """The release of the CUDA toolkit in the name."""

    @property
    def marked(self) -> bool:
        return self.name != self.plain

    @property
    def system(self) -> System:
        lower = self.name.lower()
        if lower.endswith((".dll", ".pyd")):
            return WINDOWS
        return MACOS if lower.endswith(".dylib") or "/" in lower else LINUX


def real_names() -> list[Real]:
    found = []
    kind, cuda = "", None
    for line in Path(__file__).with_name("real_names.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            kind, _, release = line[1 : line.index("]")].partition(" ")
            cuda = int(release) if release.isdecimal() else None
        elif line and not line.startswith("#"):
            for word in line.split():
                name, _, plain = word.partition("=")
                found.append(Real(name, plain or name, kind, cuda))
    return found


REAL = real_names()
ASKED = [pytest.param(one, id=one.name) for one in REAL]
MARKED = [pytest.param(one, id=one.name) for one in REAL if one.marked]


def user_of(one: Real, file: str = "_C.abi3.so", *, module: bool = True) -> ExtensionReport:
    arch = "arm64" if one.system is MACOS else "x86_64"
    return library(file, module=module, needed=(one.name,), format=one.system.format, arch=arch)


def test_there_are_many_names_of_every_kind() -> None:
    assert len({one.name for one in REAL}) == len(REAL) >= 300
    assert {one.kind for one in REAL} == OWNERS.keys() == set(Kind)
    assert len(MARKED) >= 50


def is_owner(owner: str | None, one: Real) -> bool:
    """Whether ``explain`` names the owner of a kind; of other libraries it may know the project.

    A copy that a wheel repair renamed is the package's, whatever it is a copy of.
    """
    if one.kind == "other":
        return owner not in OTHERS
    if one.marked and one.kind == "cuda":
        return owner == "the package"
    return owner == OWNERS[one.kind] or (one.kind == "oneapi" and owner == "TBB")


@pytest.mark.parametrize("one", ASKED)
def test_the_kind(one: Real) -> None:
    tables = one.kind == "system" and kind_of(one.name) is Kind.OTHER  # told by ``policies``
    assert tables or kind_of(one.name) == one.kind
    assert is_libtorch(one.name) == (one.kind == "torch")
    assert is_vendored_copy(one.name) == (one.kind == "torch-copy")
    assert is_cuda(one.name) == (one.kind == "cuda")


@pytest.mark.parametrize("one", ASKED)
def test_the_audit(one: Real) -> None:
    """The CUDA facts of a report, its unprovided libraries, and the libraries of torch it names."""
    report = judged(user_of(one), tags=(TAGS[one.system.word],))
    expected = None
    if one.kind == "cuda":
        expected = Cuda((one.cuda,) if one.cuda is not None else (), (one.name,))
    assert report.cuda == expected
    apart = one.kind == "cuda" and one.plain.lower().removeprefix("lib").startswith(APART)
    assert ("C502" in rules(report)) == (one.kind == "cuda" and not apart)
    if one.system is WINDOWS and one.kind == "oneapi":  # oneMKL and oneTBB
        apart = one.plain.lower().startswith(("mkl", "tbb"))
    missing = {"L404", "L423"} & set(rules(report))  # L423 names those of a desktop
    assert bool(missing) == (one.kind in UNPROVIDED or apart)
    assert ("L407" in rules(report)) == (one.kind == "python" and one.system is not WINDOWS)
    binary = Binary(one.system.format, "x86_64", 64, "little", (), needed=(one.name,))
    assert bool(links(binary)) == (one.kind == "torch")


@pytest.mark.parametrize("one", ASKED)
def test_an_explanation(one: Real) -> None:
    answer = explained(one.name, Scene(usual_platform(one.system.word)))
    assert is_owner(answer.owner, one)
    if one.marked and one.kind == "cuda":
        assert answer.is_a[0].startswith(f"a copy of {file_name(one.plain)} that a wheel contains")
        return
    assert (answer.is_a == ("one of NVIDIA's CUDA libraries",)) == (one.kind == "cuda")
    if one.cuda is not None:
        assert f"its major version is {one.cuda}" in answer.why
        assert any(f"CUDA {one.cuda}" in text for text in answer.why)


@pytest.mark.parametrize("one", [one for one in ASKED if one.values[0].system is LINUX])  # type: ignore[union-attr]
def test_an_error_text(one: Real) -> None:
    text = f"OSError: {one.name}: cannot open shared object file: No such file or directory"
    assert is_owner(explain(text).owner, one)


@pytest.mark.parametrize("one", ASKED)
def test_a_name_without_its_mark(one: Real) -> None:
    name = file_name(one.name)
    plain, mark = without_mark(name)
    assert plain == file_name(one.plain)
    assert bool(mark) == one.marked
    assert without_mark(plain) == (plain, "")


@pytest.mark.parametrize("one", MARKED)
def test_keys_and_differences_forget_the_mark(one: Real) -> None:
    """Baselines, SARIF fingerprints and ``diff`` recognise a library after a rebuild."""
    before = package(user_of(one, f"pkg.libs/{one.name}", module=False))
    after = package(user_of(one, f"pkg.libs/{one.plain}", module=False))
    keys = {library_key(before, f"pkg.libs/{each}") for each in (one.name, one.plain)}
    assert len(keys) == 1
    (difference,) = diff((before,), (after,))
    assert difference.libraries == ()
    assert difference.unchanged == 1


@pytest.mark.parametrize("one", [one for one in MARKED if one.values[0].kind == "cuda"])  # type: ignore[union-attr]
def test_a_copy_in_the_package_is_bundled(one: Real) -> None:
    copy = library(f"pkg.libs/{one.name}", module=False)
    report = judged(user_of(one), copy)
    assert report.cuda is not None
    assert report.cuda.bundled == (one.name,)
