"""What an audit prints of the code for GPUs, as a whole: text, Markdown and JSON."""

from __future__ import annotations

import json
import zipfile
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema
import pytest

from tests.support.fatbins import PTX, SPECIFIC, cubin, entry, fatbin, hip, sm
from tests.support.gpu_values import with_fatbins
from tests.support.installs import install
from tests.support.snapshots import matches
from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

REGISTERS = "__cudaRegisterFatBinary"
PTX_TEXT = ".version 8.8\n.target sm_103a\n.address_size 64\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages directory with a package of two libraries with device code, and files."""
    site = tmp_path_factory.mktemp("site")
    plain = fatbin(*sm(80, 90), entry(PTX, 90))
    special = fatbin(entry(2, 90, flags=SPECIFIC))
    ops = gcc(
        with_fatbins(source([REGISTERS], exports=["PyInit__C"]), plain, plain, special),
        site / "_C.so",
    ).read_bytes()
    old = gcc(with_fatbins(source([REGISTERS]), fatbin(*sm(80, 90))), site / "old.so").read_bytes()
    held: dict[str, bytes | str] = {
        "demo/_C.so": ops,
        "demo/libold.so": old,
        "demo/libplain.so": gcc(source([]), site / "plain.so").read_bytes(),
        "demo/kernels/a.cubin": cubin(90),
        "demo/kernels/b.fatbin": fatbin(*sm(90)),
        "demo/kernels/c.ptx": PTX_TEXT,
        "demo/kernels/d.hipfb": hip("gfx942:xnack-"),
        "demo/kernels/e.ptx": "no such thing",
        "demo/__init__.py": "",
    }
    install(site, "demo", held)
    return site


def printed(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([*map(str, words)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("device-code.txt", []),
        ("device-code-verbose.txt", ["-v"]),
        ("device-code.md", ["--format", "markdown"]),
        ("device-code.json", ["--json"]),
    ],
)
def test_whole_outputs(
    site: Path, capsys: pytest.CaptureFixture[str], name: str, words: list[str]
) -> None:
    matches(name, printed(capsys, site / "demo", *words), site=site)


def test_the_json_fits_its_schema(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(files("torch_abi_audit.report").joinpath("report.schema.json").read_text())
    document = json.loads(printed(capsys, site / "demo", "--json"))
    jsonschema.Draft202012Validator(schema).validate(document)


def test_an_archive_says_the_same(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "demo-1.0-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in [*site.glob("demo/**/*"), *site.glob("demo-1.0.dist-info/*")]:
            if path.is_file():
                archive.write(path, path.relative_to(site))
    of_wheel = json.loads(printed(capsys, wheel, "--json"))["device_code"]
    installed = json.loads(printed(capsys, site / "demo", "--json"))["device_code"]
    assert of_wheel["libraries"] == [f"demo/{path}" for path in installed["libraries"]]
    for key in ("targets", "others", "ptx_isa", "toolkit", "drivers", "files"):
        assert of_wheel[key] == installed[key]


def test_a_package_of_cubins_alone_has_device_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, "cubins", {f"cubins/{name}.cubin": cubin(90) for name in "abc"})
    text = printed(capsys, tmp_path / "cubins")
    assert text.splitlines()[-1] == "  GPUs: sm_90 (3 files)"


def test_a_cubin_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "k.cubin").write_bytes(cubin(90))
    assert "  GPUs: sm_90 (1 file)" in printed(capsys, tmp_path / "k.cubin")


def test_damaged_device_code_is_told_and_other_data_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {"torn/k.fatbin": fatbin(*sm(90))[:-900], "torn/data.ptx": b"\x01\x02\xfe\xff" * 90}
    install(tmp_path, "torn", held)
    lines = printed(capsys, tmp_path / "torn", "-v").splitlines()
    assert lines[7].endswith("; 1 file not read in full")
    assert lines[8:] == [
        "  -- skipped --",
        "    data.ptx  (not a library: data)",
        "    k.fatbin  (not a library: CUDA device code)",
    ]


def test_the_table_of_an_environment_is_as_before(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "GPU" not in printed(capsys, "--site-packages", site)
