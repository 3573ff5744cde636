from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.installs import ELF, install, relatives, sibling_relatives, write
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources import resolve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "lib" / "python3.11" / "site-packages"
    path.mkdir(parents=True)
    return path


def test_an_import_name_audits_its_directory_and_knows_the_rest(site: Path) -> None:
    install(
        site,
        "Num.Py",
        {
            "numpy/__init__.py": "raise SystemExit('imported')",
            "numpy/core/_m.so": ELF,
            "numpy.libs/libblas-1234.so.3": ELF,
            "_numpy_ext.abi3.so": ELF,
            "../../../lib/libbundled.so": ELF,
        },
        version="2.0",
    )
    write(site / "numpy" / "built_later.so")
    found = resolve("numpy", search_path=[str(site)])
    assert (found.name, found.root) == ("numpy", str(site / "numpy"))
    assert relatives(found) == ["built_later.so", "core/_m.so"]
    assert sibling_relatives(found) == [
        "../../libbundled.so",
        "_numpy_ext.abi3.so",
        "numpy.libs/libblas-1234.so.3",
    ]
    assert (found.distribution, found.version) == ("Num.Py", "2.0")
    assert found.import_names == ("_numpy_ext", "numpy")
    assert found.tags == ("cp311-cp311-linux_x86_64",)
    assert not found.is_torch
    (note,) = found.notes
    assert note.startswith("the distribution Num.Py has 3 more libraries elsewhere: ")
    assert "numpy.libs" in note


def test_nothing_elsewhere_nothing_said(site: Path) -> None:
    install(site, "demo", {"demo/__init__.py": "", "demo/_C.so": ELF, "../../../bin/demo": ELF})
    found = resolve("demo", search_path=[str(site)])
    assert sibling_relatives(found) == ["../../../bin/demo"]
    assert found.notes == ()


def test_a_dotted_name_whose_parent_would_raise(site: Path) -> None:
    install(
        site,
        "demo",
        {
            "demo/__init__.py": "raise SystemExit('imported')",
            "demo/inner/__init__.py": "raise SystemExit('imported')",
            "demo/inner/_C.so": ELF,
            "demo/_C.so": ELF,
        },
    )
    found = resolve("demo.inner", search_path=[str(site)])
    assert (found.name, found.root) == ("demo.inner", str(site / "demo" / "inner"))
    assert relatives(found) == ["_C.so"]
    assert sibling_relatives(found) == ["demo/_C.so"]
    assert found.distribution == "demo"
    assert "demo" not in sys.modules


def test_a_dotted_name_can_be_an_extension_module(site: Path) -> None:
    path = "demo/_C.cpython-311-x86_64-linux-gnu.so"
    install(site, "demo", {"demo/__init__.py": "", path: ELF, "demo/x.so": ELF})
    found = resolve("demo._C", search_path=[str(site)])
    assert found.root == str(site / path)
    assert relatives(found) == ["_C.cpython-311-x86_64-linux-gnu.so"]
    assert sibling_relatives(found) == ["demo/x.so"]


def test_a_single_module_at_the_top_level(site: Path) -> None:
    install(site, "demo-dist", ["demo.abi3.so", "demo.libs/libx.so"])
    found = resolve("demo", search_path=[str(site)])
    assert (found.root, relatives(found)) == (str(site / "demo.abi3.so"), ["demo.abi3.so"])
    assert sibling_relatives(found) == ["demo.libs/libx.so"]


def test_a_distribution_name_where_no_import_name_fits(site: Path) -> None:
    install(site, "Open_CV-python", {"cv2/__init__.py": "", "cv2/c.so": ELF, "cv.libs/q.so": ELF})
    found = resolve("open.cv.python", search_path=[str(site)])
    assert (found.name, found.root) == ("Open_CV-python", str(site))
    assert relatives(found) == ["cv.libs/q.so", "cv2/c.so"]
    assert found.siblings == ()
    assert found.import_names == ("cv2",)


def test_an_import_name_wins_over_a_distribution(site: Path) -> None:
    install(site, "demo", {"other/__init__.py": "", "other/a.so": ELF})
    install(site, "rest", {"demo/__init__.py": "", "demo/b.so": ELF})
    assert relatives(resolve("demo", search_path=[str(site)])) == ["b.so"]


def test_the_owner_is_found_by_record_not_by_name(site: Path) -> None:
    install(site, "demo", {"elsewhere/__init__.py": ""})
    install(site, "opencv", {"demo/__init__.py": "", "demo/b.so": ELF, "demo.libs/x.so": ELF})
    found = resolve("demo", search_path=[str(site)])
    assert found.distribution == "opencv"
    assert sibling_relatives(found) == ["demo.libs/x.so"]


