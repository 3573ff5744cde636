"""Which torch exports a name: by platform, release, devices and ABI of ``std::string``."""

from __future__ import annotations

import pytest

from torch_abi_audit.explain.explanation import Cause, Installed
from torch_abi_audit.explain.question import explain
from torch_abi_audit.explain.symbols import builds
from torch_abi_audit.explain.symbols.builds import Has
from torch_abi_audit.explain.symbols.symbol_history import history
from torch_abi_audit.knowledge.names.torch import Build
from torch_abi_audit.sources.installed.torch_version import named

OLD = b"_ZN4c10d8TCPStoreC1ESsRKNS_15TCPStoreOptionsE"
NEW = b"_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
CUDA = b"_ZN3c104cuda20CUDACachingAllocator9allocatorE"
PLAIN = b"_ZN3c106detail14torchCheckFailEPKcS2_jS2_"


def torch(word: str) -> Installed:
    found = named(word)
    assert found is not None
    return Installed(found.text, found.cuda, stated=found.known_build)


@pytest.mark.parametrize(
    ("version", "build"),
    [
        ("2.6.0+cu126", Build.CUDA),
        ("2.5.0+rocm6.2", Build.ROCM),
        ("2.7.0+xpu", Build.XPU),
        ("2.7.0+cpu.cxx11.abi", Build.ANY),
        ("2.13.0+cpu", Build.ANY),
        ("2.13.0", None),
        ("2.2.0a0+6a974be", None),
    ],
)
def test_the_build(version: str, build: Build | None) -> None:
    assert torch(version).build is build


@pytest.mark.parametrize(
    ("version", "has_new"),
    [
        ("2.6.0+cu126", True),
        ("2.6.0+rocm6.2.4", True),
        ("2.6.0+xpu", True),
        ("2.6.0+cu124", False),
        ("2.6.0+cu118", False),
        ("2.6.0+cpu", False),
        ("2.6.0+cpu.cxx11.abi", True),
        ("2.6.0", False),
        ("2.5.1+cu124", False),
        ("2.7.0+cu118", True),
        ("2.2.0a0+6a974be", None),
    ],
)
def test_the_abi_of_strings(version: str, has_new: bool | None) -> None:
    assert builds.cxx11(torch(version), "linux_x86_64") is has_new
    assert builds.cxx11(torch(version), "win_amd64") is None


@pytest.mark.parametrize(
    ("name", "version", "has"),
    [
        (PLAIN, "2.6.0+cu126", Has.YES),
        (PLAIN, "2.2.0a0+6a974be", Has.UNKNOWN),
        (PLAIN, "2.10.0.dev20251105+cu130", Has.YES),
        (PLAIN, "2.99.0", Has.UNKNOWN),
        (OLD, "2.6.0+cu126", Has.STRING),
        (OLD, "2.6.0+cu124", Has.YES),
        (OLD, "2.8.0+cu128", Has.STRING),
        (NEW, "2.6.0+cpu", Has.STRING),
        (NEW, "2.8.0+cpu", Has.YES),
        (CUDA, "2.13.0+cpu", Has.DEVICE),
        (CUDA, "2.5.0+rocm6.2", Has.DEVICE),
        (CUDA, "2.13.0+xpu", Has.DEVICE),
        (CUDA, "2.13.0+cu130", Has.YES),
    ],
)
def test_whether_a_build_exports_a_name(name: bytes, version: str, has: Has) -> None:
    assert builds.exports(history(name, "linux_x86_64"), torch(version)) is has


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("/v/_C.cpython-312-aarch64-linux-gnu.so: undefined symbol: {}", "linux_aarch64"),
        ("/v/_C.cpython-312-x86_64-linux-gnu.so: undefined symbol: {}", "linux_x86_64"),
        ("dlopen(/v/_C.so, 2): Symbol not found: _{}\n", "macosx_arm64"),
        ("a.obj : error LNK2001: unresolved external symbol {}", "win_amd64"),
        ("b.o: undefined reference to `{}'\n/w/aarch64-linux-gnu/bin/ld: failed", "linux_aarch64"),
    ],
)
def test_the_platform_is_taken_from_the_text(text: str, platform: str) -> None:
    answer = explain(text.format("aoti_torch_check"))
    assert answer.history is not None
    assert answer.history.platform == platform


def test_a_shim_that_is_exported_later_on_one_platform() -> None:
    windows = explain("a.obj : error LNK2001: unresolved external symbol aoti_torch_check")
    assert windows.causes[0] is Cause.OTHER_TORCH
    assert "exported on win_amd64 since torch 2.7.0" in windows.is_a[0]
    assert windows.advice[-1] == "install torch 2.7.0 or later"


@pytest.mark.parametrize("version", ["2.13.0+cpu", "2.13.0+rocm6.4", "2.13.0+xpu"])
def test_a_shim_of_a_device_that_the_torch_is_not_built_for(version: str) -> None:
    text = "/v/_C.so: undefined symbol: aoti_torch_get_current_cuda_stream"
    answer = explain(text, torch(version))
    assert answer.causes == (Cause.CPU_TORCH,)
    assert "does not export it: only CUDA builds do" in answer.pair[0]


def test_a_version_from_before_a_release() -> None:
    answer = explain(f"/v/_C.so: undefined symbol: {PLAIN.decode()}", torch("2.9.0a0+git123"))
    assert answer.pair == ("the installed torch, 2.9.0a0+git123 (unknown build), exports it",)
    older = explain("/v/_C.so: undefined symbol: torch_from_blob", torch("2.11.0a0+git123"))
    assert "the nearest known release is 2.10.0" in older.pair[0]


@pytest.mark.parametrize(
    ("name", "version"), [(OLD.decode(), "2.6.0+cu126"), (NEW.decode(), "2.6.0+cpu")]
)
def test_the_other_string(name: str, version: str) -> None:
    answer = explain(f"/v/_C.so: undefined symbol: {name}", torch(version))
    assert Cause.OLD_STRING in answer.causes
    assert "other ABI of std::string" in answer.pair[0]
