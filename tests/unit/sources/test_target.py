from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.installs import ELF, install, relatives, wheel, write
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources import resolve
from torch_abi_audit.sources.target import KINDS, Asked


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def site(tmp_path: Path) -> Path:
    install(tmp_path / "site", "demo", {"demo/__init__.py": "", "demo/installed.so": ELF})
    return tmp_path / "site"


def test_a_bare_word_is_an_import_name_first(here: Path, site: Path) -> None:
    write(here / "demo" / "local.so")
    assert relatives(resolve("demo", search_path=[str(site)])) == ["installed.so"]
    assert relatives(resolve("./demo", search_path=[str(site)])) == ["local.so"]


def test_a_bare_word_is_a_path_before_a_distribution(here: Path, site: Path) -> None:
    install(site, "demo-dist", ["other/x.so"])
    assert resolve("demo-dist", search_path=[str(site)]).distribution == "demo-dist"
    write(here / "demo-dist" / "local.so")
    assert relatives(resolve("demo-dist", search_path=[str(site)])) == ["local.so"]
    write(here / "libthing")
    assert resolve("libthing", search_path=[str(site)]).root == str(here / "libthing")


@pytest.mark.parametrize("name", ["demo.so", "demo.pyd", "demo.DLL", "demo.dylib", "demo.so.1"])
def test_a_file_name_that_exists_is_a_file(here: Path, site: Path, name: str) -> None:
    write(here / name)
    assert resolve(name, search_path=[str(site)]).root == str(here / name)
    (here / name).unlink()
    with pytest.raises(TargetError, match="no importable module, path or distribution"):
        resolve(name, search_path=[str(site)])


def test_a_file_name_wins_over_a_module_of_that_name(here: Path, site: Path) -> None:
    write(site / "demo" / "so.py", "")
    assert resolve("demo.so", search_path=[str(site)]).root == str(site / "demo" / "so.py")
    write(here / "demo.so")
    assert resolve("demo.so", search_path=[str(site)]).root == str(here / "demo.so")


def test_the_current_directory(here: Path) -> None:
    write(here / "x.so")
    found = resolve(".")
    assert (found.name, found.root) == ("here", str(here))


def test_a_wheel_is_told_by_its_bytes(here: Path) -> None:
    path = wheel(here, {"demo/_C.so": ELF})
    assert relatives(resolve(path.name)) == ["demo/_C.so"]
    path.rename(here / "renamed")
    assert relatives(resolve("renamed")) == ["demo/_C.so"]


@pytest.mark.parametrize("target", ["./missing", "missing/x.so", "/no/such/place"])
@pytest.mark.usefixtures("here")
def test_a_path_that_does_not_exist(target: str) -> None:
    with pytest.raises(TargetError, match="no such file or directory"):
        resolve(target)


def test_a_path_where_nobody_may_look_is_not_missing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here / "file")
    with pytest.raises(TargetError, match=r"cannot read file/x\.so: not a directory"):
        resolve("file/x.so")

    def refuse(path: str, **_: object) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "lstat", refuse)
    with pytest.raises(TargetError, match=r"cannot read locked/x\.so: permission denied"):
        resolve("locked/x.so")


@pytest.mark.parametrize("target", ["", "x\0y", "./x\0y"])
def test_what_is_no_name_at_all(target: str) -> None:
    with pytest.raises(TargetError, match="empty or contain a NUL"):
        resolve(target)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_neither_a_file_nor_a_directory(here: Path) -> None:
    os.mkfifo(here / "pipe.so")
    for target in ("pipe.so", "./pipe.so", os.devnull):
        with pytest.raises(TargetError, match="neither a file nor a directory"):
            resolve(target)


@pytest.mark.skipif(os.name == "nt", reason="symlinks need a privilege there")
def test_a_dangling_link(here: Path) -> None:
    (here / "gone.so").symlink_to("nowhere")
    with pytest.raises(TargetError, match=r"cannot read gone\.so: no such file or directory"):
        resolve("gone.so")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails to read")
def test_a_file_that_cannot_be_read_is_an_error_not_an_absence() -> None:
    found = resolve("/proc/self/mem")
    assert found.candidates == ()
    assert [each.message for each in found.errors] == ["input/output error"]


def test_a_single_file_needs_few_imports(tmp_path: Path) -> None:
    path = write(tmp_path / "x.so")
    dear = {"zipfile", "csv", "json", "ast", "difflib", "tempfile", "email", "importlib.metadata"}
    program = (
        "import sys\n"
        "import dataclasses, enum, typing, contextlib, functools\n"
        "before = set(sys.modules)\n"
        "from torch_abi_audit.sources import resolve\n"
        f"resolve({str(path)!r})\n"
        f"print(sorted((set(sys.modules) - before) & {dear!r}))\n"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


EXAMPLES = {
    "pypi:demo": "wheels of a package index",
    "dist": "directory that holds wheels",
    "./no/such": "path that does not exist",
    "gone": "import name",
    "some-directory": "directory",
    "/dev/null": "device, socket or FIFO",
    "demo.tar.gz": "tar file or conda package",
    "a-wheel": "wheel or zip file",
    "x.so": "file",
    "demo-dist": "distribution name",
}


@pytest.mark.skipif(os.name == "nt", reason="has no /dev/null")
def test_every_kind_of_target_is_recognised(here: Path) -> None:
    assert [kind.name for kind in KINDS] == list(EXAMPLES.values())
    write(here / "some-directory" / "x.so")
    write(here / "x.so")
    write(here / "demo.tar.gz")
    (here / "dist").mkdir()
    wheel(here / "dist", {})
    wheel(here, {}).rename(here / "a-wheel")
    for target, name in EXAMPLES.items():
        asked = Asked(target, [])
        assert next(kind.name for kind in KINDS if kind.recognise(asked)) == name
