"""What the code for GPUs in a package amounts to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.gpu_values import kernels
from tests.support.reports import library, package
from torch_abi_audit.facts.device_code import package_code
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.device_code import NO_PACKAGE_CODE, DeviceCode, Driver, KernelSet
from torch_abi_audit.model.reports import Cuda, ExtensionReport, Linkage, Skipped


def holding(
    path: str,
    *sets: str,
    needed: tuple[str, ...] = (),
    format_: Format = Format.ELF,
    static: bool = False,
    ptx: str = "8.7",
    **parts: Any,
) -> ExtensionReport:
    """A library with kernel sets, linked to others."""
    code = replace(kernels(*sets, ptx=ptx), **parts) if sets or parts else None
    linkage = (Linkage(format_, "x86_64", needed=needed, static_cuda=static),)
    return replace(library(path), format=format_, linkage=linkage, device_code=code)


def test_no_library_has_any() -> None:
    assert package_code(package(holding("a.so"))) is NO_PACKAGE_CODE


def test_nor_does_an_empty_section_count() -> None:
    one = replace(holding("a.so"), device_code=DeviceCode())
    assert package_code(package(one)) is NO_PACKAGE_CODE


def test_every_architecture_and_library_is_listed() -> None:
    code = package_code(
        package(holding("b.so", "sm_80 sm_90a"), holding("a.so", "sm_80"), holding("c.so"))
    )
    assert code.targets == ("sm_80", "sm_90a")
    assert code.libraries == ("a.so", "b.so")
    assert code.choices == ()


def test_bundled_libraries_of_nvidia_do_not_count() -> None:
    code = package_code(
        package(holding("_C.so", "sm_80"), holding("x.libs/libnvjpeg.37781fad.so.8", "sm_50"))
    )
    assert code.targets == ("sm_80",)
    assert code.libraries == ("_C.so",)


@pytest.mark.parametrize(
    "name", ["librocblas.so.4", "libhipblaslt.so.0", "libMIOpen.so.1", "librccl.so.1"]
)
def test_bundled_libraries_of_amd_do_not_count(name: str) -> None:
    code = package_code(package(holding("_C.so", "gfx942"), holding(name, "gfx90a gfx1100")))
    assert code.targets == ("gfx942",)
    assert code.libraries == ("_C.so",)


def test_unless_there_are_no_others() -> None:
    code = package_code(package(holding("nvidia/lib/libcublas.so.12", "sm_50 sm_90")))
    assert code.libraries == ("nvidia/lib/libcublas.so.12",)


def test_one_library_for_each_cuda_release() -> None:
    code = package_code(
        package(
            holding("libx_cuda118.so", "sm_50 compute_80", needed=("libcudart.so.11.0",)),
            holding("libx_cuda128.so", "sm_120", needed=("libcudart.so.12",)),
            holding("common.so", "sm_80"),
        )
    )
    assert code.choices == ((("libx_cuda118.so",), ("libx_cuda128.so",)),)
    assert code.libraries == ("common.so", "libx_cuda118.so", "libx_cuda128.so")
    assert [(one.cuda, one.runtime, one.ptx is not None) for one in code.drivers] == [
        (11, "450.80.02", True),
        (12, "525.60.13", False),
    ]


# tables 2 and 3 of https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/
@pytest.mark.parametrize(
    ("format_", "needed", "driver"),
    [
        (
            *(Format.ELF, "libcudart.so.12"),
            Driver("linux", 12, "525.60.13", "12.8", "570.26"),
        ),
        (
            *(Format.PE, "cudart64_110.dll"),
            Driver("windows", 11, "452.39", "12.8", "570.65"),
        ),
    ],
)
def test_drivers(format_: Format, needed: str, driver: Driver) -> None:
    one = holding("_C", "sm_80 compute_80", needed=(needed,), format_=format_)
    assert package_code(package(one)).drivers == (driver,)


def test_without_ptx_a_driver_of_the_major_release_is_enough() -> None:
    code = package_code(package(holding("_C.so", "sm_120", needed=("libcudart.so.12",))))
    assert code.drivers == (Driver("linux", 12, "525.60.13"),)
    assert (code.ptx_isa, code.toolkit, code.least_toolkit) == (None, None, "12.8")


def test_a_library_that_is_linked_to_no_cuda_has_that_of_the_package() -> None:
    one = holding("_C.so", "sm_80")
    report = replace(package(one), cuda=Cuda(majors=(13,), libraries=("libcudart.so.13",)))
    assert [each.cuda for each in package_code(report).drivers] == [13]


def test_a_static_runtime_has_the_release_that_wrote_the_code() -> None:
    one = holding("_C.so", "sm_80", static=True, toolkits=("11.8", "12.4"))
    code = package_code(replace(package(one), cuda=Cuda(majors=(13,), libraries=())))
    assert [each.cuda for each in code.drivers] == [12]
    assert code.toolkit == "12.4"


def test_no_driver_is_named_if_the_release_is_not_known() -> None:
    assert package_code(package(holding("_C.so", "sm_80", static=True))).drivers == ()


def test_amds_code_needs_no_driver_of_nvidia() -> None:
    code = package_code(package(holding("_C.so", "gfx942 gfx90a")))
    assert code.targets == ("gfx90a", "gfx942")
    assert (code.drivers, code.least_toolkit) == ((), None)


def test_the_newest_ptx_counts() -> None:
    code = package_code(
        package(
            holding("a.so", "compute_80", ptx="8.7", needed=("libcudart.so.12",)),
            holding("b.so", "compute_90", ptx="7.8", needed=("libcudart.so.12",)),
        )
    )
    assert code.ptx_isa == "8.7"
    assert [one.toolkit for one in code.drivers] == ["12.8"]


def test_the_release_is_unknown_for_ptx_that_is_newer_than_the_tables() -> None:
    code = package_code(
        package(holding("a.so", "compute_80", ptx="99.1", needed=("libcudart.so.12",)))
    )
    assert (code.ptx_isa, code.toolkit) == ("99.1", None)
    assert code.drivers == (Driver("linux", 12, "525.60.13"),)


def test_what_could_not_be_read_is_told() -> None:
    torn = holding("torn.so", "sm_80", problem="cut short")
    empty = replace(holding("empty.so"), device_code=DeviceCode(problem="no fat binary"))
    skipped = Skipped("k.cubin", "CUDA device code", DeviceCode(problem="cut short"))
    report = replace(package(torn, empty, holding("a.so", "sm_80")), skipped=(skipped,))
    code = package_code(report)
    assert code.unread == ("empty.so", "k.cubin", "torn.so")
    assert code.libraries == ("a.so", "empty.so", "torn.so")


def test_files_of_device_code_are_counted() -> None:
    skipped = (
        Skipped("a.cubin", "CUDA device code", kernels("sm_90a")),
        Skipped("b.cubin", "CUDA device code", kernels("sm_90a")),
        Skipped("c.ptx", "PTX", kernels("compute_103a", ptx="8.8")),
        Skipped("d.o", "object file"),
    )
    code = package_code(replace(package(), skipped=skipped))
    assert code.targets == ("sm_90a", "compute_103a")
    assert code.files == DeviceCode(
        (KernelSet(("sm_90a",), 2, 2000), KernelSet(("compute_103a",), 1, 1000)),
        ptx_isa=(("compute_103a", "8.8"),),
    )
    assert (code.libraries, code.present, code.drivers) == ((), True, ())
