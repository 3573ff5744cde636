from __future__ import annotations

import io
import json
import random
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.installs import ELF, contents, relatives, wheel, write
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources import Found, resolve, several
from torch_abi_audit.sources.archives import tar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

zstd = pytest.importorskip("backports.zstd", reason="from Python 3.14 on in the standard library")

INDEX = {
    "name": "demo",
    "version": "1.0",
    "subdir": "linux-64",
    "depends": ["python >=3.11", "pytorch >=2.9,<2.10.0a0", "libgcc >=13"],
}
MODULE = "lib/python3.11/site-packages/demo/_C.so"


def tarball(members: Mapping[str, bytes], mode: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{mode}") as tar:  # type: ignore[call-overload]
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def conda(path: Path, members: Mapping[str, bytes], index: object = INDEX) -> Path:
    info = tarball({"info/index.json": json.dumps(index).encode()})
    with zipfile.ZipFile(path, "w") as outer:
        outer.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        outer.writestr("pkg-demo-1.0-0.tar.zst", zstd.compress(tarball(members)))
        outer.writestr("info-demo-1.0-0.tar.zst", zstd.compress(info))
    return path


def test_a_conda_package(tmp_path: Path) -> None:
    path = conda(
        tmp_path / "demo-1.0-0.conda",
        {MODULE: ELF + b"module", "lib/libdemo.so.1": ELF, "share/readme.txt": b"words"},
    )
    found = resolve(str(path))
    assert (found.name, found.version, found.distribution) == ("demo", "1.0", None)
    assert relatives(found) == ["lib/libdemo.so.1", MODULE]
    assert contents(found.candidates[1]) == ELF + b"module"
    assert contents(found.candidates[0]) == ELF
    assert found.import_names == ("demo",)
    assert found.notes == (
        "conda package demo 1.0 for linux-64; it depends on pytorch >=2.9,<2.10.0a0",
    )
    assert not found.is_torch


def test_torch_itself_from_conda(tmp_path: Path) -> None:
    path = conda(tmp_path / "libtorch.conda", {"lib/libc10.so": ELF}, {**INDEX, "name": "libtorch"})
    assert resolve(str(path)).is_torch


def test_an_old_conda_package(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0-0.tar.bz2"
    members = {"info/index.json": json.dumps(INDEX).encode(), MODULE: ELF}
    path.write_bytes(tarball(members, "bz2"))
    found = resolve(str(path))
    assert found.name == "demo"
    assert relatives(found) == [MODULE]


@pytest.mark.parametrize("mode", ["", "gz", "bz2", "xz"])
def test_a_built_tree(tmp_path: Path, mode: str) -> None:
    path = tmp_path / f"build.tar{f'.{mode}' if mode else ''}"
    path.write_bytes(tarball({"./build/_C.so": ELF, "build/x.txt": b"words"}, mode))
    found = resolve(str(path))
    assert found.name == path.name
    assert relatives(found) == ["build/_C.so"]
    assert contents(found.candidates[0]) == ELF


def test_a_source_distribution_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0.tar.gz"
    text = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\n"
    path.write_bytes(tarball({"demo-1.0/PKG-INFO": text, "demo-1.0/setup.py": b""}, "gz"))
    with pytest.raises(TargetError, match="is a source distribution without compiled libraries"):
        resolve(str(path))
    path.write_bytes(tarball({"demo-1.0/PKG-INFO": text, "demo-1.0/x.so": ELF}, "gz"))
    found = resolve(str(path))
    assert (found.name, found.version) == ("demo", "1.0")
    assert "shipped in it" in found.notes[0]


@pytest.mark.parametrize("name", ["../../x.so", "/etc/x.so", "a/../../x.so", "C:/x.so"])
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(tarball({name: ELF, "ok.so": ELF}))
    found = resolve(str(path))
    assert relatives(found) == ["ok.so"]
    assert found.errors[0].message == "the member's name points outside the archive"
    assert not (tmp_path.parent / "x.so").exists()


def test_two_members_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as tar:
        for data in (ELF, ELF + b"other"):
            entry = tarfile.TarInfo("x.so")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    found = resolve(str(path))
    assert relatives(found) == []
    assert found.errors[0].message == "the archive has several members with this name"


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo(f"{kind!r}.so")
            entry.type, entry.linkname = kind, "/etc/passwd"
            tar.addfile(entry)
    assert relatives(resolve(str(path))) == []


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(tarball({f"{n}.so": ELF + bytes(1 << 20) for n in range(4)}, "gz"))
    monkeypatch.setattr(tar, "TOTAL_LIMIT", 3 << 20)
    with pytest.raises(TargetError, match="unpacks to an implausible size"):
        resolve(str(path))
    monkeypatch.setattr(tar, "TOTAL_LIMIT", 1 << 30)
    monkeypatch.setattr(tar, "_FREE", 1 << 20)
    monkeypatch.setattr(tar, "RATIO_LIMIT", 100)
    with pytest.raises(TargetError, match="implausible size"):
        resolve(str(path))
    monkeypatch.setattr(tar, "RATIO_LIMIT", 100_000)
    assert len(resolve(str(path)).candidates) == 4
    monkeypatch.setattr(tar, "ENTRIES_LIMIT", 3)
    with pytest.raises(TargetError, match="more than 3 entries"):
        resolve(str(path))


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tar.bz2", "x.tar.xz", "x.tar.zst", "x.conda"])
def test_damaged_archives(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "x.conda":
        whole = conda(path, {MODULE: ELF * 500}).read_bytes()
    elif name.endswith("zst"):
        whole = zstd.compress(tarball({"x.so": ELF * 500}))
    else:
        whole = tarball({"x.so": ELF * 500}, name.rpartition(".")[2])
    for data in (whole[: len(whole) // 2], b"", b"\x28\xb5\x2f\xfdrubbish", b"words" * 400):
        path.write_bytes(data)
        with pytest.raises(TargetError):
            resolve(str(path))
    path.write_bytes(whole[:40] + bytes(8) + whole[48:])
    try:
        resolve(str(path))
    except TargetError as error:
        assert str(path) in str(error)  # noqa: PT017 - some changes do no harm


def test_a_conda_package_with_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "x.conda"
    with zipfile.ZipFile(path, "w") as outer:
        outer.writestr("metadata.json", "{}")
    with pytest.raises(TargetError, match="is not a conda package"):
        resolve(str(path))
    with pytest.raises(TargetError, match=r"index\.json is not valid JSON"):
        resolve(str(conda(path, {MODULE: ELF}, index=["x"])))


def test_a_directory_of_wheels(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    for version in ("1.0", "2.0"):
        wheel(dist, {"demo/_C.so": ELF}, name=f"demo-{version}-cp311-abi3-linux_x86_64")
    (dist / "bad-1.0-py3-none-any.whl").write_bytes(b"no zip")
    (dist / "demo-2.0.tar.gz").write_bytes(b"not looked at")
    got = list(several(str(dist)))
    assert [type(one) for one in got] == [TargetError, Found, Found]
    assert [one.version for one in got if isinstance(one, Found)] == ["1.0", "2.0"]
    write(dist / "stray.so")
    rest = list(several(str(dist)))[-1]
    assert isinstance(rest, Found)
    assert relatives(rest) == ["stray.so"]


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tar.bz2", "x.tar.xz", "x.conda"])
def test_changed_bytes_end_in_a_result_or_in_one_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "x.conda":
        whole = conda(path, {MODULE: ELF * 20, "lib/y.so": ELF}).read_bytes()
    else:
        mode = name.removeprefix("x.tar").lstrip(".")
        whole = tarball({"x.so": ELF * 20, "demo-1/PKG-INFO": b"Name: demo\n\n"}, mode)
    chance = random.Random(name)
    outcomes = set()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        try:
            found = resolve(str(path))
        except TargetError:
            outcomes.add("refused")
            continue
        outcomes.add("read")
        for each in found.candidates:
            contents(each)
    assert "refused" in outcomes


def test_an_encrypted_part_of_a_conda_package(tmp_path: Path) -> None:
    path = conda(tmp_path / "x.conda", {MODULE: ELF})
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(signature, at + 4)
    path.write_bytes(data)
    with pytest.raises(TargetError, match="encrypted"):
        resolve(str(path))
