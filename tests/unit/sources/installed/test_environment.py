from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from tests.support.installs import ELF, by_name, install, relatives, sibling_relatives, write
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.environments import environment, site_packages


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "lib" / "python3.11" / "site-packages"
    path.mkdir(parents=True)
    return path


def test_a_package_is_what_its_record_says(site: Path) -> None:
    install(
        site,
        "Num-Py",
        ["numpy/core/_m.so", "numpy.libs/libblas.so", "_numpy.abi3.so", "../../../lib/libz.so"],
    )
    install(site, "torch", ["torch/lib/libtorch.so", "torch/_C.so"])
    install(site, "six", {"six.py": ""})
    inventory = site_packages(str(site))
    assert inventory.directories == (str(site),)
    assert [each.name for each in inventory.packages] == ["Num-Py", "six", "torch"]
    numpy, six, torch = inventory.packages
    assert numpy.root == str(site)
    assert relatives(numpy) == [
        "../../libz.so",
        "_numpy.abi3.so",
        "numpy.libs/libblas.so",
        "numpy/core/_m.so",
    ]
    assert (numpy.distribution, numpy.version, numpy.tags) == (
        "Num-Py",
        "1.0",
        ("cp311-cp311-linux_x86_64",),
    )
    assert numpy.import_names == ("_numpy", "numpy")
    assert (torch.root, relatives(torch)) == (str(site / "torch"), ["_C.so", "lib/libtorch.so"])
    assert torch.is_torch
    assert not numpy.is_torch
    assert (six.candidates, six.notes, six.errors) == ((), (), ())


def test_namespace_packages_are_divided(site: Path) -> None:
    install(site, "nvidia-a", ["nvidia/a/liba.so"])
    install(site, "nvidia-b", ["nvidia/b/libb.so"])
    found = by_name(site_packages(str(site)))
    assert sorted(found) == ["nvidia-a", "nvidia-b"]
    assert (found["nvidia-a"].root, relatives(found["nvidia-a"])) == (
        str(site / "nvidia"),
        ["a/liba.so"],
    )
    assert relatives(found["nvidia-b"]) == ["b/libb.so"]


def test_what_no_record_claims_goes_by_directory(site: Path) -> None:
    install(site, "demo", ["demo/_C.so"])
    write(site / "demo" / "jit" / "built.so")
    write(site / "loose" / "deep" / "x.so")
    write(site / "alone.cpython-311-darwin.so")
    found = {each.root: each for each in site_packages(str(site)).packages if not each.distribution}
    assert sorted(found) == [str(site), str(site / "demo"), str(site / "loose")]
    assert (found[str(site)].name, relatives(found[str(site)])) == (
        "alone",
        ["alone.cpython-311-darwin.so"],
    )
    rest = found[str(site / "demo")]
    assert (rest.name, relatives(rest), sibling_relatives(rest)) == (
        "demo",
        ["jit/built.so"],
        ["demo/_C.so"],
    )
    assert relatives(found[str(site / "loose")]) == ["deep/x.so"]
    assert all("RECORD" in note for each in found.values() for note in each.notes)


def test_leftovers_within_torch_are_torch_s(site: Path) -> None:
    install(site, "torch", ["torch/_C.so"])
    write(site / "torch" / "lib" / "libold.so")
    write(site / "other" / "x.so")
    found = {each.root: each for each in site_packages(str(site)).packages if not each.distribution}
    assert found[str(site / "torch")].is_torch
    assert not found[str(site / "other")].is_torch


def test_a_file_that_two_records_claim_belongs_to_both(site: Path) -> None:
    install(site, "a", ["shared/x.so"])
    install(site, "b", ["shared/x.so"])
    found = by_name(site_packages(str(site)))
    assert relatives(found["a"]) == relatives(found["b"]) == ["x.so"]


def test_hard_links_between_distributions_are_each_their_own(site: Path) -> None:
    install(site, "a", ["a/x.so"])
    install(site, "b", [], recorded=["b/x.so", "b/y.so"])
    (site / "b").mkdir()
    (site / "b" / "x.so").hardlink_to(site / "a" / "x.so")
    (site / "b" / "y.so").hardlink_to(site / "a" / "x.so")
    found = by_name(site_packages(str(site)))
    assert relatives(found["a"]) == ["x.so"]
    assert relatives(found["b"]) == ["x.so"]


def test_recorded_files_that_are_gone_are_not_missed(site: Path) -> None:
    install(site, "demo", ["demo/_C.so"], recorded=["demo/gone.so", "../../../bin/gone"])
    (found,) = site_packages(str(site)).packages
    assert (relatives(found), found.errors) == (["_C.so"], ())


def test_without_a_record_the_top_level_names_are_claimed(site: Path) -> None:
    write(site / "demo" / "_C.so")
    write(site / "_demo.abi3.so")
    write(site / "demo_dist-3.0.egg-info" / "PKG-INFO", "Name: demo-dist\nVersion: 3.0\n")
    write(site / "demo_dist-3.0.egg-info" / "top_level.txt", "demo\n_demo\n")
    install(site, "intruder", ["demo/intruder.so"])
    found = by_name(site_packages(str(site)))
    assert sorted(found) == ["demo-dist", "intruder"]
    assert relatives(found["demo-dist"]) == ["_demo.abi3.so", "demo/_C.so"]
    assert relatives(found["intruder"]) == ["intruder.so"]


def test_an_unreadable_directory_stays_with_its_owner(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "demo", ["demo/lib/x.so", "demo/y.so"])
    write(site / "loose" / "x.so")
    refused = {str(site / "demo" / "lib"), str(site / "loose")}
    original = os.scandir

    def refusing(path: str) -> object:
        if path in refused:
            raise PermissionError(13, "Permission denied", path)
        return original(path)

    monkeypatch.setattr(os, "scandir", refusing)
    demo, loose = site_packages(str(site)).packages
    assert (demo.distribution, [each.relative for each in demo.errors]) == ("demo", ["lib"])
    assert [each.path for each in loose.errors] == [str(site / "loose")]


@pytest.mark.skipif(os.name == "nt", reason="symlinks need a privilege there")
def test_a_link_in_one_distribution_to_a_file_of_another(site: Path) -> None:
    install(site, "a", ["a/libx.so.1"])
    install(site, "b", ["b/y.so"], recorded=["b/libx.so.1"])
    (site / "b" / "libx.so.1").symlink_to("../a/libx.so.1")
    found = by_name(site_packages(str(site)))
    assert relatives(found["a"]) == ["libx.so.1"]
    assert relatives(found["b"]) == ["y.so"]


def test_a_path_that_is_no_directory(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"cannot list .*: no such file or directory"):
        site_packages(str(tmp_path / "missing"))
    with pytest.raises(TargetError, match=r"cannot list .*: not a directory"):
        site_packages(str(write(tmp_path / "file", ELF)))
    with pytest.raises(TargetError, match="NUL"):
        site_packages("\0")


def test_the_running_interpreter_s_packages() -> None:
    inventory = environment()
    assert os.path.realpath(sysconfig.get_path("purelib")) in map(
        os.path.realpath, inventory.directories
    )
    assert len(set(inventory.directories)) == len(inventory.directories)
    found = by_name(inventory)
    assert found["pytest"].import_names >= ("_pytest",)
    assert found["lief"].candidates
    assert all(Path(each.path).is_absolute() for each in found["lief"].candidates)
