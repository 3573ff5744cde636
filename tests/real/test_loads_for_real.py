"""A real torch imports what the load matrix says it loads, and refuses what it says it does not.

A CPU build of torch 2.13.0 is installed into an environment of its own; a stable extension is
compiled against its headers for an older target, and libraries that ask for other releases.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.sources import source
from tests.support.toolchain import gcc
from tests.support.wheels import fetch

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the torch that is installed here is for Linux x86_64",
)

TARGET = "0x020a000000000000"  # 2.10.0
EXTENSION = r"""
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

using torch::stable::Tensor;

Tensor twice(const Tensor& in) {
  STD_TORCH_CHECK(in.dim() == 1, "one dimension, please");
  Tensor out = torch::stable::empty_like(in);
  const float* from = static_cast<const float*>(in.const_data_ptr());
  float* to = static_cast<float*>(out.mutable_data_ptr());
  for (int64_t i = 0; i < in.numel(); i++) to[i] = 2 * from[i];
  return out;
}

STABLE_TORCH_LIBRARY(abi_audit_probe, m) { m.def("twice(Tensor a) -> Tensor"); }
STABLE_TORCH_LIBRARY_IMPL(abi_audit_probe, CPU, m) { m.impl("twice", TORCH_BOX(&twice)); }
"""
LOAD = """
import sys, torch
torch.ops.load_library(sys.argv[1])
print(torch.__version__, torch.ops.abi_audit_probe.twice(torch.tensor([1.0, 2.5])).tolist())
"""
NEWER = "torch_has_storage"
"""A shim that 2.14.0 brought."""
GONE = (
    "_ZN3c1010Dispatcher11registerDefENS_14FunctionSchemaENSt7__cxx1112basic_stringIcSt11"
    "char_traitsIcESaIcEEESt6vectorIN2at3TagESaISA_EE"
)
"""What 2.12.0 exports with another type of tag."""


@pytest.fixture(scope="module")
def torch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed ``torch`` directory of an environment."""
    wheel = fetch("torch==2.13.0", "manylinux_2_28_x86_64")
    if "+cpu" not in wheel.name:
        pytest.skip("the package index offers no CPU build of torch 2.13.0")
    home = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home)
    pip = (sys.executable, "-m", "pip", "--python", home / "bin" / "python", "--quiet")
    run(*pip, "install", "--disable-pip-version-check", "--no-compile", wheel)
    (found,) = home.glob("lib/python3*/site-packages/torch")
    return found


@pytest.fixture(scope="module")
def stable(torch: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension, built with 2.13's headers for 2.10."""
    return build(EXTENSION, tmp_path_factory.mktemp("stable") / "probe.so", torch)


def build(text: str, out: Path, torch: Path) -> Path:
    include = torch / "include"
    return gcc(
        text,
        out,
        *("-std=c++20", "-O1", f"-DTORCH_TARGET_VERSION={TARGET}", "-DTORCH_STABLE_ONLY"),
        *(f"-I{include}", f"-I{include / 'torch' / 'csrc' / 'api' / 'include'}"),
        *(f"-L{torch / 'lib'}", "-ltorch", "-ltorch_cpu", "-lc10"),
        lang="c++",
    )


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(one) for one in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def load(torch: Path, library: Path) -> subprocess.CompletedProcess[str]:
    python = torch.parents[3] / "bin" / "python"
    return subprocess.run(
        [python, "-W", "ignore", "-c", LOAD, library], capture_output=True, text=True, check=False
    )


def answers(library: Path, *words: str | Path) -> dict[str, Any]:
    done = run(sys.executable, "-m", "torch_abi_audit", "compat", "--json", *words, library)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_a_stable_extension_is_imported_where_the_matrix_says_so(torch: Path, stable: Path) -> None:
    document = answers(stable)
    good = [release for release, answer in document["loads_on"].items() if answer == "yes"]
    assert (good[0], document["loads_on_later"]) == ("2.10.0", True)
    assert document["loads_on"]["2.9.1"] == "no"
    assert "2.13.0" in good
    assert answers(stable, "--torch", torch)["loads_on"] == {"2.13.0": "yes"}
    done = load(torch, stable)
    assert (done.returncode, done.stdout) == (0, "2.13.0+cpu [2.0, 5.0]\n"), done.stderr


def test_a_stable_extension_is_refused_where_the_matrix_says_so(
    torch: Path, tmp_path: Path
) -> None:
    newer = f"""
    extern "C" int32_t {NEWER}(void*, bool*);
    extern "C" int32_t asks() {{ return {NEWER}(nullptr, nullptr); }}
    """
    library = build(EXTENSION + newer, tmp_path / "probe.so", torch)
    document = answers(library)
    assert (document["loads_on"]["2.13.0"], document["loads_on"]["2.14.0"]) == ("no", "yes")
    assert document["missing_symbols"]["2.13.0"] == [NEWER]
    assert answers(library, "--torch", torch)["missing_symbols"] == {"2.13.0": [NEWER]}
    done = load(torch, library)
    assert done.returncode == 1
    assert f"undefined symbol: {NEWER}" in done.stderr


def test_an_unstable_library_is_refused_where_the_matrix_says_so(
    torch: Path, tmp_path: Path
) -> None:
    links = (f"-L{torch / 'lib'}", "-Wl,--no-as-needed", "-ltorch", "-ltorch_cpu", "-lc10")
    library = gcc(source([GONE]), tmp_path / "probe.so", *links)
    document = answers(library)
    loads_on = document["loads_on"]
    assert (loads_on["2.11.0"], loads_on["2.12.0"], loads_on["2.13.0"]) == ("yes", "no", "no")
    assert answers(library, "--torch", torch)["loads_on"] == {"2.13.0": "no"}
    done = load(torch, library)
    assert done.returncode == 1
    assert f"undefined symbol: {GONE}" in done.stderr
