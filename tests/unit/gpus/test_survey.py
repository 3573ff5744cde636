"""From reports to answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from tests.support.gpu_values import kernels, with_gpus
from tests.support.metadata_values import judged
from torch_abi_audit.gpus.objects import of_objects
from torch_abi_audit.gpus.survey import answer
from torch_abi_audit.knowledge.gpus import gpu, gpu_of
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.device_code import DeviceCode
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.model.loads import LoadMatrix, Loads
from torch_abi_audit.model.reports import ExtensionReport, PackageReport, Skipped
from torch_abi_audit.sources.files.build_tree import build_files

if TYPE_CHECKING:
    from pathlib import Path

    from torch_abi_audit.gpus.answer import Answer

ASKED = tuple(map(gpu_of, ("sm_70", "sm_80", "sm_90", "sm_120")))
YES, JIT, PARTLY, NO, UNKNOWN = Runs.YES, Runs.JIT, Runs.PARTLY, Runs.NO, Runs.UNKNOWN


def of(*libraries: ExtensionReport, requires: tuple[str, ...] = ()) -> Answer:
    return answer(judged(*libraries, requires=requires), ASKED)


def answers(found: Answer) -> list[Runs]:
    return [one.answer for one in found.runs]


def test_each_library_and_the_package() -> None:
    found = of(
        with_gpus("sm_80 compute_80", name="b.so"),
        with_gpus("sm_80 sm_90", name="a.so"),
        replace(with_gpus("sm_80", name="plain.so"), device_code=None),
        replace(with_gpus("sm_80", name="stub.so"), device_code=DeviceCode()),
    )
    assert [one.name for one in found.libraries] == ["a.so", "b.so"]
    assert [[run.answer for run in one.runs] for one in found.libraries] == [
        [NO, YES, YES, NO],
        [NO, YES, JIT, JIT],
    ]
    assert answers(found) == [NO, YES, JIT, PARTLY]
    assert (found.others, found.asked, found.is_arm) == (2, True, False)


def test_without_a_question_every_generation_is_asked() -> None:
    found = answer(judged(with_gpus("sm_80")))
    assert not found.asked
    assert {"sm_35", "sm_121", "gfx1201"} <= {one.target for one in found.gpus}
    assert len(found.runs) == len(found.gpus)


def test_one_library_for_each_cuda_is_no_loss() -> None:
    found = of(
        with_gpus("sm_70 sm_80", name="libx_cuda118.so", module=False),
        with_gpus("sm_80 sm_90 sm_120", name="libx_cuda128.so", module=False),
    )
    assert answers(found) == [YES, YES, YES, YES]


def test_what_was_not_read_is_told() -> None:
    broken = ExtensionReport(PurePosixPath("/x/mypkg/c.so"), error="cut short")
    found = of(with_gpus("sm_80", name="a.so"), broken)
    assert found.unread == (("c.so", "cut short"),)
    half = of(with_gpus("sm_80", problem="unknown kind 77"))
    assert answers(half) == [UNKNOWN] * 4
    none = of(broken)
    assert (none.libraries, none.runs, none.unread) == ((), (), (("c.so", "cut short"),))


def test_a_target_that_was_not_found() -> None:
    report = PackageReport("x", PurePosixPath("x"), error="no such file: x")
    assert answer(report).error == "no such file: x"


def test_files_of_device_code_are_a_row() -> None:
    plain = judged(with_gpus("sm_80"))
    skipped = (
        Skipped("k/a.cubin", "device code", kernels("sm_90")),
        Skipped("k/b.cubin", "device code", kernels("sm_120")),
        Skipped("k/readme", "text"),
    )
    from torch_abi_audit.facts.device_code import package_code

    report = replace(plain, skipped=skipped)
    report = replace(report, device_code=package_code(report))
    found = answer(report, ASKED)
    assert [one.name for one in found.libraries] == ["_C.abi3.so", "2 files of device code"]


@pytest.mark.parametrize(
    ("requires", "release"),
    [
        (("torch==2.9.1",), "2.9.1"),
        (("torch>=2.8,<2.10",), "2.9.1"),
        (("torch @ https://x/torch.whl",), None),
        (("numpy",), None),
        ((), None),
        (("torch==2.9.1; extra == 'all'",), None),
    ],
)
def test_the_torch_beside_it(requires: tuple[str, ...], release: str | None) -> None:
    found = of(with_gpus("sm_80", needed=("libcudart.so.12",)), requires=requires)
    assert (found.torch and found.torch.release) == release


def test_what_torch_runs_on() -> None:
    found = of(
        with_gpus("sm_80 compute_80", needed=("libcudart.so.12",)), requires=("torch==2.9.1",)
    )
    assert found.torch is not None
    # torch.cuda.get_arch_list() of torch 2.9.1+cu128: sm_70 to sm_90, sm_100, sm_120
    assert [one.cuda for one in found.torch.builds] == ["12.8"]
    assert found.torch.runs == (YES, YES, YES, YES)


def test_torch_itself_has_none_beside_it() -> None:
    report = judged(with_gpus("sm_80"), requires=("torch==2.9.1",), is_torch=True)
    assert answer(report, ASKED).torch is None


def test_what_to_compile_for_as_well() -> None:
    by_url = ("torch @ https://x/torch.whl",)
    every = answer(judged(with_gpus("sm_80 sm_86"), requires=by_url))
    assert every.adding is not None
    assert every.adding.arch_list == "8.0;8.6;9.0;10.0;12.0"  # 7.0 and 7.5 were left out on purpose
    beside = answer(
        judged(with_gpus("sm_80", needed=("libcudart.so.12",)), requires=("torch==2.9.1",))
    )
    assert beside.adding is not None
    assert beside.adding.arch_list == "7.0;8.0;9.0;10.0;12.0"  # 7.5 runs sm_70
    asked = answer(judged(with_gpus("sm_80"), requires=by_url), (gpu("T4"),))
    assert asked.adding is not None
    assert asked.adding.arch_list == "7.5;8.0"
    without_torch = answer(judged(with_gpus("sm_80")), (gpu("T4"),))
    assert without_torch.adding is None  # the variable is of torch's build


def test_kernels_for_one_architecture_were_not_forgotten_elsewhere() -> None:
    assert answer(judged(with_gpus("sm_90a"))).adding is None
    assert answer(judged(with_gpus("gfx942"))).adding is None


# --- object files --------------------------------------------------------------------------------


def test_object_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.o").write_bytes(b"")
    (tmp_path / "b.o").write_bytes(b"words")
    steps: list[str] = []
    found = of_objects(
        "build", str(tmp_path), build_files(str(tmp_path)), ASKED, progress=steps.append
    )
    assert steps == ["a.o", "b.o"]
    assert [name for name, _ in found.unread] == ["a.o", "b.o"]
    assert "empty file" in found.unread[0][1]
    assert "is not ELF" in found.unread[1][1]
    assert found.noun == "file"


def test_builds_of_torch_that_differ() -> None:
    # Windows: the package index has no CUDA build, so those of torch's own index count
    found = answer(
        judged(
            with_gpus("sm_80", format=Format.PE),
            requires=("torch==2.9.1",),
            tags=("cp310-abi3-win_amd64",),
        ),
        (gpu_of("sm_60"), gpu_of("sm_80"), gpu_of("sm_120")),
    )
    assert found.torch is not None
    assert len(found.torch.builds) > 1
    assert found.torch.runs == (NO, YES, NO)
    assert found.torch.best == (YES, YES, YES)


def test_the_torch_is_the_newest_that_loads_the_package_as_in_the_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on = {"2.5.0": "yes", "2.6.0": "yes", "2.7.0": "no", "2.15.0": "no"}
    built = with_gpus("sm_75 sm_80", unstable=True, needed=("libcudart.so.12",))
    report = judged(built, requires=("torch",), loads_on=on)
    monkeypatch.setattr(
        "torch_abi_audit.judges.loads.compat",
        lambda _: LoadMatrix(loads_on={one: Loads(said) for one, said in on.items()}),
    )
    found = answer(report, ASKED)
    assert found.torch is not None
    assert found.torch.release == "2.6.0"
    (finding,) = (one for one in report.findings if one.rule == "G607")
    assert "on which torch 2.6.0 (" in finding.message


def test_a_torch_that_is_used_and_not_required_counts_as_well() -> None:
    built = with_gpus("sm_80", torch="2.10.0", needed=("libcudart.so.12",))
    found = of(built, requires=())
    assert found.torch is not None
    (finding,) = (one for one in judged(built).findings if one.rule == "G607")
    assert f"torch {found.torch.release} (" in finding.message


def test_of_files_one_that_fits_is_enough() -> None:
    files = (
        Skipped("k/a.cubin", "device code", kernels("sm_90")),
        Skipped("k/b.cubin", "device code", kernels("sm_120")),
    )
    from torch_abi_audit.facts.device_code import package_code

    report = replace(judged(), skipped=files)
    found = answer(replace(report, device_code=package_code(report)), ASKED)
    (row,) = found.libraries
    assert [one.answer for one in row.runs] == answers(found) == [NO, NO, YES, YES]
