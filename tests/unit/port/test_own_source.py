"""Whose a source file is."""

from __future__ import annotations

import pytest

from torch_abi_audit.formats.object_file import SourceUnit
from torch_abi_audit.port.own_source import grounds, is_own

VENV = "/home/u/proj/.venv/lib/python3.12/site-packages"
MARKS = ("c10/core/TensorImpl.h", "ATen/core/TensorBody.h", "c10/util/intrusive_ptr.h")


def unit(
    directory: str = "/home/u/proj",
    name: str = "csrc/ops.cpp",
    torch: str = f"{VENV}/torch/include",
) -> SourceUnit:
    return SourceUnit(name, directory, tuple(f"{torch}/{mark}" for mark in MARKS))


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/home/me/pkg/csrc/ops.cpp", True),
        ("csrc/include/pkg/ops.h", True),
        ("C:\\pkg\\csrc\\ops.cpp", True),
        ("/v/lib/python3.12/site-packages/torch/include/ATen/ops/empty.h", False),
        ("/opt/libtorch/include/c10/util/Exception.h", False),
        ("/usr/include/c++/12/bits/stl_vector.h", False),
        ("/usr/lib/gcc/x86_64-linux-gnu/12/include/xmmintrin.h", False),
        ("/usr/local/cuda-13.0/targets/x86_64-linux/include/cuda_fp16.hpp", False),
        ("C:\\BuildTools\\VC\\Tools\\MSVC\\14.4\\include\\vector", False),
        ("/build/tmpxft_0000_1-6_k.cudafe1.cpp", False),
    ],
)
def test_a_path_alone(path: str, own: bool) -> None:
    assert is_own(path) is own


@pytest.mark.parametrize(
    "path",
    [
        "/home/u/proj/csrc/ops.cpp",
        "/home/u/proj/include/torch/foo.h",
        "/home/u/proj/csrc/include/ATen/cuda/helpers.cuh",
        "/home/u/proj/csrc/c10/util.h",
        "csrc/torch/binding.h",
        "./csrc/../include/torch/foo.h",
        "/home/u/proj/torch/include/torch/foo.h",
        "/home/u/shared/include/caffe2/mine.h",  # torch's files are known to be elsewhere
    ],
)
def test_the_projects_own_directories_may_be_named_like_torchs(path: str) -> None:
    assert is_own(path, grounds(unit()))


@pytest.mark.parametrize(
    "path",
    [
        f"{VENV}/torch/include/ATen/core/TensorBody.h",
        f"{VENV}/torch/include/torch/csrc/api/include/torch/types.h",
        f"{VENV}/pybind11/include/pybind11/cast.h",
        "/home/u/proj/build/_deps/fmt-src/include/fmt/format.h",
        "/home/u/proj/third_party/pybind11/include/pybind11/cast.h",
        "/home/u/miniconda3/envs/x/include/Eigen/Core",
        "/opt/rocm-6.4/include/hip/hip_runtime.h",
    ],
)
def test_what_others_wrote(path: str) -> None:
    assert not is_own(path, grounds(unit()))


@pytest.mark.parametrize(
    "torch",
    [
        "/opt/anywhere/include",  # conda's libtorch has no directory of its own
        "/home/u/pytorch/aten/src",
        "/nix/store/abc-libtorch-dev/include",
        "external/pip_torch/site-packages/torch/include",
        "/home/u/proj/third_party/tch/include",  # unpacked inside of the project
    ],
)
def test_torch_is_known_by_its_files(torch: str) -> None:
    known = grounds(unit(torch=torch))
    assert not is_own(f"{torch}/c10/core/Device.h", known)
    assert not is_own(f"{torch}/torch/library.h", known)
    assert is_own("/home/u/proj/include/torch/foo.h", known)


def test_few_files_do_not_make_an_include_directory_of_torch() -> None:
    mine = SourceUnit("a.cpp", "/home/u/proj", ("/home/u/proj/include/c10/util/Exception.h",))
    assert is_own("/home/u/proj/include/c10/util/Exception.h", grounds(mine))


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("/home/u/proj", "csrc/ops.cpp"),  # setuptools
        ("/home/u/proj/build/temp.linux-x86_64-cpython-312", "/home/u/proj/csrc/ops.cpp"),  # ninja
        ("/var/build", "/home/u/proj/csrc/cpu/ops.cpp"),  # CMake, elsewhere
        ("/project", "/project/csrc/ops.cpp"),  # cibuildwheel
        ("/opt/proj", "csrc/ops.cpp"),
        ("/usr/local/src/proj", "csrc/ops.cpp"),
        (".", "csrc/ops.cpp"),  # -ffile-prefix-map
        ("/proc/self/cwd", "csrc/ops.cpp"),  # Bazel
        ("", "csrc/ops.cpp"),
    ],
)
def test_wherever_the_compiler_ran(directory: str, name: str) -> None:
    known = grounds(unit(directory, name))
    assert is_own(name, known)
    root = known.source.partition("csrc/")[0]
    assert is_own(f"{root}csrc/helpers/ops.h", known)
    assert is_own(f"{root}include/torch/mine.h", known)
    assert not is_own("/usr/include/c++/12/vector", known)


def test_a_package_that_compiles_its_sources_when_it_is_used() -> None:
    known = grounds(unit("/root/.cache/ops", f"{VENV}/fastops/csrc/a.cpp"))
    assert is_own(f"{VENV}/fastops/csrc/a.cpp", known)
    assert is_own(f"{VENV}/fastops/csrc/common.h", known)
    assert not is_own(f"{VENV}/numpy/core/include/numpy/arrayobject.h", known)
    assert not is_own(f"{VENV}/torch/include/torch/library.h", known)


def test_what_nvcc_compiles_is_named_by_the_directory_alone() -> None:
    directory = "/home/u/proj/build/temp.linux-x86_64-cpython-312"
    known = grounds(SourceUnit("/build/tmpxft_0000_0-6_k.cudafe1.cpp", directory))
    assert not is_own("/build/tmpxft_0000_0-6_k.cudafe1.cpp", known)
    assert is_own("/home/u/proj/csrc/k.cu", known)
    assert is_own("/home/u/proj/csrc/include/ATen/mine.cuh", known)
