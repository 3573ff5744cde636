"""What ``explain``, ``compat`` and ``diff`` say of GPUs, on libraries with fat binaries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.fatbins import CUBIN, PTX, entry, fatbin
from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

SHIM = "torch_call_dispatcher"  # since torch 2.10
ERROR = "RuntimeError: CUDA error: no kernel image is available for execution on the device"


def kernels(*numbers: int, ptx: int | None = None) -> str:
    """The C source of a section with one fat binary."""
    entries = [entry(CUBIN, number) for number in numbers]
    entries += [] if ptx is None else [entry(PTX, ptx, version=(8, 4))]
    held = ",".join(map(str, fatbin(*entries)))
    section = '__attribute__((section(".nv_fatbin"), used, aligned(8)))'
    return f"{section} static const unsigned char kernels[] = {{{held}}};\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gpus")
    gcc(kernels(70, 80, 90) + source([SHIM]), root / "old" / "ops" / "_C.so")
    gcc(kernels(75, 80, 90, 120) + source([SHIM]), root / "new" / "ops" / "_C.so")
    gcc(kernels(80, ptx=80) + source([SHIM]), root / "ptx" / "ops" / "_C.so")
    gcc(source([SHIM]), root / "none" / "ops" / "_C.so")
    return root


def shown(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main([*words]) == code
    return capsys.readouterr().out


def test_explain_names_who_lacks_the_gpu(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = str(built / "old" / "ops")
    said = shown(
        capsys, "explain", ERROR, "--torch", "2.10.0+cu128", "--gpu", "rtx5090", "--with", old
    )
    assert "GPU:           RTX 5090 (sm_120)" in said
    assert "runs on it:    yes: torch 2.10.0 for CUDA 12.8 (sm_120)" in said
    assert "runs on it:    no: _C.so (sm_70 sm_80 sm_90)" in said
    assert "because:       the code that is missing is that of ops, not torch's" in said
    assert 'TORCH_CUDA_ARCH_LIST="7.0;8.0;9.0;12.0"' in said  # what there is, and 12.0
    said = shown(capsys, "explain", ERROR, "--torch", "2.11.0+cu128", "--gpu", "7.0", "--with", old)
    assert "ops has code for V100 (sm_70): the code that is missing is torch's" in said.replace(
        "for sm_70:", "for V100 (sm_70):"
    )


def test_explain_takes_the_gpu_from_the_text(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"{ERROR}\nGPU 0: Tesla V100-SXM2-32GB"
    new = str(built / "new" / "ops")
    document = json.loads(shown(capsys, "explain", text, "--with", new, "--json"))
    assert document["gpu"] == {"name": "V100", "target": "sm_70"}
    (one,) = [one for one in document["code_for_gpu"] if one["owner"] == "_C.so"]
    assert (one["runs"], one["targets"]) == ("no", ["sm_75", "sm_80", "sm_90", "sm_120"])


def test_explain_of_ptx(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "the provided PTX was compiled with an unsupported toolchain"
    ptx = str(built / "ptx" / "ops")
    said = shown(capsys, "explain", text, "--gpu", "H100", "--with", ptx)
    assert "kernels of _C.so are only PTX 8.4 for H100 (sm_90), which needs driver 550" in said


def test_explain_refuses_a_gpu_that_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", ERROR, "--gpu", "RTX 4091"]) == 2
    assert "no known GPU is called 'RTX 4091' (nearest: RTX 409" in capsys.readouterr().err


def test_compat(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, "compat", str(built / "old" / "ops"), "--torch", ">=2.10,<2.12")
    head, _, rest = said.partition("  GPUs for which both it and torch have code:\n")
    assert "loads on" in head
    assert rest.startswith("    torch 2.10.0, 2.11.0 for CUDA 12.6:\n      V100, ")
    dropped = rest.partition("    torch 2.10.0, 2.11.0 for CUDA 13.0; 2.11.0 for CUDA 12.8:\n")[2]
    assert dropped.startswith("      T4/RTX 20, A100, ")
    assert "      the package alone: V100\n" in dropped
    document = json.loads(
        shown(capsys, "compat", str(built / "old" / "ops"), "--torch", ">=2.10,<2.12", "--json")
    )
    assert {(one["cuda"], *one["releases"]) for one in document["loads_gpus"]} >= {
        ("12.6", "2.10.0", "2.11.0"),
        ("12.8", "2.10.0"),
        ("12.8", "2.11.0"),
    }


def test_compat_says_nothing_of_gpus_without_code(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "GPU" not in shown(capsys, "compat", str(built / "none" / "ops"))


def test_diff_and_its_gate(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, ptx = (str(built / one / "ops") for one in ("old", "new", "ptx"))
    said = shown(capsys, "diff", old, new, "--check", code=1)
    assert "  - no longer runs on V100 (sm_70)\n" in said
    assert "  + now runs on RTX 50 (sm_120)\n" in said
    assert "  Worse: no longer runs on V100 (sm_70)" in said
    assert "  Worse:" not in shown(capsys, "diff", new, new, "--check")
    said = shown(capsys, "diff", new, ptx, "--check", code=1)
    assert "  Worse: only by JIT now on H100/H200 (sm_90), RTX 50 (sm_120)" in said


def test_a_saved_report_keeps_the_code(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = str(built / "old" / "ops"), str(built / "new" / "ops")
    expected = shown(capsys, "diff", old, new)
    saved = tmp_path / "old.json"
    shown(capsys, old, "--format", f"json:{saved}")
    assert shown(capsys, "diff", str(saved), new) == expected
    # a report of an older version, which did not read such code
    document = json.loads(saved.read_text("utf-8"))
    for one in (document, *document["extensions"], *document["bundled_libs"]):
        one.pop("device_code", None)
    saved.write_text(json.dumps(document))
    said = shown(capsys, "diff", new, str(saved), "--check")
    assert "note: GPUs were not compared" in said
    assert "no longer runs" not in said
