"""``gpus`` on the command line, with compiled libraries that carry fat binaries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.support import fatbins as build
from tests.support.gpu_values import with_fatbins
from tests.support.installs import install, wheel
from tests.support.sources import source
from tests.support.toolchain import gcc

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the fixtures are compiled by the host's gcc",
)

OPS = ("sm_80", "sm_90a", "compute_80")
"""As xformers 0.0.35 has them, but for sm_75."""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torch_abi_audit", "gpus", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100"},
    )


def gpus(*words: str | Path) -> str:
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def document(*words: str | Path, code: int = 0) -> dict[str, Any]:
    done = run("--json", *words)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    schema = json.loads((files("torch_abi_audit.report") / "gpus.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    return found


def fatbin(*targets: str) -> bytes:
    """A fat binary for architectures as compilers spell them."""
    entries = []
    for target in targets:
        prefix, _, digits = target.partition("_")
        flags = {"a": build.SPECIFIC, "f": build.FAMILY}.get(digits[-1], 0)
        kind = build.PTX if prefix == "compute" else build.CUBIN
        entries.append(build.entry(kind, int(digits.rstrip("af")), flags=flags))
    return build.fatbin(*entries)


def library(place: Path, *fatbins: bytes) -> Path:
    return gcc(with_fatbins(source([]), *fatbins), place)


@pytest.fixture(scope="module")
def ops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with one library."""
    home = tmp_path_factory.mktemp("home") / "ops"
    library(home / "_C.so", fatbin(*OPS), fatbin(*OPS))
    return home


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package without code for GPUs."""
    home = tmp_path_factory.mktemp("home") / "bare"
    gcc(source([]), home / "_C.so")
    return home


def test_a_package(ops: Path) -> None:
    assert gpus(ops) == (
        "Package: ops\n"
        f"  Root:      {ops}\n"
        "  Runs on:   A100 to H100/H200 (8.0 to 9.0); after JIT compilation on B200 to RTX 50 "
        "(10.0 to 12.0);\n"
        "             not on V100 (7.0), T4/RTX 20 (7.5)\n"
        "\n"
        "        T4            A10     L4      H100\n"
        "  V100  RTX 20  A100  RTX 30  RTX 40  H200  B200  B300  RTX 50\n"
        "  7.0   7.5     8.0   8.6     8.9     9.0   10.0  10.3  12.0\n"
        "  no    no      yes   yes     yes     yes   JIT   JIT   JIT     _C.so\n"
        "\n"
        "  Built for: sm_80, sm_90a, compute_80\n"
        "  CUDA:      12.8\n"
        "  Driver:    525.60.13 or newer (CUDA 12); 570.26 or newer to compile its PTX (of "
        "CUDA 12.8)\n"
        "  JIT:       a slow first start: the driver compiles each kernel when it is first used\n"
    )


def test_one_gpu_and_its_reason(ops: Path) -> None:
    assert gpus(ops, "--gpu", "RTX 4090", "--gpu", "12.0", "--gpu", "sm_75") == (
        "Package: ops\n"
        f"  Root:      {ops}\n"
        "  Runs on:   RTX 4090 (8.9); after JIT compilation on 12.0; not on 7.5\n"
        "\n"
        "  RTX 4090 (8.9): yes\n"
        "    yes   _C.so\n"
        "          sm_80 code, which runs on 8.9 too\n"
        "\n"
        "  12.0: JIT\n"
        "    JIT   _C.so\n"
        "          PTX of compute_80, which the driver compiles at first use (PTX 8.7: "
        "driver 570.26 "
        "or\n"
        "          newer)\n"
        "\n"
        "  7.5: no\n"
        "    no    _C.so\n"
        "          compiled only for sm_80, sm_90a and compute_80\n"
        "\n"
        "  Built for: sm_80, sm_90a, compute_80\n"
        "  CUDA:      12.8\n"
        "  Driver:    525.60.13 or newer (CUDA 12); 570.26 or newer to compile its PTX (of "
        "CUDA 12.8)\n"
        "  JIT:       a slow first start: the driver compiles each kernel when it is first used\n"
    )


def test_a_wheel_beside_the_torch_that_it_requires(tmp_path: Path) -> None:
    built = library(tmp_path / "_C.abi3.so", fatbin("sm_80"), fatbin("sm_80", "sm_90"))
    path = wheel(
        tmp_path,
        {"demo/_C.abi3.so": built.read_bytes()},
        name="demo-1.0-cp310-abi3-manylinux_2_28_x86_64",
        requires="torch==2.9.1",
    )
    text = gpus(path)
    assert text.startswith("Package: demo 1.0\n")
    assert "  yes   yes     yes     some  no    no    no      demo/_C.abi3.so\n" in text
    assert text.endswith(
        "  Built for: sm_80, sm_90\n"
        "  CUDA:      12.8\n"
        "  Driver:    525.60.13 or newer (CUDA 12)\n"
        "  Some:      _C.abi3.so has nothing for such a GPU in 1 of 2 fatbins\n"
        "             whether other kernels serve there does not show (-v lists all)\n"
        "  Torch:     2.9.1 (CUDA 12.8) runs on V100 to RTX 50 (7.0 to 12.0)\n"
        "             this package has nothing for V100 (7.0), T4/RTX 20 (7.5), B200 to RTX 50 "
        "(10.0 to 12.0)\n"
        '  To add:    TORCH_CUDA_ARCH_LIST="7.0;8.0;9.0;10.0;12.0"\n'
        "             adds 7.0, 10.0 and 12.0; needs CUDA older than 13.0\n"
    )
    found = document(path)
    assert found["torch"]["release"] == "2.9.1"
    assert found["to_add"]["TORCH_CUDA_ARCH_LIST"] == "7.0;8.0;9.0;10.0;12.0"


def test_several_packages(ops: Path, bare: Path, tmp_path: Path) -> None:
    library(tmp_path / "new" / "a.so", fatbin("sm_100", "sm_120"))
    library(tmp_path / "new" / "b.so", fatbin("sm_100"))
    assert gpus(ops, bare, tmp_path / "new") == (
        "        T4            A10     L4      H100\n"
        "  V100  RTX 20  A100  RTX 30  RTX 40  H200  B200  B300  RTX 50\n"
        "  7.0   7.5     8.0   8.6     8.9     9.0   10.0  10.3  12.0\n"
        "  no    no      yes   yes     yes     yes   JIT   JIT   JIT     ops\n"
        "  no    no      no    no      no      no    yes   yes   some    new\n"
        "\n"
        "  No code for GPUs: bare\n"
    )
    assert len(document(ops, bare)["packages"]) == 2
    assert "\n\nPackage: new\n" in gpus("-v", ops, tmp_path / "new")


def test_an_environment(ops: Path, bare: Path, tmp_path: Path) -> None:
    for name, home in (("demo", ops), ("bare", bare), ("nvidia-nccl-cu12", ops)):
        folder = name.replace("-", "_")
        install(tmp_path, name, {f"{folder}/_C.so": (home / "_C.so").read_bytes()})
    assert gpus("--site-packages", tmp_path, "--gpu", "H100") == (
        f"Site-packages: {tmp_path}\n"
        "\n"
        "  H100\n"
        "  9.0\n"
        "  yes   demo 1.0\n"
        "\n"
        "  NVIDIA's own: nvidia-nccl-cu12 1.0\n"
    )
    whole = gpus("--site-packages", tmp_path, "--all")
    assert "  nvidia-nccl-cu12 1.0\n" in whole
    assert whole.endswith("  No code for GPUs: bare 1.0\n")
    assert document("--site-packages", tmp_path)["site_packages"] == str(tmp_path)


# --- the gate ------------------------------------------------------------------------------------


def test_the_gate(ops: Path, bare: Path, tmp_path: Path) -> None:
    passing = run(ops, bare, "--check", "--gpu", "8.6", "--gpu", "B200")
    assert (passing.returncode, passing.stderr) == (0, "")
    failing = run(ops, "--check", "--gpu", "8.6", "--gpu", "T4", "-q")
    assert failing.returncode == 1
    assert failing.stderr == (
        "FAIL:\n  ops: does not run on T4 (7.5) (_C.so: compiled only for sm_80, sm_90a and "
        "compute_80)\n"
    )
    library(tmp_path / "part" / "_C.so", fatbin("sm_80", "sm_90"), fatbin("sm_80"))
    partly = run(tmp_path / "part", "--check", "--gpu", "9.0")
    assert partly.returncode == 1
    assert partly.stderr == (
        "FAIL:\n  part: runs only in part on 9.0 (_C.so: 1 of 2 fatbins has nothing for it: 1 for "
        "sm_80)\n"
    )


def test_the_gate_takes_the_best_alternative(tmp_path: Path) -> None:
    library(tmp_path / "libops_cuda118.so", fatbin("sm_80"))
    library(tmp_path / "libops_cuda128.so", fatbin("sm_80", "sm_120"))
    assert run(tmp_path, "--check", "--gpu", "RTX 5090").returncode == 0
    assert run(tmp_path, "--check", "--gpu", "H100").returncode == 1


def test_the_gate_passes_kernels_for_one_architecture_beside_others(tmp_path: Path) -> None:
    library(tmp_path / "_C.so", fatbin("sm_80"), fatbin("sm_80"), fatbin("sm_90a"))
    assert run(tmp_path, "--check", "--gpu", "A100").returncode == 0


def test_a_gate_without_code_checks_nothing(bare: Path) -> None:
    done = run(bare, "--check", "--gpu", "8.0")
    assert done.returncode == 3
    assert done.stderr == (
        "torch-abi-audit: error: nothing was checked: no target contains code for GPUs\n"
    )
    assert done.stdout == (
        f"Package: bare\n  Root:      {bare}\n  Runs on:   no code for GPUs in 1 library (kernels "
        "that are made at run time do not show)\n"
    )


def test_a_gate_needs_a_question(ops: Path) -> None:
    done = run(ops, "--check")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "error: --check needs a GPU to check: --gpu 8.9, --gpu 'RTX 4090' …, or gpus in the table "
        "[tool.torch-abi-audit.require] of the nearest pyproject.toml\n"
    )


def test_a_gate_takes_the_gpus_of_the_configuration(ops: Path, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    project = tmp_path / "pyproject.toml"
    project.write_text('[tool.torch-abi-audit.require]\ngpus = ["8.0", "T4"]\n')

    def checked(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "torch_abi_audit", "gpus", "--check", ops, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    done = checked()
    assert done.returncode == 1
    assert "does not run on T4 (7.5)" in done.stderr
    assert "8.0" not in done.stderr.partition("T4")[0]
    assert checked("--gpu", "8.0").returncode == 0  # that on the command line counts alone
    project.write_text('[tool.torch-abi-audit.require]\ngpus = ["RTX 4711"]\n')
    assert checked().returncode == 2


# --- errors --------------------------------------------------------------------------------------


def test_an_unknown_gpu(ops: Path) -> None:
    done = run(ops, "--gpu", "RTX 4091")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("torch-abi-audit: error: no known GPU is called 'RTX 4091'")
    assert "RTX 4090" in done.stderr


def test_what_was_not_found_or_read(ops: Path, tmp_path: Path) -> None:
    gone = run(ops, tmp_path / "gone")
    assert gone.returncode == 2
    assert "Package: ops\n" in gone.stdout
    assert gone.stderr == (
        f"torch-abi-audit: error: no such file or directory: {tmp_path / 'gone'}\n"
    )
    broken = tmp_path / "cut"
    broken.mkdir()
    (broken / "_C.so").write_bytes((ops / "_C.so").read_bytes()[:3000])
    cut = run(broken, "--check", "--gpu", "8.0")
    assert cut.returncode == 2
    assert "  Runs on:   not known: 1 library could not be read\n  Not read:  _C.so: " in cut.stdout
    assert cut.stderr.startswith("torch-abi-audit: error: cut: _C.so: ")


def test_code_that_is_not_understood_is_no_clean_answer(tmp_path: Path) -> None:
    strange = bytearray(fatbin("sm_80"))
    strange[16:18] = (77).to_bytes(2, "little")  # the kind of the entry
    library(tmp_path / "_C.so", fatbin("sm_80"), bytes(strange))
    done = run(tmp_path, "--check", "--gpu", "8.0")
    assert done.returncode == 2
    assert "  8.0: ?\n    ?     _C.so\n          not all could be read: " in done.stdout
    assert "77" in done.stderr
    found = document(tmp_path, "--gpu", "8.0", code=2)
    assert [one["answer"] for one in found["gpus"]] == ["unknown"]


# --- object files, formats -----------------------------------------------------------------------


def test_object_files_and_archives(tmp_path: Path) -> None:
    for name, targets in (("old", ("sm_75",)), ("new", ("sm_80", "compute_80"))):
        (tmp_path / f"{name}.c").write_text(with_fatbins("int f;", fatbin(*targets)))
    (tmp_path / "host.c").write_text("int g;")
    for name in ("old", "new", "host"):
        command = ["gcc", "-c", f"{name}.c", "-o", f"{name}.o"]
        subprocess.run(command, cwd=tmp_path, check=True)
    text = gpus(tmp_path, "--gpu", "8.0")
    assert "  8.0: some\n    yes   new.o\n          sm_80 code\n    no    old.o\n" in text
    one = gpus(tmp_path / "host.o")
    assert one.endswith(
        "no code for GPUs in 1 file (kernels that are made at run time do not show)\n"
    )
    subprocess.run(["ar", "rc", "libk.a", "new.o", "host.o"], cwd=tmp_path, check=True)
    archive = document(tmp_path / "libk.a", "--gpu", "8.0", "--gpu", "9.0")
    assert [one["answer"] for one in archive["gpus"]] == ["yes", "jit"]
    assert archive["libraries"][0]["name"] == "libk.a"
    mixed = gpus(tmp_path / "new.o", tmp_path / "old.o", "--gpu", "9.0")
    assert "  JIT   " in mixed
    (tmp_path / "new.o").write_bytes(b"")
    assert run(tmp_path / "new.o").returncode == 2


def test_the_document(ops: Path) -> None:
    found = document(ops)
    answers = {one["compute_capability"]: one["answer"] for one in found["gpus"]}
    assert (answers["3.5"], answers["8.9"], answers["12.0"]) == ("no", "yes", "jit")
    assert "12.1" not in answers  # a board with an Arm processor
    assert not any(one["target"].startswith("gfx") for one in found["gpus"])
    (one,) = found["libraries"]
    assert one["device_code"]["targets"] == ["sm_80", "sm_90a", "compute_80"]
    hopper = next(each for each in one["gpus"] if each["target"] == "sm_90")
    assert hopper == {
        "target": "sm_90",
        "answer": "yes",
        "used": ["sm_90a"],
        "ptx_isa": None,
        "lacking": [],
        "reason": "sm_90a code",
    }
    assert found["device_code"]["drivers"] == [
        {
            "system": "linux",
            "cuda": 12,
            "runtime": "525.60.13",
            "toolkit": "12.8",
            "ptx": "570.26",
        }
    ]
    asked = document(ops, "--gpu", "MI300X")
    assert [(one["target"], one["answer"]) for one in asked["gpus"]] == [("gfx942", "no")]


def test_markdown(ops: Path) -> None:
    text = gpus("--markdown", ops)
    assert text.startswith("### GPUs of ops\n\n**Runs on**: A100 to H100/H200 (8.0 to 9.0);")
    assert "| \\_C.so | no | no | yes | yes | yes | yes | JIT | JIT | JIT |\n" in text


def test_a_build_directory_with_finished_libraries(tmp_path: Path) -> None:
    host = tmp_path / "host.c"
    host.write_text(with_fatbins("int g(void) { return 1; }", fatbin("sm_90")))
    subprocess.run(["gcc", "-c", host, "-o", tmp_path / "k.o"], check=True)
    (tmp_path / "lib").mkdir()
    library(tmp_path / "lib" / "gpu.so", fatbin("sm_80"))
    found = document(tmp_path)
    named = {one["name"]: [each["name"] for each in one["libraries"]] for one in found["packages"]}
    assert named == {
        tmp_path.name: ["lib/gpu.so"],
        f"object files in {tmp_path}": ["k.o"],
    }
    (tmp_path / "k.o").unlink()
    assert document(tmp_path)["libraries"][0]["name"] == "lib/gpu.so"
    subprocess.run(["gcc", "-c", host, "-o", "k.o"], check=True, cwd=tmp_path)
    subprocess.run(["ar", "rc", "libk.a", "k.o"], check=True, cwd=tmp_path)
    (tmp_path / "k.o").unlink()
    archives = [each["name"] for one in document(tmp_path)["packages"] for each in one["libraries"]]
    assert archives == ["lib/gpu.so", "libk.a"]
