"""The GPUs of a load matrix, in every format."""

from __future__ import annotations

import json
from pathlib import PurePath

from torch_abi_audit.model.gpus import Gpu
from torch_abi_audit.model.loads import GpuLoads, LibraryLoads, LoadMatrix, Loads
from torch_abi_audit.model.reports import PackageReport
from torch_abi_audit.report.loads.answers import Answers
from torch_abi_audit.report.loads.gpus import gpu_lines
from torch_abi_audit.report.rendering import Detail, render
from torch_abi_audit.runtime.records import replace

RELEASES = ("2.8.0", "2.9.0", "2.9.1", "2.10.0", "2.11.0")
V100, T4, A100, H100 = (
    Gpu(name, target)
    for name, target in (
        ("V100", "sm_70"),
        ("T4/RTX 20", "sm_75"),
        ("A100", "sm_80"),
        ("H100/H200", "sm_90"),
    )
)


def matrix(*gpus: GpuLoads) -> LoadMatrix:
    on = dict.fromkeys(RELEASES, Loads.YES)
    image = LibraryLoads(PurePath("/p/_C.so"), "x86_64", "linux_x86_64", stable=True, loads_on=on)
    return LoadMatrix(RELEASES, (image,), on, gpus=gpus)


def rendered(name: str, *gpus: GpuLoads) -> str:
    report = PackageReport("p", PurePath("/p"), loads=matrix(*gpus))
    return render("compat", name, Answers((report,)), Detail())


OLD = GpuLoads(RELEASES[:3], "12.8", None, (V100, A100), only_torch=(T4,), by_jit=(H100,))
NEW = GpuLoads(RELEASES[3:], "12.8", None, (A100,), only_torch=(T4,), only_package=(V100,))


def test_text() -> None:
    shown = rendered("text", OLD, NEW)
    assert shown.split("_C.so\n")[1].startswith(
        "  GPUs for which both it and torch have code:\n"
        "    torch 2.8.0 to 2.9.1 for CUDA 12.8:\n"
        "      V100, A100\n"
        "      by JIT: H100/H200\n"
        "      torch alone: T4/RTX 20\n"
        "    torch 2.10.0, 2.11.0 for CUDA 12.8:\n"
        "      A100\n"
        "      torch alone: T4/RTX 20\n"
        "      the package alone: V100\n"
    )


def test_builds_with_the_same_answer_are_told_together() -> None:
    other = replace(OLD, cuda="12.6")
    later = replace(OLD, cuda="12.9", releases=("2.11.0",))
    ((builds, answer),) = gpu_lines(matrix(OLD, other, later))
    assert builds == "torch 2.8.0 to 2.9.1 for CUDA 12.8, 12.6; 2.11.0 for CUDA 12.9"
    assert answer == ("V100, A100", "by JIT: H100/H200", "torch alone: T4/RTX 20")


def test_no_gpu_at_all() -> None:
    ((_, answer),) = gpu_lines(matrix(GpuLoads(("2.8.0",), None, "6.4", only_torch=(T4,))))
    assert answer == ("none", "torch alone: T4/RTX 20")
    ((builds, answer),) = gpu_lines(matrix(GpuLoads(("2.8.0",), None, "6.4", by_jit=(T4,))))
    assert builds == "torch 2.8.0 for ROCm 6.4"
    assert answer == ("by JIT: T4/RTX 20",)


def test_markdown() -> None:
    assert (
        "| torch 2.8.0 to 2.9.1 for CUDA 12.8 | V100, A100<br>by JIT: H100/H200<br>torch alone: "
        "T4/RTX 20 |"
    ) in rendered("markdown", OLD, NEW)


def test_json() -> None:
    first, second = json.loads(rendered("json", OLD, NEW))["loads_gpus"]
    assert first["releases"] == ["2.8.0", "2.9.0", "2.9.1"]
    assert (first["cuda"], first["rocm"]) == ("12.8", None)
    assert second["only_package"] == [{"gpu": "V100", "target": "sm_70"}]
    assert first["partly"] == []


def test_nothing_of_gpus_without_any() -> None:
    for name in ("text", "markdown"):
        assert "GPU" not in rendered(name)
    assert json.loads(rendered("json"))["loads_gpus"] == []
