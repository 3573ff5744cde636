"""The generator of the export index, on wheels that are built here instead of downloaded."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from tests.support.macho_files import image, trie
from tools import generate_export_index as program
from tools import torch_wheels, wheels
from torch_abi_audit.knowledge.export_file import ExportFile

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTING = "torch (2.10.0)\nAvailable versions: 2.10.0, 2.10.0+cpu, 2.10.0rc1, 2.9.1, 2.9.0, 2.3.1\n"
VERSION = "__version__ = '2.9.0'\ncuda: Optional[str] = {cuda}\nhip = None\n"


def write_wheel(path: Path, names: Sequence[bytes], cuda: str | None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("torch/lib/libc10.dylib", library(names))
        archive.writestr("torch/lib/libc10.txt", "no library")
        archive.writestr("torch/bin/libc10.dylib", "no library of torch's")
        archive.writestr("torch/version.py", VERSION.format(cuda=repr(cuda)))
        archive.writestr(
            "torch-2.9.0.dist-info/METADATA",
            "Name: torch\nRequires-Dist: sympy\nRequires-Dist: nvidia-cublas-cu12==12.8; sys\n\nhi",
        )
    return path


def library(names: Sequence[bytes]) -> bytes:
    return image(exports=trie([b"_" + name for name in names]))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A replacement of pip with three releases, which writes wheels; returns the requests."""
    asked: list[str] = []

    def pip(*arguments: str, what: str) -> str:  # noqa: ARG001 - as the original
        if arguments[0] == "index":
            return LISTING
        requirement = arguments[-1]
        version = requirement.removeprefix("torch===")
        asked.append(version)
        directory = Path(arguments[arguments.index("--dest") + 1])
        names = [b"_ZN3c104keptEv", b"_ZN3c10%d%sEv" % (len(version), version.encode())]
        write_wheel(directory / f"torch-{version}.whl", names, None)
        return ""

    (tmp_path / "data").mkdir()
    monkeypatch.setattr(wheels, "pip", pip)
    monkeypatch.setattr(program, "DATA", tmp_path / "data")
    monkeypatch.setattr(program, "PLATFORMS", {"macosx_arm64": ()})
    return asked


def run(tmp_path: Path, *arguments: str) -> int:
    return program.main(["--cache", str(tmp_path / "cache"), *arguments])


def committed(tmp_path: Path) -> dict[str, dict[str, int]]:
    file = ExportFile((tmp_path / "data" / "exports-macosx_arm64.idx").read_bytes())
    return {name.decode(): dict(each.by_library) for name, each in file.names()}


def test_a_run_reads_each_final_release_once_and_writes_the_index(
    published: list[str], tmp_path: Path
) -> None:
    assert run(tmp_path) == 0

    assert published == ["2.9.0", "2.9.1", "2.10.0"]
    assert committed(tmp_path) == {
        "_ZN3c104keptEv": {"libc10.dylib": 0b111},
        "_ZN3c1052.9.0Ev": {"libc10.dylib": 0b001},
        "_ZN3c1052.9.1Ev": {"libc10.dylib": 0b010},
        "_ZN3c1062.10.0Ev": {"libc10.dylib": 0b100},
    }


def test_a_second_run_resumes_from_the_cache(published: list[str], tmp_path: Path) -> None:
    run(tmp_path)
    published.clear()

    assert run(tmp_path, "--check") == 0
    assert published == []


def test_a_check_fails_and_writes_nothing_when_the_index_differs(
    published: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--check") == 1

    assert published
    assert "2.10.0 libc10.dylib: 2 more, 0 fewer" in capsys.readouterr().out
    assert not any((tmp_path / "data").iterdir())


def test_one_release_is_added_or_checked_alone(published: list[str], tmp_path: Path) -> None:
    assert run(tmp_path, "--release", "2.9.1") == 0
    assert run(tmp_path, "--release", "2.9.0") == 0
    assert run(tmp_path, "--check", "--release", "2.9.0", "--platform", "macosx_arm64") == 0
    assert run(tmp_path, "--check") == 1

    assert published == ["2.9.1", "2.9.0", "2.10.0"]
    assert committed(tmp_path)["_ZN3c104keptEv"] == {"libc10.dylib": 0b11}


def test_an_index_that_grew_too_large_is_an_error(
    published: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(program, "LIMIT", 100)

    assert run(tmp_path) == 1
    assert published
    assert "more than the limit of 100" in capsys.readouterr().out


def test_a_release_that_pip_does_not_provide_is_said_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def pip(*_: str, what: str) -> str:
        raise wheels.WheelError(f"pip cannot {what}")

    monkeypatch.setattr(wheels, "pip", pip)

    assert run(tmp_path, "--check", "--release", "9.9.9", "--platform", "win_amd64") == 2
    assert "pip cannot download torch 9.9.9 for win_amd64" in capsys.readouterr().err


def test_a_listing_without_versions_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "pip", lambda *_, **__: "torch\n")

    with pytest.raises(wheels.WheelError, match="no 'Available versions' line"):
        wheels.final_releases("torch", "2.4.0")


@pytest.mark.slow
def test_what_pip_says_of_a_failure_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(wheels.WheelError, match=r"(?s)^pip cannot do it: .*--no-such-option"):
        wheels.pip("download", "--no-such-option", str(tmp_path), what="do it")


@pytest.mark.parametrize("cuda", [None, "12.8", "13.0"])
def test_a_wheel_is_read_whole(tmp_path: Path, cuda: str | None) -> None:
    file = write_wheel(tmp_path / "torch-2.9.0.whl", [b"_ZN3c101aEv", b"uv_init"], cuda)

    wheel = torch_wheels.read_wheel(file, "2.9.0", "macosx_arm64", tmp_path)

    assert wheel.cuda == cuda
    assert wheel.requires == ("nvidia-cublas-cu12==12.8; sys",)
    assert wheel.exports == {"libc10.dylib": ("_ZN3c101aEv", "uv_init")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["torch-2.9.0.whl"]


def test_a_wheel_that_states_no_cuda_version_is_an_error(tmp_path: Path) -> None:
    file = write_wheel(tmp_path / "torch-2.9.0.whl", [], "of some kind")

    with pytest.raises(wheels.WheelError, match="states neither a CUDA version nor None"):
        torch_wheels.read_wheel(file, "2.9.0", "macosx_arm64", tmp_path)


def test_what_is_cached_is_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exports, needed = {"x.so": ("é", "n")}, {"x.so": ("y.so",)}
    fresh = torch_wheels.Wheel("2.9.0", "p", "f.whl", "12.8", ("a", "b"), exports, needed)
    read = mock.Mock(return_value=fresh)
    monkeypatch.setattr(torch_wheels, "read", read)

    first = torch_wheels.cached(tmp_path / "new", "2.9.0", "p")
    second = torch_wheels.cached(tmp_path / "new", "2.9.0", "p")

    assert first == second == fresh
    read.assert_called_once_with("2.9.0", "p")
