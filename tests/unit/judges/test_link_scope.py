"""Where the loader of ELF systems looks for names: what brings torch's libraries into scope."""

from __future__ import annotations

from pathlib import PurePath

from torch_abi_audit.judges.link_scope import scopes
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.reports import ExtensionReport, Linkage
from torch_abi_audit.model.verdicts import TorchABIVerdict

LIBC = "libc.so.6"


def library(
    path: str,
    *needed: str,
    soname: str | None = None,
    rpaths: tuple[str, ...] = (),
    names: tuple[bytes, ...] = (b"_ZN2at1aEv",),
    module: bool = False,
    format_: Format = Format.ELF,
) -> ExtensionReport:
    return ExtensionReport(
        PurePath("/site") / path,
        torch=TorchABIVerdict(uses_torch=bool(names), required=names),
        format=format_,
        arch="x86_64",
        needed=needed,
        entry_points=("PyInit__C",) if module else (),
        linkage=(Linkage(format_, "x86_64", needed, soname=soname, rpaths=rpaths),),
    )


def torch_of(path: str, *libraries: ExtensionReport) -> set[str] | None:
    """Torch's libraries in the scope of one library; None if unknown libraries are in it."""
    scope = scopes(libraries)[str(PurePath("/site") / path), "x86_64"]
    return set(scope.torch) if scope.complete else None


def test_a_library_finds_what_it_is_linked_to() -> None:
    assert torch_of("p/_C.so", library("p/_C.so", "libtorch.so", LIBC)) == {"libtorch.so"}
    assert torch_of("p/_C.so", library("p/_C.so", LIBC, "libcudart.so.12")) == set()


def test_and_what_its_siblings_are_linked_to() -> None:
    module = library("p/_C.so", "libhelper.so")
    helper = library("p/lib/libhelper.so", "libfar.so", names=())
    far = library("p/lib/far-1.so", "libtorch_python.so", soname="libfar.so", names=())
    assert torch_of("p/_C.so", module, helper, far) == {"libtorch_python.so"}


def test_a_dependency_finds_what_the_module_that_opens_it_is_linked_to() -> None:
    module = library("p/_C.so", "libops.so", "libtorch.so", module=True)
    assert torch_of("p/libops.so", module, library("p/libops.so", LIBC)) == {"libtorch.so"}


def test_a_module_is_opened_by_itself_as_well() -> None:
    module = library("p/_C.so", "libtorch.so", "_D.so", module=True)
    opened = library("p/_D.so", LIBC, module=True)
    assert torch_of("p/_D.so", module, opened) == {"libtorch.so"}
    assert torch_of("p/_D.so", library("p/_C.so", "libtorch.so", module=True), opened) == set()


def test_neighbours_that_are_not_linked_lend_nothing() -> None:
    linked = library("p/liba.so", "libtorch.so")
    assert torch_of("p/libb.so", linked, library("p/libb.so", LIBC)) == set()


def test_a_circle_of_libraries_is_opened_by_any_of_them() -> None:
    one, other = library("p/liba.so", "libb.so"), library("p/libb.so", "liba.so", "libc10.so")
    assert torch_of("p/liba.so", one, other) == {"libc10.so"}


def test_what_an_unknown_library_brings_in_is_unknown() -> None:
    assert torch_of("p/_C.so", library("p/_C.so", "libmetatensor_torch.so")) is None
    assert torch_of("p/_C.so", library("p/_C.so", "libtorch_cpu-0a1b2c3d.so")) is None


def test_runtimes_and_libraries_of_the_system_bring_nothing_in() -> None:
    known = (
        "libgomp.so.1",
        "libpython3.11.so.1.0",
        "libcuda.so.1",
        "libstdc++.so.6",
        "libX11.so.6",
    )
    assert torch_of("p/_C.so", library("p/_C.so", *known)) == set()


def test_a_bundled_copy_of_torch_is_followed_as_any_library_of_the_package() -> None:
    copy = library("p/libtorch.so", "libtorch_cpu.so", names=())
    assert torch_of("p/_C.so", library("p/_C.so", "libtorch.so"), copy) == {"libtorch_cpu.so"}


def test_of_several_libraries_of_one_name_the_nearest_is_meant() -> None:
    old = library("p/2.8/libops.so", "libtorch_cuda_cu.so", names=())
    new = library("p/2.9/libops.so", "libtorch.so", names=())
    beside = library("p/2.9/_C.so", "libops.so")
    assert torch_of("p/2.9/_C.so", old, new, beside) == {"libtorch.so"}
    by_rpath = library("p/_C.so", "libops.so", rpaths=("/opt", "$ORIGIN/2.8"))
    assert torch_of("p/_C.so", old, new, by_rpath) == {"libtorch_cuda_cu.so"}
    either = library("p/_C.so", "libops.so")
    assert torch_of("p/_C.so", old, new, either) == {"libtorch_cuda_cu.so", "libtorch.so"}


def test_only_elf_libraries_that_need_a_name_have_a_scope() -> None:
    assert scopes([library("p/_C.so", "libtorch.so", names=())]) == {}
    assert scopes([library("p/_C.so", "libtorch.dylib", format_=Format.MACHO)]) == {}
