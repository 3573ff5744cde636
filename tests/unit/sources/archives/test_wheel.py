from __future__ import annotations

import os
import pickle
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.installs import ELF, contents, relatives, wheel
from tests.support.wheel_damage import LIBRARY, NOISE, central, data_of, errors, patch
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources import resolve
from torch_abi_audit.sources.archives import wheel as archive
from torch_abi_audit.sources.archives.wheel import wheel as opened
from torch_abi_audit.sources.found import HEAD_LENGTH

if TYPE_CHECKING:
    from pathlib import Path


def test_a_wheel_is_a_package(tmp_path: Path) -> None:
    path = wheel(
        tmp_path,
        {
            "demo/__init__.py": b"raise SystemExit",
            "demo/_C.abi3.so": LIBRARY,
            "demo/extensionless": ELF,
            "demo/readme": b"words",
            "demo.libs/libx.so.1": ELF,
            "demo-1.0.data/platlib/other/y.pyd": b"MZ" + NOISE,
            "demo-1.0.data/scripts/tool": b"#!/bin/sh",
            "empty.so": b"",
        },
    )
    found = resolve(str(path))
    assert (found.name, found.version, found.distribution) == ("demo", "1.0", "demo")
    assert found.root == str(path)
    assert relatives(found) == [
        "demo-1.0.data/platlib/other/y.pyd",
        "demo.libs/libx.so.1",
        "demo/_C.abi3.so",
        "demo/extensionless",
        "empty.so",
    ]
    assert (found.siblings, found.errors, found.notes) == ((), (), ())
    assert found.import_names == ("demo", "empty", "other")
    assert found.tags == ("cp311-abi3-linux_x86_64",)
    assert found.requires == ("torch",)
    assert not found.is_torch
    library = found.candidates[2]
    assert library.path == f"{path}/demo/_C.abi3.so"
    assert (library.size, library.head) == (len(LIBRARY), LIBRARY[:HEAD_LENGTH])
    assert contents(library) == LIBRARY
    assert contents(pickle.loads(pickle.dumps(library))) == LIBRARY  # noqa: S301
    assert contents(found.candidates[4]) == b""


def test_torch_s_own_wheel(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"torch/lib/libtorch.so": ELF}, name="torch-2.9.0-cp311-cp311-a.b")
    found = opened(str(path))
    assert found.is_torch
    assert found.tags == ("cp311-cp311-a", "cp311-cp311-b")


def test_a_wheel_without_metadata_goes_by_its_file_name(tmp_path: Path) -> None:
    path = tmp_path / "some_demo-2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("x.so", ELF)
    found = opened(str(path))
    assert (found.name, found.version, relatives(found)) == ("some_demo", "2.0", ["x.so"])


def test_a_renamed_wheel_has_its_stated_tags(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"x.so": ELF}).rename(tmp_path / "anything")
    found = opened(str(path))
    assert (found.name, found.tags) == ("demo", ("py3-none-any",))


@pytest.mark.parametrize("name", ["x.whl", "x.zip"])
def test_what_is_no_wheel(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(TargetError, match="not a zip archive, or it is cut short or damaged"):
        resolve(str(path))
    path.write_bytes(b"")
    if name == "x.whl":
        with pytest.raises(TargetError, match="is an empty file: download or build it again"):
            resolve(str(path))


def test_a_zip_archive_without_a_member(tmp_path: Path) -> None:
    path = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(TargetError, match="is a zip archive without a file in it: build it again"):
        resolve(str(path))


def test_a_zip_archive_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "sources.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("x.so", ELF)
    found = resolve(str(path))
    assert relatives(found) == ["x.so"]
    assert found.distribution is None
    assert "not a wheel" in found.notes[0]


def test_a_wheel_that_is_cut_short(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/_C.so": LIBRARY})
    whole = path.read_bytes()
    for length in (4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(TargetError, match="cut short or damaged"):
            resolve(str(path))


def test_a_wheel_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wheel(tmp_path, {})

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(TargetError, match=r"cannot read .*: permission denied"):
        resolve(str(path))


@pytest.mark.parametrize(
    "name",
    ["../x.so", "demo/../../x.so", "/x.so", "C:/x.so", "..\\x.so", "\\x.so", "demo/..", "../x.py"],
)
def test_names_that_lead_out_of_the_archive(tmp_path: Path, name: str) -> None:
    found = opened(str(wheel(tmp_path, {"demo/_C.so": ELF, name: ELF})))
    assert relatives(found) == ["demo/_C.so"]
    assert errors(found) == {name: "the member's name points outside the archive"}


def test_a_name_with_a_nul(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/a_b.so": ELF})
    path.write_bytes(path.read_bytes().replace(b"demo/a_b.so", b"demo/a\0b.so"))
    assert errors(opened(str(path))) == {
        "demo/a\0b.so": "the member's name points outside the archive"
    }


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_several_members_of_one_name(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/_C.so": ELF, "demo/ok.so": ELF, "demo/x.py": b""})
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("demo/_C.so", LIBRARY)
        zipped.writestr("demo/x.py", b"")
    found = opened(str(path))
    assert relatives(found) == ["demo/ok.so"]
    assert errors(found) == {"demo/_C.so": "the archive has several members with this name"}


def test_an_encrypted_member(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/_C.so": ELF, "demo/x.py": b""})
    for name in ("demo/_C.so", "demo/x.py"):
        patch(path, central(path, name) + 8, b"\x01\x00")
    found = opened(str(path))
    assert (relatives(found), errors(found)) == ([], {"demo/_C.so": "the member is encrypted"})


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_symbolic_links_and_directories_are_not_followed(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/libx.so.1": ELF})
    link = zipfile.ZipInfo("demo/libx.so")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr(link, "/etc/passwd")
        zipped.mkdir("demo/directory.so")
        zipped.mkdir("demo/directory.so")
    found = opened(str(path))
    assert (relatives(found), found.errors) == (["demo/libx.so.1"], ())
    assert found.notes == ("symbolic links in the archive, not followed: 1",)


def test_an_archive_of_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "TOTAL_LIMIT", 150)
    found = opened(str(wheel(tmp_path, {f"{name}.so": ELF for name in "abcd"})))
    assert relatives(found) == ["a.so", "b.so"]
    assert list(errors(found)) == ["c.so", "d.so"]


def test_members_that_share_their_bytes(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/a.so": LIBRARY, "demo/b.so": LIBRARY})
    with zipfile.ZipFile(path) as zipped:
        first = zipped.getinfo("demo/a.so").header_offset
    patch(path, central(path, "demo/b.so") + 42, struct.pack("<I", first))
    found = opened(str(path))
    assert relatives(found) == []
    assert errors(found) == dict.fromkeys(
        ("demo/a.so", "demo/b.so"), "the member overlaps another member"
    )


def test_damaged_metadata_is_said(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/_C.so": ELF})
    start, size = data_of(path, "demo-1.0.dist-info/METADATA")
    patch(path, start, b"\xff" * size)
    found = opened(str(path))
    assert found.name == "demo"
    assert list(errors(found)) == ["demo-1.0.dist-info/METADATA"]


def test_a_self_extracting_wheel_is_read_behind_its_prefix(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"demo/_C.so": LIBRARY})
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    assert contents(opened(str(path)).candidates[0]) == LIBRARY


def test_names_in_utf_8(tmp_path: Path) -> None:
    found = opened(str(wheel(tmp_path, {"demo/ñ.so": LIBRARY})))
    assert relatives(found) == ["demo/ñ.so"]
    assert contents(found.candidates[0]) == LIBRARY
