"""What a wheel repair must leave out, from constructed reports."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.declared import Declared
from torch_abi_audit.model.reports import ExtensionReport, Linkage, PackageReport
from torch_abi_audit.repair.plan import Repair, plan
from torch_abi_audit.repair.tools import ANY_WHEEL

ROOT = PurePosixPath("/dist/demo.whl")
TORCH = ("Requires", "torch")


def library(
    path: str, *needed: str, form: Format = Format.ELF, arch: str = "x86_64", rpath: str = ""
) -> ExtensionReport:
    linkage = Linkage(form, arch, needed=needed, rpaths=(rpath,) if rpath else ())
    return ExtensionReport(ROOT / path, format=form, arch=arch, needed=needed, linkage=(linkage,))


def package(
    *libraries: ExtensionReport,
    requires: tuple[str, ...] = ("torch",),
    distribution: str = "demo",
    tags: tuple[str, ...] = (),
) -> PackageReport:
    declared = Declared(distribution, tags=tags, requires=requires)
    return PackageReport(
        "demo", ROOT, bundled_libs=libraries, distribution=distribution, declared=declared
    )


def repaired(*libraries: ExtensionReport, requires: tuple[str, ...] = ("torch",)) -> Repair:
    (one,) = plan(package(*libraries, requires=requires), "dist/demo.whl").repairs
    return one


def excluded(one: Repair) -> dict[str, str]:
    return {each.library: each.by for each in one.excluded}


def test_what_torch_the_driver_and_a_requirement_bring_is_excluded() -> None:
    one = repaired(
        library("demo/_C.so", "libc10.so", "libtorch_cuda.so", "libcudart.so.13", "libc.so.6"),
        library("demo/lib.so", "libcuda.so.1", "libmetatensor.so", "libnvjpeg.so.13"),
        requires=("torch", "metatensor-core >=0.1", "nvidia-nvjpeg"),
    )
    assert excluded(one) == {
        "libc10.so": "torch",
        "libtorch_cuda.so": "CUDA builds of torch",
        "libcudart.so.13": "torch, by its nvidia requirements",
        "libnvjpeg.so.13": "nvidia-nvjpeg",
        "libcuda.so.1": "the NVIDIA driver",
        "libmetatensor.so": "metatensor-core",
    }
    assert one.copied == ()
    assert one.command == (
        "auditwheel repair --exclude libc10.so --exclude libtorch_cuda.so "
        "--exclude libcudart.so.13 --exclude libnvjpeg.so.13 --exclude libcuda.so.1 "
        "--exclude libmetatensor.so dist/demo.whl"
    )


def test_what_the_wheel_must_contain_is_not_excluded() -> None:
    one = repaired(
        library("demo/_C.so", "libc10.so", "libjpeg.so.8", "libtorch_foo.so", "libnppicc.so.13"),
        library("demo/libtorch_foo.so"),
    )
    assert [each.library for each in one.copied] == ["libjpeg.so.8", "libnppicc.so.13"]
    assert "libtorch_foo" not in one.command
    assert any("auditwheel must find libjpeg.so.8 and 1 more" in check for check in one.checks)


def test_a_library_that_is_copied_may_be_linked_to_torch_itself() -> None:
    one = repaired(library("demo/_C.so", "libc10.so", "libops.so.1"))
    unseen = ["libtorch.so", "libtorch_cpu.so", "libtorch_python.so"]
    assert list(excluded(one)) == ["libc10.so", *unseen]
    assert [each.library for each in one.excluded if not each.needed_by] == unseen
    assert "libtorch" not in repaired(library("demo/_C.so", "libc10.so")).command


def test_cuda_is_for_the_wheel_where_nobody_brings_it() -> None:
    one = repaired(library("demo/_C.so", "libcudart.so.12"), requires=())
    assert (one.excluded, [each.library for each in one.copied]) == ((), ["libcudart.so.12"])
    of_toolkit = repaired(
        library("demo/_C.so", "libcudart.so.13", "libnccl.so.2"),
        requires=("cuda-toolkit[cudart]==13.0.2",),
    )
    assert excluded(of_toolkit) == {"libcudart.so.13": "cuda-toolkit"}
    versioned = repaired(
        library("demo/_C.so", "libcusparse.so.12", "libcudart.so.12"),
        requires=("nvidia-cusparselt-cu12", "nvidia-cuda-runtime-cu12"),
    )
    assert excluded(versioned) == {"libcudart.so.12": "nvidia-cuda-runtime-cu12"}


def test_the_tool_itself_cuts_the_link_to_libpython() -> None:
    one = repaired(library("demo/_C.so", "libpython3.11.so.1.0", "libc10.so"))
    assert "python" not in one.command
    assert any("do not link to libpython3.11.so.1.0" in check for check in one.checks)


@pytest.mark.parametrize(
    ("requires", "where"),
    [
        (("torch>=2.9",), "excluded"),  # every release from 2.7.1 on has libgomp.so.1
        (("torch>=2.4",), "copied"),  # 2.4 to 2.7.0 have a renamed one
        (("torch==2.6.*",), "copied"),
    ],
)
def test_a_runtime_that_torch_contains(requires: tuple[str, ...], where: str) -> None:
    report = package(
        library("demo/_C.so", "libc10.so", "libgomp.so.1"),
        requires=requires,
        tags=("cp311-cp311-linux_x86_64",),
    )
    (one,) = plan(report).repairs
    listed = [each.library for each in getattr(one, where)]
    assert "libgomp.so.1" in listed


def test_the_user_installs_what_a_wheel_has_several_builds_for() -> None:
    one = repaired(
        library("demo/core4.so", "libc10.so", "libavutil.so.56"),
        library("demo/core5.so", "libc10.so", "libavutil.so.57", "libfoo.so.1"),
        library("demo/both.so", "libbar.so.1", "libbar.so.2"),
        library("demo/one.so", "libicu.so.66"),
        library("demo/other.so", "libicu.so.70"),
    )
    users = [each.library for each in one.excluded if each.origin == "user"]
    assert users == ["libavutil.so.56", "libavutil.so.57"]
    assert [each.library for each in one.copied] == [
        *("libbar.so.1", "libbar.so.2", "libfoo.so.1", "libicu.so.66", "libicu.so.70")
    ]
    cuda = repaired(
        library("demo/hook.so", "libcudart.so.12"),
        library("demo/hook_cu13.so", "libcudart.so.13"),
        requires=(),
    )
    assert [each.origin for each in cuda.excluded] == ["user", "user"]


def test_a_wheel_that_was_repaired_wrongly_gets_the_line_too() -> None:
    one = repaired(
        library("demo/_C.so", "libc10-e03523b3.so", "libcudart-9335f6a2.so.12.4.127"),
        library("demo.libs/libc10-e03523b3.so", "libgomp-a34b3233.so.1.0.0"),
        library("demo.libs/libgomp-a34b3233.so.1.0.0"),
        library("demo.libs/libcudart-9335f6a2.so.12.4.127"),
        library("demo.libs/libcuda-0a1b2c3d.so.1"),
        library("demo.libs/libjpeg-944920e9.so.8.3.2"),
        requires=("torch>=2.9",),
    )
    assert {each.library: each.copy for each in one.excluded} == {
        "libc10.so": "demo.libs/libc10-e03523b3.so",
        "libcudart.so.*": "demo.libs/libcudart-9335f6a2.so.12.4.127",
        "libcuda.so.1": "demo.libs/libcuda-0a1b2c3d.so.1",
        "libgomp.so.1": "demo.libs/libgomp-a34b3233.so.1.0.0",
    }
    assert one.since == "6.2"
    assert one.command.endswith(ANY_WHEEL)
    assert one.checks[0].startswith("the wheel was repaired without this: it contains demo.libs/")


def test_on_macos_names_are_parts_of_paths_and_must_be_found() -> None:
    one = repaired(
        library(
            "demo/_C.so",
            "@rpath/libc10.dylib",
            "/opt/homebrew/opt/libomp/lib/libomp.dylib",
            "/Library/Frameworks/Python.framework/Versions/3.11/Python",
            "/usr/lib/libSystem.B.dylib",
            "@rpath/libjpeg.8.dylib",
            "/opt/lib/mylibomp.dylib",
            form=Format.MACHO,
            arch="arm64",
        )
    )
    assert [each.library for each in one.copied] == ["libjpeg.8.dylib", "mylibomp.dylib"]
    names = [each.library for each in one.excluded if each.needed_by]
    assert names == ["/libomp.dylib", "libc10.dylib", "/Python.framework/"]
    assert one.command.startswith("DYLD_LIBRARY_PATH=\"$(python -c 'import torch;")
    assert any("delocate must find a library before it excludes it" in one for one in one.checks)


def test_on_windows_the_option_is_repeated_and_pythons_dll_left_to_the_tool() -> None:
    one = repaired(
        library(
            "demo/_C.pyd",
            *("c10.dll", "TORCH_CPU.dll", "python311.dll", "KERNEL32.dll", "MSVCP140.dll"),
            *("libiomp5md.dll", "cudart64_12.dll", "nvcuda.dll", "zlib1.dll", "Ops.dll"),
            form=Format.PE,
        ),
        library("demo/ops.dll", form=Format.PE),
    )
    assert excluded(one) == {
        **dict.fromkeys(("TORCH_CPU.dll", "c10.dll", "torch.dll", "torch_python.dll"), "torch"),
        **dict.fromkeys(("c10_cuda.dll", "torch_cuda.dll"), "CUDA builds of torch"),
        "libiomp5md.dll": "torch",
        "cudart64_12.dll": "CUDA builds of torch",
        "nvcuda.dll": "the NVIDIA driver",
    }
    assert [each.library for each in one.copied] == ["zlib1.dll"]
    assert one.command.count("--exclude") == len(one.excluded)


def test_a_requirement_that_is_not_declared_and_an_rpath_that_is_missing() -> None:
    found = repaired(library("demo/sub/_C.so", "libc10.so"), requires=())
    assert found.checks == (
        "the wheel does not require torch, which brings what is excluded: declare it",
        (
            "no RPATH leads to torch/lib, so torch must be imported before the extension; or link "
            "with -Wl,-rpath,'$ORIGIN/../../torch/lib'"
        ),
    )
    assert not repaired(library("demo/_C.so", "libc10.so", rpath="$ORIGIN/../torch/lib")).checks


def test_names_are_quoted_for_the_shell() -> None:
    one = repaired(library("demo/_C.so", "libpython_$(touch x).so", "/abs path/libc10.so"))
    assert "--exclude '/abs path/libc10.so'" in one.command
    assert "$(touch" not in one.command
    odd = repaired(library("demo/_C.so", "a[1]/libc10.so"))
    assert "--exclude 'a[[]1]/libc10.so'" in odd.command
    unsaid = repaired(library("demo/_C.so", "x\x1b/libc10.so"))
    assert "\x1b" not in unsaid.command
    assert "exclude it by hand" in unsaid.checks[0]


def test_the_systems_of_the_tags_decide() -> None:
    libraries = (library("demo/_C.so", "libc10.so"), library("x.pyd", "c10.dll", form=Format.PE))
    everywhere = plan(package(*libraries)).repairs
    assert [one.system for one in everywhere] == ["linux", "windows"]
    on_linux = plan(package(*libraries, tags=("cp311-cp311-manylinux_2_28_x86_64",))).repairs
    assert [one.system for one in on_linux] == ["linux"]


def test_what_has_no_line() -> None:
    torch = plan(package(library("torch/lib/libtorch.so", "libc10.so"), distribution="torch"))
    assert (torch.repairs, len(torch.notes)) == ((), 1)
    broken = PackageReport(
        "demo", ROOT, bundled_libs=(ExtensionReport(ROOT / "_C.so", error="truncated"),)
    )
    assert plan(broken).notes[0].startswith("_C.so could not be read")
