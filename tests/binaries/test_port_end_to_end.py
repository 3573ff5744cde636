"""Two extensions, ported by following the plan to the letter: they compile, load and compute.

Before, each is built for torch's unstable C++ API and computes. Then ``port --source --write``
makes its changes, what the plan leaves to be done by hand is done where the plan says, and each
builds with the headers of the oldest torch that the plan promises, for its compiler options. The
result is stable, has the promised floor, and computes the same under torch 2.13.0.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support import torch_headers
from tests.support.sdists import fetch_sources
from tests.support.torch_cpu import cpu_torch
from torch_abi_audit.cli import main

HERE = Path(__file__).parent / "port_end_to_end"
RUNTIME = "2.13.0"
OLDEST = "2.10.0"

FUSED = """
x = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -6.0]])
y = torch.arange(6.0).reshape(3, 2).t()
out = torch.zeros(2, 3)
ops = torch.ops.fused
ops.sum_into(x, y, out)
results = [ops.scale_shift(x, y, 0.25), ops.product(x, y), out]
wrongs = [((x.double(), y), "expected float, got Double"), ((x, y[:, :2]), "shapes differ")]
for wrong, why in wrongs:
    try:
        ops.product(*wrong)
    except RuntimeError as error:
        results.append(why in str(error))
"""
SPLINE = """
torch.manual_seed(0)
ops = torch.ops.torch_spline_conv
results = [ops.cuda_version()]
kernel_size, is_open = torch.tensor([5, 4]), torch.tensor([1, 0], dtype=torch.uint8)
for dtype in (torch.float32, torch.float64):
    for degree in (1, 2, 3):
        pseudo = torch.rand(7, 2, dtype=dtype, requires_grad=True)
        x = torch.rand(7, 3, dtype=dtype, requires_grad=True)
        weight = torch.rand(20, 3, 4, dtype=dtype, requires_grad=True)
        basis, index = ops.spline_basis(pseudo, kernel_size, is_open, degree)
        out = ops.spline_weighting(x, weight, basis, index)
        out.square().sum().backward()
        results += [basis, index, out, pseudo.grad, x.grad, weight.grad]
try:
    ops.spline_basis(pseudo.detach(), kernel_size[:1], is_open, 1)
except RuntimeError as error:
    results.append("Input mismatch" in str(error))
"""
SPLINE_IN_PYTHON = """
ops = torch.ops.torch_spline_conv


def keep_basis(ctx, inputs, output):
    ctx.save_for_backward(*inputs[:3])
    ctx.degree = inputs[3]
    ctx.mark_non_differentiable(output[1])


def basis_backward(ctx, grad, _):
    return ops.spline_basis_backward(grad, *ctx.saved_tensors, ctx.degree), None, None, None


def weighting_backward(ctx, grad):
    x, weight, basis, index = ctx.saved_tensors
    return (
        ops.spline_weighting_backward_x(grad, weight, basis, index),
        ops.spline_weighting_backward_weight(grad, x, basis, index, weight.size(0)),
        ops.spline_weighting_backward_basis(grad, x, weight, index),
        None,
    )


torch.library.register_autograd(
    "torch_spline_conv::spline_basis", basis_backward, setup_context=keep_basis
)
torch.library.register_autograd(
    "torch_spline_conv::spline_weighting",
    weighting_backward,
    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
)
"""
REGISTRATIONS = {
    "csrc/basis.cpp": """
#include <torch/csrc/stable/library.h>

