"""The results of each stage of the pipeline for compiled libraries."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.support.installs import install
from tests.support.toolchain import gcc
from torch_abi_audit import sources
from torch_abi_audit.audit import reading, siblings
from torch_abi_audit.audit.pipeline import audit
from torch_abi_audit.judges import JUDGES
from torch_abi_audit.judges.torch_names import Kind
from torch_abi_audit.runtime.messages import pack, unpack

if TYPE_CHECKING:
    from pathlib import Path

ASKS = """
void _ZN2at1fEv(void); void _ZN2at1gEv(void) __attribute__((weak)); int PyLong_AsLong(void);
void puts_of_its_own(void);
void f(void) { _ZN2at1fEv(); if (_ZN2at1gEv) _ZN2at1gEv(); PyLong_AsLong(); puts_of_its_own(); }
"""
OFFERS = "void _ZN2at1fEv(void) {} void unasked(void) {}"


def site(tmp_path: Path, **more: bytes) -> Path:
    """A distribution with a library that imports a name, and another that exports it."""
    asks = gcc(ASKS, tmp_path / "asks.so").read_bytes()
    offers = gcc(OFFERS, tmp_path / "offers.so").read_bytes()
    members: dict[str, bytes | str] = {"demo/asks.so": asks, "demo.libs/offers.so": offers, **more}
    install(tmp_path / "site", "demo", {"demo/__init__.py": "", **members})
    return tmp_path / "site"


def test_of_an_image_what_judges_ask_for_is_kept_and_can_be_handed_on(tmp_path: Path) -> None:
    found = sources.resolve(str(site(tmp_path) / "demo"))
    contents = reading.contents(found, None, shared=False)
    (image,) = contents.libraries["asks.so"].images
    torch, python, *_ = image.references
    assert torch == {b"_ZN2at1fEv": Kind.UNSTABLE, b"_ZN2at1gEv": Kind.UNSTABLE}
    assert python == (b"PyLong_AsLong",)
    assert image.binary.imports == ()
    assert image.binary.weak_imports == (b"_ZN2at1gEv",)
    assert len(image.references) == len(JUDGES)
    assert unpack(pack(image)) == image


def test_what_a_library_elsewhere_in_the_distribution_has_is_found_there(tmp_path: Path) -> None:
    found = sources.resolve(str(site(tmp_path) / "demo"))
    contents = reading.contents(found, None, shared=False)
    offers = siblings.offers(contents, found, shared=False)
    (provider,) = offers.providers.pop(b"_ZN2at1fEv")  # type: ignore[attr-defined]
    assert provider.filename == "offers.so"
    assert offers.providers == {}
    assert offers.errors == {}


def test_a_file_that_cannot_be_read_is_an_error_in_its_place_alone(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{
            "demo/cut.so": b"\x7fELF cut",
            "demo/lfs.so": b"version https://git-lfs.github.com/spec/v1\n",
        },
    )
    (root / "demo/data.bin").write_bytes(b"MZ of other data")
    (root / "demo/gone.so").symlink_to("nowhere")
    report = audit(sources.resolve(str(root / "demo")))
    by_name = {one.name: one for one in report.libraries}
    assert sorted(by_name) == ["asks.so", "cut.so"]
    assert by_name["cut.so"].error is not None
    assert by_name["asks.so"].torch is not None
    assert [(one.path, one.kind) for one in report.skipped] == [
        ("data.bin", "data that begins with MZ"),
        ("lfs.so", "Git LFS pointer"),
    ]
    assert report.notes[-2:] == (
        "gone.so is a dangling symlink",
        "lfs.so is a Git LFS pointer: the library was not fetched",
    )


def test_a_damaged_sibling_offers_nothing_and_is_not_reported(tmp_path: Path) -> None:
    root = site(tmp_path)
    os.truncate(root / "demo.libs/offers.so", 500)
    report = audit(sources.resolve(str(root / "demo")))
    assert [one.name for one in report.libraries] == ["asks.so"]
    assert report.libraries[0].torch is not None
    assert report.libraries[0].torch.unstable_symbols == ("at::f()",)
