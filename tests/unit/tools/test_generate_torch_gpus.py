"""The table of the GPUs of torch's builds: wheels first, and no contradictions."""

from __future__ import annotations

import pytest

from tools import generate_torch_gpus, table_text
from tools.generate_torch_gpus import document
from tools.wheels import WheelError

WHEELS = {"2.10.0 linux_x86_64 cuda12.8": "sm_70", "2.9.1 linux_x86_64 cuda12.8": "sm_70"}


def test_a_build_is_listed_once_and_the_wheel_wins() -> None:
    scripts = {
        "2.10.0 linux_x86_64 rocm6.4": "gfx942",
        "2.10.0 linux_x86_64 cuda13.0": "sm_75",
        "2.10.0 linux_x86_64 cuda12.8": "sm_70",
        "2.10.0 linux_aarch64 cuda13.0": "sm_80",
    }
    table = document(WHEELS, scripts)
    assert [*table.sections["wheel"]] == [*reversed(WHEELS)]
    assert [*table.sections["build script"]] == [
        "2.10.0 linux_aarch64 cuda13.0",
        "2.10.0 linux_x86_64 cuda13.0",
        "2.10.0 linux_x86_64 rocm6.4",
    ]
    table_text.render(table)


def test_a_script_that_contradicts_its_wheel_is_an_error() -> None:
    with pytest.raises(WheelError, match=r"2\.9\.1 linux_x86_64 cuda12\.8: the wheel has sm_70"):
        document(WHEELS, {"2.9.1 linux_x86_64 cuda12.8": "sm_70 sm_75"})


def test_of_the_committed_scripts_only_those_from_wheels_are_kept() -> None:
    stated = {"2.13.0 linux_x86_64 cuda12.6": "sm_50"}
    listed = {
        "2.13.0 win_amd64 cuda12.6": "sm_50",
        "2.13.0 linux_x86_64 rocm7.2": "gfx942",
        "2.12.0 linux_x86_64 cuda12.6": "sm_50",
    }
    assert generate_torch_gpus._kept({**stated, **listed}) == stated
