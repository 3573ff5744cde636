"""What CUDA toolkits and drivers know: the table against NVIDIA's documents and compilers."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.cuda_toolkits import (
    current_name,
    driver_of_major,
    driver_of_toolkit,
    dropped_in,
    family,
    first_toolkit,
    is_known,
    ptx_of_toolkit,
    toolkit_of_driver,
    toolkit_of_ptx,
    toolkits,
)
from torch_abi_audit.knowledge.nvidia_packages import packages_of
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.releases import minor_of, release_key

# github.com/NVIDIA/cuda-python, cuda_bindings/cuda/bindings/utils/_ptx_utils.py: the PTX version
# of each toolkit, as its authors read NVIDIA's release history
PTX = {
    "5.0": "8.0", "6.0": "9.0", "6.1": "9.1", "6.2": "9.2", "6.3": "10.0", "6.4": "10.1",
    "6.5": "10.2", "7.0": "11.0", "7.1": "11.1", "7.2": "11.2", "7.3": "11.3", "7.4": "11.4",
    "7.5": "11.5", "7.6": "11.6", "7.7": "11.7", "7.8": "11.8", "8.0": "12.0", "8.1": "12.1",
    "8.2": "12.2", "8.3": "12.3", "8.4": "12.4", "8.5": "12.5", "8.6": "12.7", "8.7": "12.8",
    "8.8": "12.9", "9.0": "13.0", "9.1": "13.1",
}  # fmt: skip

# The driver in the name of each toolkit's installer for Linux on developer.download.nvidia.com, for
# 13.4 and 13.5 the one that NVIDIA released beside it. These are the drivers of the table of
# release notes, or a little newer
INSTALLERS = {
    "11.0": "450.51.05", "11.2": "460.27.04", "11.3": "465.19.01", "11.4": "470.42.01",
    "11.5": "495.29.05", "11.6": "510.39.01", "11.7": "515.43.04", "11.8": "520.61.05",
    "12.0": "525.60.13", "12.1": "530.30.02", "12.2": "535.54.03", "12.3": "545.23.06",
    "12.4": "550.54.14", "12.5": "555.42.02", "12.6": "560.28.03", "12.8": "570.86.10",
    "12.9": "575.51.03", "13.0": "580.65.06", "13.1": "590.44.01", "13.2": "595.45.04",
    "13.3": "610.43.02", "13.4": "615.71.09", "13.5": "620.70.06",
}  # fmt: skip


@pytest.mark.parametrize(("isa", "toolkit"), PTX.items())
def test_ptx_versions(isa: str, toolkit: str) -> None:
    assert toolkit_of_ptx(isa) == toolkit
    assert ptx_of_toolkit(toolkit) == isa


def test_ptx_versions_that_stayed_or_are_not_known() -> None:
    assert ptx_of_toolkit("12.6") == "8.5"
    assert ptx_of_toolkit("12.8.93") == "8.7"
    assert toolkit_of_ptx("99.0") is None
    assert ptx_of_toolkit("99.0") is None
    assert driver_of_toolkit("99.0") is None


@pytest.mark.parametrize(("toolkit", "driver"), INSTALLERS.items())
def test_drivers_on_linux(toolkit: str, driver: str) -> None:
    stated = driver_of_toolkit(toolkit)
    assert stated is not None
    assert stated.partition(".")[0] == driver.partition(".")[0]
    assert release_key(stated) <= release_key(driver)


@pytest.mark.parametrize(
    ("toolkit", "driver"),
    [
        ("10.2", "441.22"),
        ("11.8", "520.06"),
        ("12.1", "531.14"),
        ("12.8", "570.65"),
        ("13.1", "590"),
    ],
)
def test_drivers_on_windows(toolkit: str, driver: str) -> None:
    assert driver_of_toolkit(toolkit, "windows") == driver
    assert driver_of_toolkit(f"{toolkit}.1", "windows") == driver


def test_drivers_get_newer_with_toolkits() -> None:
    for system in ("linux", "windows"):
        drivers = [one for name in toolkits() if (one := driver_of_toolkit(name, system))]
        assert len(drivers) > 25
        assert drivers == sorted(drivers, key=release_key)


# https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
@pytest.mark.parametrize(
    ("major", "linux", "windows"),
    [
        (11, "450.80.02", "452.39"),
        (12, "525.60.13", "528.33"),
        (13, "580.65.06", "580"),
        (10, None, None),
    ],
)
def test_minor_version_compatibility(major: int, linux: str | None, windows: str | None) -> None:
    assert driver_of_major(major) == driver_of_major(str(major), "linux") == linux
    assert driver_of_major(major, "windows") == windows


@pytest.mark.parametrize(
    ("target", "first", "dropped"),
    [
        ("sm_120", "12.8", None),
        ("compute_89", "11.8", None),
        ("8.0+PTX", "11.0", None),
        ("sm_90a", "12.0", None),
        ("90", "11.8", None),
        ("sm_61", "8.0", "13.0"),
        ("3.5", "5.0", "12.0"),
        ("sm_100f", "12.9", None),
        ("sm_101", "12.8", "13.0"),
        ("sm_110", "13.0", None),
        ("sm_107", "13.4", None),
        ("sm_20", None, "9.0"),
        ("sm_1", None, None),
        ("gfx1100", None, None),
        ("", None, None),
    ],
)
def test_the_toolkits_that_know_an_architecture(
    target: str, first: str | None, dropped: str | None
) -> None:
    assert (first_toolkit(target), dropped_in(target)) == (first, dropped)
    assert is_known(target) == bool(first or dropped)


# https://developer.nvidia.com/blog/nvidia-blackwell-and-nvidia-cuda-12-9-introduce-family-specific-architecture-features/
# and the rules in the help of ptxas 13: an f architecture covers newer ones of its family
@pytest.mark.parametrize(
    ("target", "members"),
    [
        ("sm_100f", ("sm_100", "sm_103", "sm_107")),
        ("compute_103f", ("sm_103", "sm_107")),
        ("sm_120f", ("sm_120", "sm_121")),
        ("sm_121f", ("sm_121",)),
        ("sm_110f", ("sm_110",)),
        ("sm_101f", ("sm_110",)),
        ("sm_100", ()),
        ("sm_90a", ()),
        ("sm_130f", ()),
        ("gfx942", ()),
    ],
)
def test_families(target: str, members: tuple[str, ...]) -> None:
    assert family(target) == members


def test_an_architecture_with_a_new_number() -> None:
    assert current_name("sm_101") == "sm_110"
    assert current_name("sm_100") == "sm_100"


def test_the_toolkits_of_torch_and_of_the_package_index_are_known() -> None:
    used = {minor_of(one) for release in torch_releases() for one in release.cuda.values()}
    newest = packages_of("libcudart.so.13")[-1].last
    assert {*used, minor_of(newest)} <= {*toolkits()}


@pytest.mark.parametrize(
    ("driver", "system", "toolkit"),
    [
        # as nvidia-smi of these drivers says
        ("470.223.02", "linux", "11.4"),
        ("525.60.13", "linux", "12.0"),
        ("550.54.14", "linux", "12.4"),
        ("460.80", "linux", "11.2"),
        ("9999.1", "linux", None),
        ("100.1", "linux", None),
    ],
)
def test_the_toolkit_of_a_driver(driver: str, system: str, toolkit: str | None) -> None:
    assert toolkit_of_driver(driver, system) == toolkit
