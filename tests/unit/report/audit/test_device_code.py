"""What an audit shows of the code for GPUs: a line, the kernel sets, and the JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest

from tests.support.gpu_values import kernels
from tests.support.reports import ABI3, library, package, stable
from torch_abi_audit.model.device_code import NO_PACKAGE_CODE, DeviceCode, Driver, PackageCode
from torch_abi_audit.model.reports import PackageReport, Skipped
from torch_abi_audit.report import format_json
from torch_abi_audit.report.audit.device_code import lines, summary
from torch_abi_audit.report.audit.saved import parse
from torch_abi_audit.report.audit.table import format_package_table

WHOLE = PackageCode(
    targets=("sm_80", "sm_90", "compute_90", "gfx942:xnack-"),
    others=("sm_100f",),
    ptx_isa="8.7",
    toolkit="12.8",
    least_toolkit="12.9",
    drivers=(
        Driver("linux", 11, "450.80.02"),
        Driver("linux", 12, "525.60.13", "12.8", "570.26"),
    ),
    libraries=("_C.so", "x_cu118.so", "x_cu128.so"),
    choices=((("x_cu118.so",), ("x_cu128.so",)),),
    unread=("_C.so",),
    files=kernels("2x sm_90a", "compute_103a"),
)


def reported(code: PackageCode | None = WHOLE) -> PackageReport:
    parts = replace(kernels("10x sm_80 compute_80", "sm_90a"), toolkits=("12.4",))
    held = replace(library("_C.so", stable(), ABI3), device_code=parts)
    torn = replace(
        library("x.so"),
        device_code=DeviceCode(others=("LTO-IR for sm_90",), problem="no fat binary at byte 8"),
    )
    skipped = (
        Skipped("a.cubin", "CUDA device code", kernels("sm_90a")),
        Skipped("a.o", "object file"),
    )
    return replace(package(held, torn), skipped=skipped, device_code=code)


@pytest.mark.parametrize("code", [WHOLE, NO_PACKAGE_CODE, None])
def test_a_report_comes_back_from_its_json(code: PackageCode | None) -> None:
    report = reported(code)
    assert parse(format_json(report), "f") == (report,)


def test_a_report_of_an_older_version_does_not_say_that_there_is_none() -> None:
    document = json.loads(format_json(reported()))
    del document["device_code"]
    (found,) = parse(json.dumps(document), "f")
    assert found.device_code is None


@pytest.mark.parametrize("code", [WHOLE, NO_PACKAGE_CODE, None])
def test_the_json_fits_its_schema(code: PackageCode | None) -> None:
    schema = json.loads(files("torch_abi_audit.report").joinpath("report.schema.json").read_text())
    document = json.loads(format_json(reported(code)))
    jsonschema.Draft202012Validator(schema).validate(document)


@pytest.mark.parametrize("target", ["sm90", "sm_90b", "x"])
def test_the_schema_knows_how_architectures_are_spelt(target: str) -> None:
    schema = json.loads(files("torch_abi_audit.report").joinpath("report.schema.json").read_text())
    document = json.loads(format_json(reported(replace(WHOLE, targets=(target,)))))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_the_json_of_a_library() -> None:
    document = json.loads(format_json(reported()))
    assert document["bundled_libs"][0]["device_code"] == {
        "targets": ["sm_80", "sm_90a", "compute_80"],
        "sets": [
            {"targets": ["sm_80", "compute_80"], "count": 10, "size": 10000},
            {"targets": ["sm_90a"], "count": 1, "size": 1000},
        ],
        "ptx_isa": {"compute_80": "8.7"},
        "others": [],
        "toolkits": ["12.4"],
        "problem": None,
    }


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (
            WHOLE,
            (
                "sm_80 sm_90, PTX of compute_90; gfx942:xnack-; in part sm_100f; by one or another "
                "of 2 alternatives; 3 files beside the libraries; driver >= 450.80.02 (CUDA 11), "
                ">= 525.60.13 (CUDA 12, 570.26 for PTX); 1 file not read in full"
            ),
        ),
        (PackageCode(targets=("sm_80",), libraries=("a",)), "sm_80"),
        (PackageCode(others=("sm_80", "gfx942"), libraries=("a",)), "in part sm_80; gfx942"),
        (
            PackageCode(targets=("sm_90a",), files=kernels("sm_90a")),
            "sm_90a (1 file)",
        ),
        (
            PackageCode(libraries=("a",), unread=("a",)),
            "none that is known; 1 file not read in full",
        ),
        (
            PackageCode(
                targets=("sm_120",),
                libraries=("a",),
                drivers=(Driver("linux", 12, "525.60.13"), Driver("windows", 12, "528.33")),
            ),
            "sm_120; driver >= 525.60.13 (Linux), >= 528.33 (Windows)",
        ),
        (
            PackageCode(
                targets=("compute_90",),
                libraries=("a",),
                drivers=(Driver("linux", 13, "580.65.06", "13.0", "580.65.06"),),
            ),
            "PTX of compute_90; driver >= 580.65.06",
        ),
        (  # as bitsandbytes, with a library for each of many releases of CUDA and ROCm
            PackageCode(
                targets=("sm_80", "gfx908", "gfx90a", "gfx942", "gfx1100", "gfx1201"),
                libraries=("a",),
                drivers=tuple(Driver("linux", cuda, f"{cuda}.1") for cuda in (11, 12, 13)),
            ),
            "sm_80; gfx908 … gfx1201 (5); driver >= 11.1 (CUDA 11), >= 13.1 (CUDA 13)",
        ),
    ],
)
def test_the_line_of_a_package(code: PackageCode, line: str) -> None:
    assert summary(code) == line


def test_the_lines_of_a_library() -> None:
    code = replace(
        kernels("10x sm_80 compute_80", "sm_90a", problem="cut short\x1b"),
        others=("LTO-IR for sm_90",),
    )
    assert list(lines(code)) == [
        "GPU code:",
        "  10 kernel sets: sm_80 compute_80 (PTX 8.7)",
        "  1 kernel set: sm_90a",
        "  LTO-IR for sm_90",
        "GPU code was not read in full: cut short\\x1b",
    ]


def test_a_table_has_the_line_where_there_is_device_code() -> None:
    assert "  GPUs: sm_80 sm_90, PTX" in format_package_table(reported())
    for code in (None, NO_PACKAGE_CODE):
        assert "GPUs" not in format_package_table(reported(code), verbose=True)


def test_a_verbose_table_has_the_architectures_of_files() -> None:
    table = format_package_table(reported(), verbose=True)
    assert "    a.cubin  (not a library: CUDA device code for sm_90a)" in table.splitlines()
