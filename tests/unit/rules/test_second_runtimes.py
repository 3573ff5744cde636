from __future__ import annotations

from typing import Any

import pytest

from tests.support.metadata_values import LINUX, judged, library, mac, only, package, rules
from torch_abi_audit.audit import findings
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.declared import Declared
from torch_abi_audit.report.audit.facts import facts

MACOS = ("cp310-abi3-macosx_11_0_arm64",)
PE: Any = {"format": Format.PE, "arch": "x86_64"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("libgomp-e985bcbb.so.1.0.0", "L415"),
        ("libgomp.e985bcbb.so.1", "L415"),
        ("libiomp5.so", "L415"),
        ("libomp-0a1b2c3d.so.5", "L415"),
        ("libgomp.so.1", None),  # the name under which torch's is loaded
        ("libgompper-e985bcbb.so.1", None),
        ("libcomp.so.1", None),
    ],
)
def test_openmp_of_linux_beside_torch(name: str, expected: str | None) -> None:
    used = library(torch="2.11.0", needed=(name,))
    found = rules(judged(used, library(f"x.libs/{name}", module=False), requires=("torch>=2.11",)))
    assert found == ([] if expected is None else [expected])


def test_openmp_that_nothing_is_linked_to() -> None:
    assert rules(judged(library(), library("lib/libiomp5.so", module=False))) == []


def test_a_distribution_of_the_runtime_itself() -> None:
    """``intel-openmp`` has plug-ins of the runtime, which are linked to it."""
    plugin = library("lib/libomptarget.so", module=False, needed=("libiomp5.so",))
    own = library("lib/libiomp5.so", module=False)
    for name, expected in (("intel_openmp", []), ("mypkg", ["L418"])):
        said = Declared(name, LINUX, (), None)
        assert rules(findings.judged(package(plugin, own), said)) == expected


def test_openmp_of_macos() -> None:
    copy = "@loader_path/.dylibs/libomp.dylib"
    for needed, soname, expected in (
        (copy, "/DLC/mypkg/.dylibs/libomp.dylib", ["L418"]),
        ("@rpath/libomp.dylib", "@rpath/libomp.dylib", []),  # torch's is loaded under that name
    ):
        own = mac(".dylibs/libomp.dylib", module=False, soname=soname)
        used = mac(needed=(needed,), rpaths=("@loader_path/.dylibs",))
        assert rules(judged(used, own, tags=MACOS)) == expected


@pytest.mark.parametrize("name", ["libiomp5.dylib", "libgomp.1.dylib"])
def test_openmp_of_macos_that_torch_does_not_bring(name: str) -> None:
    own = mac(f".dylibs/{name}", module=False, soname=f"@rpath/{name}")
    used = mac(needed=(f"@rpath/{name}",), rpaths=("@loader_path/.dylibs",))
    assert rules(judged(used, own, tags=MACOS)) == ["L418"]


def test_openmp_of_windows() -> None:
    tags = ("cp310-abi3-win_amd64",)
    for name, expected in (
        ("libiomp5md.dll", []),  # Windows takes the one that was loaded under that name
        (f"libiomp5md-{'0a' * 16}.dll", ["L418"]),
        ("vcomp140.dll", []),
    ):
        own = library(f"mypkg.libs/{name}", module=False, **PE)
        assert rules(judged(library("_C.pyd", needed=(name,), **PE), own, tags=tags)) == expected


def test_libpython() -> None:
    name = "@loader_path/.dylibs/libpython3.11.dylib"
    own = mac(".dylibs/libpython3.11.dylib", module=False, soname="/DLC/libpython3.11.dylib")
    assert rules(judged(mac("_C.so", needed=(name,)), own, tags=MACOS)) == ["L419"]
    ops = mac("ops.dylib", module=False, torch="2.11.0", needed=(name,))
    found = judged(ops, own, tags=MACOS, requires=("torch>=2.11",))
    assert only(found, "L419").library == ".dylibs/libpython3.11.dylib"
    # a host that embeds Python is linked to it as well, and nothing imports the host
    host = mac("libhost.dylib", module=False, needed=(name,))
    assert rules(judged(mac("_C.so"), host, own, tags=MACOS)) == []


@pytest.mark.parametrize(
    "name",
    [
        *("libcuda.so.1", "libcuda-0a1b2c3d.so.550.54.14", "libnvidia-ml-0a1b2c3d.so.1"),
        *("libnvcuvid.so.1", "libnvidia-encode.so.1", "nvcuda.dll", "nvEncodeAPI64.dll"),
        *("libfabric-0a1b2c3d.so.1.18", "libibverbs.so.1", "librdmacm-0a1b2c3d.so.1.3"),
        *("libmlx5-79ef1d27.so.1.24.48.0", "libefa.so.1"),
    ],
)
def test_drivers(name: str) -> None:
    finding = only(judged(library(f"mypkg.libs/{name}", module=False)), "L416")
    assert "must come from the machine" in finding.message
    assert "Exclude" in finding.fix


def test_drivers_of_one_package_are_one_fact() -> None:
    names = ("libibverbs-0a1b2c3d.so.1", "libmlx5-0a1b2c3d.so.1")
    report = judged(*(library(f"mypkg.libs/{name}", module=False) for name in names))
    (fact,) = facts(report.findings)
    assert fact.message == "libibverbs.so.1 and libmlx5.so.1 must come from the machine"


@pytest.mark.parametrize(
    "name",
    [
        *("libcudart.so.12", "libcufile_rdma.so.1", "libOpenCL.so.1", "libamdhip64.so.6"),
        *("libnvshmem_transport_ibrc.so.3", "libfabricate.so", "nvml.cp311-win_amd64.pyd"),
        *("libnvidia.cpython-311-x86_64-linux-gnu.so", "libcuda_stub.so", "lib/stubs/libcuda.so"),
    ],
)
def test_what_is_no_driver(name: str) -> None:
    assert "L416" not in rules(judged(library(name, module=False)))


def test_no_advice_to_bundle_a_driver() -> None:
    linked = only(judged(library(needed=("libibverbs.so.1",))), "L404")
    assert "Do not bundle libibverbs.so.1" in linked.fix
    assert "auditwheel" not in linked.fix
    both = only(judged(library(needed=("libavutil.so.58", "librdmacm.so.1"))), "L404")
    assert both.fix.startswith("Bundle the missing library")
    assert "Do not bundle librdmacm.so.1" in both.fix
    assert "Do not" not in only(judged(library(needed=("libavutil.so.58",))), "L404").fix