def test_a_namespace_package_belongs_to_several(site: Path, tmp_path: Path) -> None:
    install(site, "nvidia-a", ["nvidia/a/lib/liba.so"])
    install(site, "nvidia-b", ["nvidia/b/lib/libb.so"])
    other = tmp_path / "other"
    install(other, "nvidia-c", ["nvidia/c/lib/libc.so"])
    found = resolve("nvidia", search_path=[str(site), str(other)])
    assert found.distribution is None
    assert [each.path for each in found.candidates] == [
        str(other / "nvidia" / "c" / "lib" / "libc.so"),
        str(site / "nvidia" / "a" / "lib" / "liba.so"),
        str(site / "nvidia" / "b" / "lib" / "libb.so"),
    ]
    assert any("namespace" in note and str(other / "nvidia") in note for note in found.notes)
    assert any("nvidia-a, nvidia-b" in note for note in found.notes)
    one = resolve("nvidia.a", search_path=[str(site)])
    assert (one.distribution, relatives(one)) == ("nvidia-a", ["lib/liba.so"])


def test_a_namespace_s_own_distribution_is_not_its_only_owner(site: Path) -> None:
    install(site, "google", ["google/own.so"])
    install(site, "protobuf", ["google/protobuf.so"])
    assert resolve("google", search_path=[str(site)]).distribution is None


def test_a_distribution_without_record_claims_its_top_level_names(site: Path) -> None:
    write(site / "demo" / "__init__.py", "")
    write(site / "demo" / "_C.so")
    write(site / "_demo.abi3.so")
    info = site / "demo_dist-3.0.egg-info"
    write(info / "PKG-INFO", "Name: demo-dist\nVersion: 3.0\n")
    write(info / "top_level.txt", "demo\n_demo\n")
    found = resolve("demo", search_path=[str(site)])
    assert (found.distribution, found.version) == ("demo-dist", "3.0")
    assert sibling_relatives(found) == ["_demo.abi3.so"]


def test_a_distribution_without_record_keeps_what_was_bundled_with_it(site: Path) -> None:
    info = install(site, "demo-dist", ["demo/_C.so", "demo_dist.libs/x.so"])
    (info / "RECORD").unlink()
    write(info / "top_level.txt", "demo\n")
    found = resolve("demo", search_path=[str(site)])
    assert sibling_relatives(found) == ["demo_dist.libs/x.so"]
    whole = resolve("demo-dist", search_path=[str(site)])
    assert relatives(whole) == ["demo/_C.so", "demo_dist.libs/x.so"]
    assert whole.import_names == ("demo",)


def test_a_directory_knows_its_distribution(site: Path) -> None:
    install(site, "Demo", ["demo/_C.so", "demo.libs/x.so"])
    found = resolve(str(site / "demo"))
    assert (found.name, found.root, found.distribution) == ("demo", str(site / "demo"), "Demo")
    assert sibling_relatives(found) == ["demo.libs/x.so"]
    lib = resolve(str(site / "demo.libs") + os.sep)
    assert (lib.name, relatives(lib)) == ("demo.libs", ["x.so"])
    assert sibling_relatives(lib) == ["demo/_C.so"]


def test_a_directory_outside_of_site_packages(tmp_path: Path) -> None:
    write(tmp_path / "some" / "lib" / "x.so")
    found = resolve(str(tmp_path / "some"))
    assert (found.name, relatives(found)) == ("some", ["lib/x.so"])
    assert (found.distribution, found.siblings, found.notes) == (None, (), ())


def test_an_unpacked_wheel_is_its_distribution(tmp_path: Path) -> None:
    install(tmp_path / "unpacked", "torch", ["torch/lib/libtorch.so"])
    for target in ("unpacked", "unpacked/torch", "unpacked/torch/lib"):
        found = resolve(str(tmp_path / target))
        assert (found.distribution, found.is_torch) == ("torch", True)


def test_a_directory_of_many_distributions_suggests_the_option(site: Path) -> None:
    install(site, "a", ["a/a.so"])
    install(site, "b", ["b/b.so"])
    found = resolve(str(site))
    assert relatives(found) == ["a/a.so", "b/b.so"]
    assert found.distribution is None
    assert any("--site-packages" in note for note in found.notes)


def test_a_single_file_of_any_name(site: Path) -> None:
    install(site, "demo", {"demo/odd.name": "words", "demo/x.so": ELF})
    found = resolve(str(site / "demo" / "odd.name"))
    assert found.root == str(site / "demo" / "odd.name")
    assert (found.name, relatives(found)) == ("odd.name", ["odd.name"])
    assert found.candidates[0].head == b"words"
    assert sibling_relatives(found) == ["demo/x.so"]
    assert found.notes == ()


