"""What ``torch/__init__.py`` of several releases says it opens, read from its text."""

from __future__ import annotations

import pytest

from torch_abi_audit.doctor.torch_import import Entry, preloads

# In the form of torch 2.0 to 2.5: a mapping, opened only after a failure.
MAPPING = """
def _preload_cuda_deps(lib_folder, lib_name):
    nvidia_path = os.path.join(path, "nvidia")
    candidates = glob.glob(os.path.join(nvidia_path, lib_folder, "lib", lib_name))

def _load_global_deps():
    try:
        ctypes.CDLL(lib_path, mode=ctypes.RTLD_GLOBAL)
    except OSError as err:
        cuda_libs: Dict[str, str] = {
            'cublas': 'libcublas.so.*[0-9]',
            'nvtx': 'libnvToolsExt.so.*[0-9]',
        }
        for lib_folder, lib_name in cuda_libs.items():
            _preload_cuda_deps(lib_folder, lib_name)
"""
# 2.7: two are opened eagerly, and cufile only for CUDA 12 and later.
SOME_EAGER = """
def _get_cuda_dep_paths(path, lib_folder, lib_name):
    lib_paths = glob.glob(os.path.join(path, lib_folder, "lib", lib_name))

def _preload_cuda_deps(lib_folder, lib_name):
    ctypes.CDLL(lib_path)

def _load_global_deps():
    try:
        ctypes.CDLL(global_deps_lib_path, mode=ctypes.RTLD_GLOBAL)
        try:
            with open("/proc/self/maps") as f:
                _maps = f.read()
            if "nvidia/cuda_runtime/lib/libcudart.so" not in _maps:
                return
            _preload_cuda_deps("cuda_nvrtc", "libnvrtc.so.*[0-9]")
            _preload_cuda_deps("nvjitlink", "libnvJitLink.so.*[0-9]")
        except Exception:
            pass
    except OSError as err:
        cuda_libs: dict[str, str] = {"cublas": "libcublas.so.*[0-9]"}
        if cuda_version is not None:
            t_major = int(cuda_version.split(".")[0])
            if t_major >= 12:
                cuda_libs["cufile"] = "libcufile.so.*[0-9]"
"""
# 2.10 and later: one list for both; since 2.14 nothing of it is required after success.
ALL_EAGER = """
def _get_cuda_dep_paths(path, lib_folder, lib_name):
    nvidia = glob.glob(os.path.join(path, "nvidia", f"cu{maj_cuda_version}", "lib", lib_name))
    lib_paths = glob.glob(os.path.join(path, lib_folder, "lib", lib_name))

def _preload_cuda_deps(err=None, required=True):
    cuda_libs: list[tuple[str, str]] = [
        ("cublas", "libcublasLt.so.*[0-9]"),
        ("cublas", "libcublas.so.*[0-9]"),
    ]
    for lib_folder, lib_name in cuda_libs:
        _preload_cuda_lib(lib_folder, lib_name, required=required)
    _preload_cuda_lib("nvtx", "libnvToolsExt.so.*[0-9]", required=False)

def _load_global_deps():
    try:
        ctypes.CDLL(global_deps_lib_path, mode=ctypes.RTLD_GLOBAL)
        try:
            with open("/proc/self/maps") as f:
                _maps = f.read()
            if "libcudart.so" not in _maps:
                return
            _preload_cuda_deps({required})
        except Exception:
            pass
    except OSError as err:
        _preload_cuda_deps(err)
"""


def names(entries: tuple[Entry, ...]) -> list[tuple[str, bool]]:
    return [(one.pattern.partition(".")[0], one.required) for one in entries]


def test_only_after_a_failure() -> None:
    found = preloads(MAPPING, "11.8")
    assert names(found.fallback) == [("libcublas", True), ("libnvToolsExt", True)]
    assert (found.eager, found.marker, found.flat, found.joint) == ((), None, False, False)


def test_two_after_success() -> None:
    found = preloads(SOME_EAGER, "12.6")
    assert names(found.fallback) == [("libcublas", True), ("libcufile", True)]
    assert names(found.eager) == [("libnvrtc", True), ("libnvJitLink", True)]
    assert found.marker == "nvidia/cuda_runtime/lib/libcudart.so"
    assert (found.flat, found.joint) == (True, False)


@pytest.mark.parametrize("cuda", ["11.8", None])
def test_an_entry_for_later_cuda(cuda: str | None) -> None:
    assert names(preloads(SOME_EAGER, cuda).fallback) == [("libcublas", True)]


@pytest.mark.parametrize(("words", "required"), [("", True), ("required=False", False)])
def test_all_after_success(words: str, required: bool) -> None:
    found = preloads(ALL_EAGER.replace("{required}", words), "13.0")
    expected = [("libcublasLt", True), ("libcublas", True), ("libnvToolsExt", False)]
    assert names(found.fallback) == expected
    assert names(found.eager) == [(name, each and required) for name, each in expected]
    assert (found.marker, found.joint) == ("libcudart.so", True)


@pytest.mark.parametrize("source", ["", "def broken(:", "import os\n", "x = 1\n" * 3])
def test_sources_that_say_nothing(source: str) -> None:
    found = preloads(source, None)
    assert (found.fallback, found.eager) == ((), ())
