"""A real extension, ported file by file: plans, counts and verdicts, and at the end it computes.

Compiled against the headers of torch 2.13.0. The last step also runs under that torch, where pip
provides its CPU build.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support import torch_headers
from tests.support.torch_cpu import cpu_torch
from torch_abi_audit.cli import main

HERE = Path(__file__).parent / "port_extension"
FILES = ("ones", "scale", "square")
RELEASE = "2.13.0"
TARGET = "-DTORCH_TARGET_VERSION=0x020A000000000000"
SCRIPT = """
import sys, torch
torch.ops.load_library(sys.argv[1])
ops = torch.ops.port_demo
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
torch.library.register_autograd(
    "port_demo::square",
    lambda ctx, grad: ops.square_backward(grad, ctx.saved_tensors[0]),
    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
)
assert ops.scale(x.detach(), 2.0).tolist() == [2.0, 4.0, 6.0]
assert ops.ones(x.detach()).tolist() == [1.0, 1.0, 1.0]
y = ops.square(x)
y.sum().backward()
assert y.tolist() == [1.0, 4.0, 9.0] and x.grad.tolist() == [2.0, 4.0, 6.0]
try:
    ops.scale(x.detach().double(), 2.0)
except RuntimeError as error:
    assert "x must be float" in str(error)
else:
    raise AssertionError("the check did not fire")
print("computed on", torch.__version__)
"""


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return torch_headers.headers(RELEASE, tmp_path_factory.mktemp("headers"))


@pytest.fixture(scope="module")
def objects(headers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both forms of each file, compiled once: ``unstable/ones.o`` and so on."""
    root = tmp_path_factory.mktemp("objects")
    commands = []
    for kind in ("unstable", "stable"):
        (root / kind).mkdir()
        for name in FILES:
            command = ["g++", "-std=c++20", "-O0", "-g1", "-w", "-fPIC", "-c"]
            command += [TARGET] if kind == "stable" else []
            command += [f"-I{headers}", f"-I{headers / 'torch' / 'csrc' / 'api' / 'include'}"]
            command += [str(HERE / kind / f"{name}.cpp"), "-o", str(root / kind / f"{name}.o")]
            commands.append(command)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert not any(done.returncode for done in pool.map(subprocess.run, commands))
    return root


@pytest.fixture(scope="module")
def steps(objects: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Build directories, each with one more of the files ported."""
    made = []
    for ported in range(len(FILES) + 1):
        build = tmp_path_factory.mktemp(f"step{ported}") / "build"
        build.mkdir()
        for number, name in enumerate(FILES):
            kind = "stable" if number < ported else "unstable"
            os.link(objects / kind / f"{name}.o", build / f"{name}.o")
        linked = [str(build / f"{name}.o") for name in FILES]
        # an object that defines nothing of torch's: what is undefined stays so, as in a wheel
        subprocess.run(["g++", "-shared", "-o", str(build / "port_demo.so"), *linked], check=True)
        made.append(build)
    return made


def port(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    assert main(["port", *map(str, words), "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_each_step(steps: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    before: Path | None = None
    previous = None
    for ported, build in enumerate(steps):
        words: list[str | Path] = [build] if before is None else [build, "--since", before]
        plan = port(capsys, *words)
        states = {one["name"]: one["state"] for one in plan["files"]}
        assert states == {
            f"{name}.o": "STABLE" if number < ported else "UNSTABLE"
            for number, name in enumerate(FILES)
        }
        counts = [one["unstable"] for one in plan["files"]]
        assert all((count == 0) == (number < ported) for number, count in enumerate(counts))
        assert plan["classified"] == 1
        library = port(capsys, build / "port_demo.so")
        last = ported == len(FILES)
        assert library["verdict"] == plan["verdict"] == ("STABLE" if last else "UNSTABLE")
        unresolved = {one for item in library["apis"] for one in item["symbols"]}
        assert unresolved == {one for item in plan["apis"] for one in item["symbols"]}
        if previous is not None:
            changed = [one["name"] for one in plan["since"]["files"]]
            assert changed == [f"{FILES[ported - 1]}.o"]
            assert plan["since"]["new"] == []
            gone = {
                one
                for file in previous["files"]
                if file["name"] in changed
                for one in file["last_to_need"]
            }
            assert gone <= set(plan["since"]["gone"])
        previous = plan
        before = build.parent / "plan.json"
        before.write_text(json.dumps(plan))


def test_the_plan_names_what_the_source_spells(
    steps: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = port(capsys, steps[0])
    items = {one["api"]: one for one in plan["apis"]}
    expected = {
        "TORCH_CHECK": ("replace-now", {"ones.o", "scale.o", "square.o"}),
        "at::empty_like": ("replace-now", {"scale.o"}),
        "Tensor::data_ptr": ("replace-now", {"scale.o"}),
        "at::zeros": ("replace-now", {"ones.o"}),
        "at::ones": ("replace-now", {"ones.o"}),
        "Tensor::copy_": ("replace-now", {"ones.o"}),
        "TORCH_LIBRARY": ("replace-now", {"ones.o", "scale.o", "square.o"}),
        "at::mul.Tensor": ("dispatcher", {"square.o"}),
        "torch::autograd::Function": ("replace-now", {"square.o"}),
    }
    for api, (way, files) in expected.items():
        assert items[api]["class"] == way, api
        assert set(items[api]["files"]) == files, api
    own = [one for one in items["TORCH_CHECK"]["sites"] if one["own_source"]]
    text = (HERE / "unstable" / "scale.cpp").read_text().splitlines()
    assert len(own) == 2
    for site in own:
        assert site["source"].endswith("unstable/scale.cpp")
        assert "TORCH_CHECK(" in text[site["line"] - 1]
    data = [one for one in items["Tensor::data_ptr"]["sites"] if one["own_source"]]
    assert sorted(text[one["line"] - 1].strip() for one in data) == [
        "const float* from = x.data_ptr<float>();",
        "float* to = out.data_ptr<float>();",
    ]


def test_the_last_step_imports_what_the_plan_promised(
    steps: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = port(capsys, steps[0])
    done = port(capsys, steps[-1])
    assert (done["coverage"], done["classified"], done["apis"]) == (1, 1, [])
    assert done["floor"] == plan["target"] == "2.10.0"
    assert all(one["header_evidence"] == [] for one in done["files"])
    promised = {shim for item in plan["apis"] for shim in item["shims"]}
    assert {"torch_call_dispatcher", "torch_library_impl"} <= promised
    assert main([str(steps[-1] / "port_demo.so"), "--json"]) == 0
    (library,) = json.loads(capsys.readouterr().out)["bundled_libs"]
    assert library["torch"]["stable"] is True
    assert library["torch"]["min_torch_version"] == "2.10.0"


def test_the_last_step_computes(steps: list[Path], objects: Path) -> None:
    torch_home = cpu_torch(RELEASE)
    libraries = torch_home / "torch" / "lib"
    library = objects / "port_demo.so"
    built = [str(steps[-1] / f"{name}.o") for name in FILES]
    links = [f"-L{libraries}", "-ltorch_cpu", f"-Wl,-rpath,{libraries}"]
    subprocess.run(["g++", "-shared", "-o", str(library), *built, *links], check=True)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(library)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(torch_home)},
    )
    assert done.returncode == 0, done.stderr
    assert f"computed on {RELEASE}" in done.stdout
