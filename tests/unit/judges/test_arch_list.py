"""What to compile for as well: lines for ``TORCH_CUDA_ARCH_LIST``."""

from __future__ import annotations

import re

import pytest

from torch_abi_audit.judges.arch_list import Adding, LeftOut, adding
from torch_abi_audit.knowledge.gpus import gpu_of


def added(targets: str, missing: str, toolkit: str | None = None) -> Adding | None:
    return adding(
        targets.split(),
        map(gpu_of, missing.split()),
        toolkit=toolkit,
    )


@pytest.mark.parametrize(
    ("targets", "missing", "line", "news", "since", "before"),
    [
        ("sm_80 sm_90", "sm_100 sm_103 sm_120", "8.0;9.0;10.0;12.0", "10.0 12.0", "12.8", None),
        ("sm_80 sm_90", "sm_75", "7.5;8.0;9.0", "7.5", None, None),
        ("sm_86", "sm_80", "8.0;8.6", "8.0", None, None),
        ("sm_86", "sm_80 sm_89", "8.0;8.6", "8.0", None, None),
        ("sm_90a compute_80", "sm_75", "7.5;8.0+PTX;9.0a", "7.5", None, None),
        ("sm_75 sm_80 compute_80", "sm_70", "7.0;7.5;8.0+PTX", "7.0", None, "13.0"),
        ("sm_100f", "sm_120", "10.0f;12.0", "12.0", None, None),
        ("sm_90 compute_90a", "sm_80", "8.0;9.0;9.0a+PTX", "8.0", None, None),
        ("sm_80 gfx942", "sm_90", "8.0;9.0", "9.0", "11.8", None),
        ("sm_80", "gfx942 sm_90", "8.0;9.0", "9.0", "11.8", None),
        # GPUs on boards run their own code alone
        ("sm_80", "sm_87 sm_89", "8.0;8.7;8.9", "8.7 8.9", "11.8", None),
        ("sm_80", "sm_110", "8.0;11.0", "11.0", "13.0", None),
    ],
)
def test_what_is_missing_is_added(
    targets: str, missing: str, line: str, news: str, since: str | None, before: str | None
) -> None:
    found = added(targets, missing)
    assert found == Adding(line, tuple(news.split()), since, before)
    # as torch/utils/cpp_extension.py takes them
    assert found is not None
    assert all(
        re.fullmatch(r"\d+\.\d[af]?(\+PTX)?", one) for one in (found.arch_list or "").split(";")
    )


def test_the_toolkit_in_use_is_not_told_again() -> None:
    found = added("sm_80", "sm_120", toolkit="12.8")
    assert found == Adding("8.0;12.0", ("12.0",), None)
    assert added("sm_80", "sm_120", toolkit="12.6") == Adding("8.0;12.0", ("12.0",), "12.8")


def test_what_no_toolkit_compiles_together_is_left_out() -> None:
    assert added("sm_70 sm_80", "sm_90 sm_110") == Adding(
        "7.0;8.0;9.0", ("9.0",), "11.8", "13.0", (LeftOut("11.0", "13.0", None),)
    )
    assert added("sm_80", "sm_70", toolkit="13.0") == Adding(
        None, (), None, None, (LeftOut("7.0", "9.0", "13.0"),)
    )


def test_nothing_is_missing() -> None:
    assert added("sm_80", "") is None
    assert added("gfx942", "gfx90a") is None