STABLE_TORCH_LIBRARY_FRAGMENT(torch_spline_conv, m) {
  m.def("spline_basis(Tensor pseudo, Tensor kernel_size, Tensor is_open_spline, int degree)"
        " -> (Tensor, Tensor)");
  m.def("spline_basis_backward(Tensor grad, Tensor pseudo, Tensor kernel_size,"
        " Tensor is_open_spline, int degree) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(torch_spline_conv, CPU, m) {
  m.impl("spline_basis", TORCH_BOX(&spline_basis_fw));
  m.impl("spline_basis_backward", TORCH_BOX(&spline_basis_bw));
}
""",
    "csrc/weighting.cpp": """
#include <torch/csrc/stable/library.h>

torch::stable::Tensor weighting(torch::stable::Tensor x, torch::stable::Tensor weight,
                                torch::stable::Tensor basis, torch::stable::Tensor index) {
  return spline_weighting_fw(torch::stable::contiguous(x), torch::stable::contiguous(weight),
                             basis, index);
}

STABLE_TORCH_LIBRARY_FRAGMENT(torch_spline_conv, m) {
  m.def("spline_weighting(Tensor x, Tensor weight, Tensor basis, Tensor index) -> Tensor");
  m.def("spline_weighting_backward_x(Tensor grad, Tensor weight, Tensor basis, Tensor index)"
        " -> Tensor");
  m.def("spline_weighting_backward_weight(Tensor grad, Tensor x, Tensor basis, Tensor index,"
        " int kernel_size) -> Tensor");
  m.def("spline_weighting_backward_basis(Tensor grad, Tensor x, Tensor weight, Tensor index)"
        " -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(torch_spline_conv, CPU, m) {
  m.impl("spline_weighting", TORCH_BOX(&weighting));
  m.impl("spline_weighting_backward_x", TORCH_BOX(&spline_weighting_bw_x));
  m.impl("spline_weighting_backward_weight", TORCH_BOX(&spline_weighting_bw_weight));
  m.impl("spline_weighting_backward_basis", TORCH_BOX(&spline_weighting_bw_basis));
}
""",
    "csrc/version.cpp": """
#include <torch/csrc/stable/library.h>

STABLE_TORCH_LIBRARY_FRAGMENT(torch_spline_conv, m) { m.def("cuda_version() -> int"); }

STABLE_TORCH_LIBRARY_IMPL(torch_spline_conv, CompositeExplicitAutograd, m) {
  m.impl("cuda_version", TORCH_BOX(&cuda_version));
}
""",
}
"""What is written by hand in place of the C++ autograd and ``torch::RegisterOperators``."""


@pytest.fixture(scope="module")
def oldest_headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return torch_headers.headers(OLDEST, tmp_path_factory.mktemp("headers"))


def build(sources: list[Path], include: Path, options: list[str], library: Path) -> None:
    """Compile and link with torch 2.13.0, without undefined symbols."""
    libraries = cpu_torch(RUNTIME) / "torch" / "lib"
    root = sources[0].parent
    command = ["g++", "-std=c++20", "-O0", "-w", "-fPIC", *options, f"-I{root}"]
    command += [f"-I{include}", f"-I{include / 'torch' / 'csrc' / 'api' / 'include'}"]
    command += [f"-I{sysconfig.get_path('include')}"]
    objects = [library.with_name(f"{library.stem}-{number}.o") for number in range(len(sources))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        compiled = pool.map(
            lambda pair: run([*command, "-c", str(pair[0]), "-o", str(pair[1])]),
            zip(sources, objects, strict=True),
        )
        assert len(list(compiled)) == len(sources)  # raises what a compilation raised
    link = ["g++", "-shared", *map(str, objects), "-o", str(library)]
    run([*link, f"-L{libraries}", "-ltorch_cpu", "-lc10", f"-Wl,-rpath,{libraries}"])


def run(command: list[str]) -> None:
    """Run a compiler or linker; its errors are the test's."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, "\n".join(
        line for line in done.stderr.splitlines() if "error" in line or "undefined" in line
    )


def compute(library: Path, script: str) -> list[Any]:
    """What a script puts into ``results`` with the library loaded, under torch 2.13.0."""
    program = (
        "import json, sys, torch\ntorch.ops.load_library(sys.argv[1])\n"
        f"{script}\n"
        "print(json.dumps([one.tolist() if hasattr(one, 'tolist') else one for one in results]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(library)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(cpu_torch(RUNTIME))},
    )
    assert done.returncode == 0, done.stderr
    results: list[Any] = json.loads(done.stdout)
    return results


def plan(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["port", *map(str, words), "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def audit(capsys: pytest.CaptureFixture[str], library: Path) -> dict[str, Any]:
    capsys.readouterr()
    main([str(library), "--json"])
    document = json.loads(capsys.readouterr().out)
    (one,) = document["extensions"] + document["bundled_libs"]
    found: dict[str, Any] = one["torch"]
    return found


def contents(tree: Path) -> dict[str, bytes]:
    files = (path for path in tree.rglob("*") if path.is_file())
    return {str(path.relative_to(tree)): path.read_bytes() for path in files}


def write(capsys: pytest.CaptureFixture[str], tree: Path) -> None:
    """Make the plan's changes; the patch that it showed before is what they are."""
    before = tree.with_name(f"{tree.name}-before")
    shutil.copytree(tree, before)
    capsys.readouterr()
    assert main(["port", "--source", str(tree), "--diff", "--quiet"]) == 0
    patch = capsys.readouterr().out
    assert main(["port", "--source", str(tree), "--write", "--quiet"]) == 0
    subprocess.run(["git", "apply", "-"], cwd=before, input=patch, text=True, check=True)
    assert contents(before) == contents(tree)
    capsys.readouterr()


def by_hand(document: dict[str, Any]) -> dict[str, list[int]]:
    """The lines of each source that the plan leaves to be done by hand."""
    return {
        file["name"]: [use["line"] for use in file["uses"] if not use["mechanical"]]
        for file in document["source"]["files"]
        if any(not use["mechanical"] for use in file["uses"])
    }


def expect_stable(
    capsys: pytest.CaptureFixture[str], library: Path, promise: dict[str, Any]
) -> None:
    found = audit(capsys, library)
    assert found["stable"] is True
    assert found["min_torch_version"] == promise["target"] == OLDEST


def test_an_extension_is_ported_by_the_program_alone(
    oldest_headers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tmp_path / "fused"
    shutil.copytree(HERE / "fused", tree)
    include = cpu_torch(RUNTIME) / "torch" / "include"
    source, library = tree / "csrc" / "fused.cpp", tmp_path / "before.so"
    build([source], include, [], library)
    assert audit(capsys, library)["stable"] is False
    results = compute(library, FUSED)
    assert results[3:] == [True, True]  # both messages

    promise = plan(capsys, "--source", tree, library)
    assert promise["verdict"] == "UNSTABLE"
    assert promise["coverage"] == 1
    assert by_hand(promise) == {}
    options = promise["compile_options"]
    assert options == ["-DTORCH_TARGET_VERSION=0x020a000000000000"]
    write(capsys, tree)
    assert f'"{options[0]}"' in (tree / "setup.py").read_text()
    after = plan(capsys, "--source", tree)
    assert [file["uses"] for file in after["source"]["files"] if file["uses"]] == []

    for headers in (oldest_headers, include):
        library = tmp_path / f"after-{headers.parents[1].name}.so"
        build([source], headers, options, library)
        expect_stable(capsys, library, promise)
        assert compute(library, FUSED) == results


def test_a_published_extension_is_ported(
    oldest_headers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Torch-spline-conv: 690 lines for the CPU, with C++ autograd and RegisterOperators."""
    tree = tmp_path / "spline"
    shutil.copytree(fetch_sources("torch-spline-conv", "1.2.2"), tree)
    shutil.rmtree(tree / "csrc" / "cuda")
    names = ("basis.cpp", "weighting.cpp", "version.cpp", "cpu/basis_cpu.cpp")
    sources = [tree / "csrc" / name for name in (*names, "cpu/weighting_cpu.cpp")]
    include = cpu_torch(RUNTIME) / "torch" / "include"
    library = tmp_path / "before.so"
    build([_together(sources)], include, [], library)
    assert audit(capsys, library)["stable"] is False
    results = compute(library, SPLINE)
    assert len(results) == 38
    assert results[-1] is True

    (tree / "csrc" / "together.cpp").unlink()
    promise = plan(capsys, "--source", tree, library)
    assert promise["coverage"] == 1
    assert set(by_hand(promise)) == set(REGISTRATIONS)
    write(capsys, tree)
    left = by_hand(plan(capsys, "--source", tree))
    assert set(left) == set(REGISTRATIONS)
    for name, lines in left.items():
        path = tree / name
        kept = path.read_text().splitlines(keepends=True)[: min(lines) - 1]
        path.write_text("".join(kept) + REGISTRATIONS[name])
    after = plan(capsys, "--source", tree)
    assert [file["uses"] for file in after["source"]["files"] if file["uses"]] == []

    library = tmp_path / "after.so"
    build(sources, oldest_headers, promise["compile_options"], library)
    expect_stable(capsys, library, promise)
    assert compute(library, SPLINE_IN_PYTHON + SPLINE) == results


def _together(sources: list[Path]) -> Path:
    """One source file of all of them, so that torch's unstable headers are parsed once."""
    file = sources[0].with_name("together.cpp")
    lines = []
    for number, source in enumerate(sources):
        lines += [f"#define registry registry{number}", f'#include "{source}"', "#undef registry"]
    file.write_text("\n".join([*lines, ""]))
    return file