@pytest.mark.skipif(os.name == "nt", reason="symlinks need a privilege there")
def test_the_same_file_by_a_link_is_no_sibling(site: Path) -> None:
    install(site, "demo", ["demo/libx.so.1"], recorded=["demo/libx.so"])
    (site / "demo" / "libx.so").symlink_to("libx.so.1")
    found = resolve(str(site / "demo" / "libx.so"))
    assert (relatives(found), found.siblings) == (["libx.so"], ())


def test_what_torch_is(site: Path, tmp_path: Path) -> None:
    install(site, "torch", {"torch/lib/libtorch.so": ELF, "functorch/__init__.py": ""})
    write(site / "torch" / "__init__.py", "")
    for name in ("torch", "functorch"):
        assert resolve(name, search_path=[str(site)]).is_torch
    assert resolve(str(site / "torch" / "lib" / "libtorch.so")).is_torch
    for lib, torch in (("libtorch_cpu.so", True), ("torch_cpu.dll", True), ("libother.so", False)):
        bare = tmp_path / lib / "torch"
        write(bare / "lib" / lib)
        assert resolve(str(bare)).is_torch is torch
        assert resolve(str(bare / "lib" / lib)).is_torch is torch


def test_a_vendored_torch_is_its_bundler_s(site: Path) -> None:
    install(site, "bundler", ["bundler/torch/lib/libtorch.so"])
    assert not resolve(str(site / "bundler" / "torch")).is_torch


def test_a_record_that_names_files_far_away_is_not_followed(site: Path, tmp_path: Path) -> None:
    away = write(tmp_path.parent / "away.so")
    up = "../" * 4 + "../away.so"
    recorded = [away.as_posix(), up, "C:/away.so", "other/nul\0.so"]
    install(site, "demo", ["demo/_C.so"], recorded=recorded)
    found = resolve("demo", search_path=[str(site)])
    assert found.siblings == ()
    assert found.notes == ("RECORD lists 3 libraries far outside of site-packages: not read",)


def test_a_record_with_commas_and_quotes(site: Path) -> None:
    install(site, "demo", {"demo/__init__.py": "", "demo/a,b.so": ELF, "x, y/c.so": ELF})
    assert relatives(resolve(str(site / "demo" / "a,b.so"))) == ["a,b.so"]
    assert resolve(str(site / "demo" / "a,b.so")).distribution == "demo"
    assert resolve(str(site / "x, y")).distribution == "demo"
    assert sibling_relatives(resolve("demo", search_path=[str(site)])) == ["x, y/c.so"]


def test_an_unknown_name_lists_the_nearest(site: Path) -> None:
    install(site, "torchvision", {"torchvision/__init__.py": ""})
    with pytest.raises(
        TargetError, match=r"cannot find torchvison: .*; did you mean torchvision\?"
    ):
        resolve("torchvison", search_path=[str(site)])
    with pytest.raises(TargetError, match=r"cannot find zzz: .* write pypi:zzz to audit its wheel"):
        resolve("zzz", search_path=[str(site)])


def test_a_module_without_a_file(site: Path) -> None:
    with pytest.raises(TargetError, match="built into the Python interpreter"):
        resolve("sys", search_path=[str(site)])


def test_no_library_is_opened_twice(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "demo", {"demo/__init__.py": "", "demo/_C.so": ELF, "demo.libs/x.so": ELF})
    looked = []
    original = os.open

    def counting(path: str, *more: int) -> int:
        looked.append(path)
        return original(path, *more)

    monkeypatch.setattr(os, "open", counting)
    found = resolve("demo", search_path=[str(site)])
    assert relatives(found) + sibling_relatives(found) == ["_C.so", "demo.libs/x.so"]
    assert sorted(each for each in looked if each.endswith(".so")) == [
        str(site / "demo.libs" / "x.so"),
        str(site / "demo" / "_C.so"),
    ]


@pytest.mark.parametrize("name", ["METADATA", "RECORD"])
def test_metadata_that_cannot_be_read_is_said(
    site: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    info = install(site, "demo", {"demo/__init__.py": "", "demo/_C.so": ELF})
    original = os.open

    def refusing(path: object, *more: int) -> int:
        if str(path).endswith(name):
            raise PermissionError(13, "Permission denied", path)
        return original(str(path), *more)

    monkeypatch.setattr(os, "open", refusing)
    found = resolve("demo", search_path=[str(site)])
    assert found.distribution == "demo"
    assert [(each.path, each.message) for each in found.errors] == [
        (str(info / name), "permission denied")
    ]
