"""For every rule, an input on which it fires and a similar one on which it does not."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.support import reports
from tests.support.gpu_values import with_gpus
from tests.support.metadata_values import LINUX, library, mac, needs, package
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.declared import Declared
from torch_abi_audit.model.outcome import Entry, Key
from torch_abi_audit.model.verdicts import CPythonABIVerdict
from torch_abi_audit.rules.context import Context
from torch_abi_audit.rules.reported import IdleIgnore, Reported, Required, Upkeep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_abi_audit.model.reports import ExtensionReport

    Subject = Context | Reported | Upkeep

ABI3 = CPythonABIVerdict(intent=True, compliant=True, references=3, min_python="3.11")
BROKEN = CPythonABIVerdict(intent=True, violations=("_PyX",), references=1)
PRIVATE = CPythonABIVerdict(violations=("_PyX",), references=1)
NEWER = CPythonABIVerdict(references=1, exported_since="3.13", late_symbols=("PyLong_AsInt",))
LATER = CPythonABIVerdict(references=1, exported_since="3.10", late_symbols=("PyX",))
V310 = "_C.cpython-310-x86_64-linux-gnu.so"
V311 = "_C.cpython-311-x86_64-linux-gnu.so"
GENERIC = ("py3-none-manylinux_2_28_x86_64",)
MIXED = ("cp311-abi3-manylinux_2_28_x86_64", "cp310-cp310-manylinux_2_28_x86_64")
MUSL = ("cp310-abi3-musllinux_1_2_x86_64",)
MACOS = ("cp310-abi3-macosx_11_0_arm64",)
FREE_THREADED = ("cp315-abi3t-manylinux_2_34_x86_64",)
STABLE = library(torch="2.11.0")
UNSTABLE = library(unstable=True)
CUDA_12 = ("libcudart.so.12",)
ARM = ("cp310-abi3-manylinux_2_28_aarch64",)
ARM_CUDA_12 = library(torch="2.10.0", needed=CUDA_12, arch="aarch64")
GOMP = "libgomp-e985bcbb.so.1.0.0"
USES_2: Any = {
    "needed": ("libhelper.so.1",),
    "version_needs": needs("HELPER_2", library="libhelper.so.1"),
}
RPATH: Any = {"needed": ("@rpath/libhelper.dylib",)}
WINDOWS: Any = {"format": Format.PE, "arch": "x86_64"}


def helper(name: str = "libhelper.so.1", **linkage: Any) -> ExtensionReport:
    """A library that is no extension module."""
    return library(name, module=False, **linkage)


def renamed(name: str) -> ExtensionReport:
    """A library with another SONAME than its name, or the same."""
    return helper(name, soname="libhelper.so.1")


def cuda(name: str, release: int) -> ExtensionReport:
    return library(name, torch="2.10.0", needed=(f"libcudart.so.{release}",))


def mac_helper(soname: str) -> ExtensionReport:
    return mac("lib/libhelper.dylib", module=False, soname=soname)


def audited(
    *libraries: ExtensionReport,
    tags: tuple[str, ...] = LINUX,
    requires: tuple[str, ...] = (),
    python: str | None = None,
    loads_on: Mapping[str, str] | None = None,
    **declared: Any,
) -> Context:
    """A package with its metadata, as the detectors of an audit see it."""
    said = Declared("mypkg", tags, requires, python, **declared)
    return Context(package(*libraries), said, lambda _: loads_on)


def torch_names(**names: Any) -> Context:
    """A package with one library whose torch verdict has these names."""
    one = library("_C.so", torch="2.11.0")
    assert one.torch is not None
    return audited(replace(one, torch=replace(one.torch, **names)))


def torch_links(*needed: str) -> Context:
    """A package with one library that needs a name of ``libtorch_python.so``, and its links."""
    one = library("_C.so", unstable=True, needed=needed)
    assert one.torch is not None
    torch = replace(one.torch, required=(b"THPVariableClass",))
    return audited(replace(one, torch=torch, format=Format.ELF, arch="x86_64"))


def finished(*libraries: ExtensionReport, may_be_empty: bool = True, **required: Any) -> Reported:
    """A finished report and the configuration's requirements."""
    return Reported(reports.package(*libraries), Required(**required), may_be_empty=may_be_empty)


def module(cpython: CPythonABIVerdict, path: str = "_C.so") -> ExtensionReport:
    """An extension module that uses torch, for a finished report."""
    return reports.library(path, reports.stable(), cpython, module=True)


def on_gpus(*sets: str, requires: str = "torch==2.10.0", **library: Any) -> Context:
    """A package whose library uses torch and CUDA 12, with these kernel sets."""
    one = with_gpus(*sets, torch="2.10.0", needed=CUDA_12, **library)
    return audited(one, requires=(requires,))


IGNORE = "pyproject.toml:12: the ignore of T101 in lib/*"
FIXED = Entry(Key("pkg", "lib/_C", "T101"), ("at::empty()",))

FIXTURES: dict[str, tuple[Subject, Subject]] = {
    "T101": (
        finished(reports.library("_C.so", reports.unstable("c10::a()"))),
        finished(reports.library("_C.so", reports.stable())),
    ),
    "T102": (
        audited(library("mypkg.libs/libc10-e03523b3.so", module=False)),
        audited(library("mypkg.libs/libc10-e03523b3.so", module=False), is_torch=True),
    ),
    "T103": (torch_names(unresolvable_symbols=("torch::stable::a()",)), torch_names()),
    "T104": (torch_names(unknown_shim_symbols=("aoti_torch_new",)), torch_names()),
    "T105": (torch_names(unresolved_symbols=("other::op(at::Tensor)",)), torch_names()),
    "T106": (
        finished(reports.library("_C.so", reports.stable("2.11.0")), torch="2.10"),
        finished(reports.library("_C.so", reports.stable("2.11.0")), torch="2.11"),
    ),
    "T107": (torch_links("libtorch.so"), torch_links("libtorch.so", "libtorch_python.so")),
    "T108": (torch_names(exported_stable_symbols=("torch::stable::a()",)), torch_names()),
    "P201": (finished(module(BROKEN)), finished(module(ABI3))),
    "P202": (finished(module(PRIVATE)), finished(module(BROKEN))),
    "P203": (
        audited(library(python=ABI3)),
        audited(library(python=ABI3), tags=("cp311-abi3-manylinux_2_28_x86_64",)),
    ),
    "P204": (finished(module(ABI3), python="3.10"), finished(module(ABI3), python="3.11")),
    "P205": (
        audited(library("libhelper.so", module=False, python=PRIVATE)),
        audited(library("libhelper.so", module=False, python=PRIVATE), tags=MIXED),
    ),
    "P206": (
        audited(library(V311, python=NEWER), tags=("cp311-cp311-manylinux_2_28_x86_64",)),
        audited(library(V311, python=LATER), tags=("cp311-cp311-manylinux_2_28_x86_64",)),
    ),
    "M301": (audited(STABLE), audited(STABLE, requires=("torch",))),
    "M302": (
        audited(STABLE, requires=("torch>=2.10",)),
        audited(STABLE, requires=("torch>=2.11",)),
    ),
    "M303": (
        audited(UNSTABLE, requires=("torch>=2.12",)),
        audited(UNSTABLE, requires=("torch==2.12.*",)),
    ),
    "M304": (
        audited(STABLE, requires=("torch==2.11.0",)),
        audited(STABLE, requires=("torch>=2.11.0",)),
    ),
    "M305": (
        audited(UNSTABLE, requires=("torch<2.10",), loads_on={"2.8.0": "yes", "2.9.0": "no"}),
        audited(UNSTABLE, requires=("torch<2.9",), loads_on={"2.8.0": "yes", "2.9.0": "no"}),
    ),
    "M306": (
        audited(library(), python="newer than 3"),
        audited(library(), python=">3"),
    ),
    "M311": (
        audited(library(V311), tags=("cp310-cp310-manylinux_2_28_x86_64",)),
        audited(library(V311), tags=("cp311-cp311-manylinux_2_28_x86_64",)),
    ),
    "M312": (
        audited(library(V311), tags=GENERIC),
        audited(library("_C.abi3.so"), tags=GENERIC),
    ),
    "M313": (
        audited(library("_C.abi3.so"), tags=FREE_THREADED),
        audited(library("_C.abi3t.so"), tags=FREE_THREADED),
    ),
    "M314": (
        audited(library(python=ABI3), tags=GENERIC, python=">=3.10"),
        audited(library(python=ABI3), tags=GENERIC, python=">=3.11"),
    ),
    "M315": (
        audited(library(), tags=("cp311-cp311-linux_x86_64",), python=">=3.12"),
        audited(library(), tags=("cp311-cp311-linux_x86_64",), python=">=3.11"),
    ),
    "M316": (audited(library(arch="aarch64")), audited(library(arch="x86_64"))),
    "M317": (
        audited(library(), library("data/x.so", arch="aarch64", module=False)),
        audited(library("data/x.so", arch="aarch64", module=False)),
    ),
    "M318": (audited(library(V311, module=False)), audited(library(V311))),
    "M319": (
        audited(library(V310), library(V311), tags=("cp311-cp311-manylinux_2_28_x86_64",)),
        audited(library(V310), library(V311), tags=GENERIC),
    ),
    "L401": (
        audited(library(version_needs=needs("GLIBC_2.34"))),
        audited(library(version_needs=needs("GLIBC_2.28"))),
    ),
    "L402": (
        audited(library(version_needs=needs("GLIBCXX_3.4.25", library="libstdc++.so.6"))),
        audited(library(version_needs=needs("GLIBCXX_3.4.24", library="libstdc++.so.6"))),
    ),
    "L403": (
        audited(mac(min_os="12.0"), tags=MACOS),
        audited(mac(min_os="11.0"), tags=MACOS),
    ),
    "L404": (
        audited(library(needed=("libavutil.so.58",))),
        audited(library(needed=("libavutil.so.58",)), beside=("libavutil.so.58",)),
    ),
    "L405": (audited(library(rpaths=("/opt/lib",))), audited(library(rpaths=("$ORIGIN",)))),
    "L406": (
        audited(library(needed=("libpython3.11.so.1.0",), python=ABI3)),
        audited(library(V311, needed=("libpython3.11.so.1.0",))),
    ),
    "L407": (
        audited(library(V311, needed=("libpython3.11.so.1.0",))),
        audited(library(needed=("libpython3.11.so.1.0",), python=ABI3)),
    ),
    "L408": (
        audited(library(needed=("libc.so.6",)), tags=MUSL),
        audited(library(needed=("libc.so.6",))),
    ),
    "L409": (
        audited(library(version_needs=needs("GOMP_4.0", library="libgomp.so.1"))),
        audited(
            library(
                needed=("libgomp.so.1",), version_needs=needs("GOMP_4.0", library="libgomp.so.1")
            )
        ),
    ),
    "L410": (
        audited(library(needed=("libhelper.so.1",)), renamed("libhelper-0a1b2c3d.so.1")),
        audited(library(needed=("libhelper.so.1",)), renamed("libhelper-2.so")),
    ),
    "L411": (
        audited(library(executable_stack=True)),
        audited(library(executable_stack=False)),
    ),
    "L412": (
        audited(mac(**RPATH), mac_helper("/DLC/libhelper.dylib"), tags=MACOS),
        audited(
            mac(**RPATH, rpaths=("@loader_path/lib",)),
            mac_helper("/DLC/libhelper.dylib"),
            tags=MACOS,
        ),
    ),
    "L413": (
        audited(library(**USES_2), helper(version_definitions=("HELPER_1",))),
        audited(library(**USES_2), helper(version_definitions=("HELPER_1", "HELPER_2"))),
    ),
    "L414": (
        audited(library("_C.pyd", delay_needed=("avutil-58.dll",), **WINDOWS)),
        audited(library("_C.pyd", delay_needed=("SHELL32.dll",), **WINDOWS)),
    ),
    "L415": (
        audited(library(torch="2.11.0", needed=(GOMP,)), helper(f"x.libs/{GOMP}")),
        audited(library(needed=(GOMP,)), helper(f"x.libs/{GOMP}")),
    ),
    "L416": (
        audited(library(), helper("x.libs/libibverbs-5f4a3c21.so.1.14")),
        audited(library(), helper("x.libs/libibvisual-5f4a3c21.so.1.14")),
    ),
    "L417": (
        audited(library(needed=("libfoo.so.1",)), requires=("foo",)),
        audited(library(needed=("libfoo.so.1",)), requires=("bar",)),
    ),
    "L418": (
        audited(library(needed=(GOMP,)), helper(f"x.libs/{GOMP}")),
        audited(library(torch="2.11.0", needed=(GOMP,)), helper(f"x.libs/{GOMP}")),
    ),
    "L419": (
        audited(library(needed=("libpython3.11.so.1.0",)), helper("libpython3.11.so.1.0")),
        audited(library(), helper("libpython3.11.so.1.0")),
    ),
    "L420": (
        audited(library(needed=("libhelper.so.1",)), renamed("libhelper-2.so")),
        audited(library(needed=("libhelper.so.1",)), renamed("libhelper.so.1")),
    ),
    "L421": (
        audited(mac(**RPATH), mac_helper("@rpath/libhelper.dylib"), tags=MACOS),
        audited(mac(**RPATH), mac_helper("/DLC/libhelper.dylib"), tags=MACOS),
    ),
    "L422": (
        audited(library(), helper("plugins/libsqlpq.so", needed=("libpq.so.5",))),
        audited(library(needed=("libsqlpq.so",)), helper("libsqlpq.so", needed=("libpq.so.5",))),
    ),
    "L423": (
        audited(library(needed=("libEGL.so.1",))),
        audited(library(needed=("libavutil.so.58",))),
    ),
    "L424": (
        audited(library(rpaths=("/usr/local/cuda/lib64",))),
        audited(library(rpaths=("/usr/local/lib",))),
    ),
    "C501": (
        audited(library(torch="2.10.0", needed=CUDA_12), requires=("torch>=2.10",)),
        audited(library(torch="2.10.0", needed=CUDA_12), requires=("torch==2.10.0",)),
    ),
    "C502": (
        audited(library(needed=CUDA_12)),
        audited(library(needed=CUDA_12), requires=("nvidia-cuda-runtime-cu12",)),
    ),
    "C503": (
        audited(library(needed=(*CUDA_12, "libcublas.so.13"))),
        audited(library(needed=(*CUDA_12, "libcublas.so.12"))),
    ),
    "C504": (
        audited(library(needed=CUDA_12), requires=("nvidia-cuda-runtime-cu12", "torch>=2.11")),
        audited(library(needed=CUDA_12), requires=("nvidia-cuda-runtime-cu12", "torch==2.10.0")),
    ),
    "C505": (
        audited(ARM_CUDA_12, tags=ARM, requires=("torch==2.10.0",)),
        audited(
            library(torch="2.11.0", needed=("libcudart.so.13",), arch="aarch64"),
            tags=ARM,
            requires=("torch>=2.11",),
        ),
    ),
    "C506": (
        audited(cuda("_C.so", 12), cuda("_D.so", 13), requires=("torch>=2.10",)),
        audited(cuda("_C_cu12.so", 12), cuda("_C_cu13.so", 13), requires=("torch>=2.10",)),
    ),
    "G601": (
        finished(with_gpus("sm_80"), gpus=("9.0",)),
        finished(with_gpus("sm_80"), gpus=("8.9",)),
    ),
    "G602": (
        finished(with_gpus("9x sm_75 sm_80 sm_90", "sm_75 sm_80"), gpus=("H100",)),
        finished(with_gpus("9x sm_80 sm_90", "sm_90a"), gpus=("A100",)),
    ),
    "G603": (
        finished(with_gpus("sm_80 compute_80"), gpus=("9.0",)),
        finished(with_gpus("sm_80 compute_80"), gpus=("8.6",)),
    ),
    "G604": (on_gpus("sm_80", problem="cut short"), on_gpus("sm_80")),
    "G605": (on_gpus("sm_90a compute_90a"), on_gpus("sm_90a compute_90a compute_90")),
    "G606": (
        audited(with_gpus("sm_80 sm_90"), with_gpus("sm_80", name="_D.abi3.so")),
        audited(with_gpus("sm_80 sm_90"), with_gpus("sm_80", name="_D_sm80.abi3.so")),
    ),
    "G607": (
        on_gpus("sm_70 sm_75 sm_80 sm_90"),
        on_gpus("sm_70 sm_75 sm_80 sm_90 sm_100 sm_120"),
    ),
    "G608": (
        on_gpus("sm_70 sm_75 sm_80 sm_90 compute_90"),
        on_gpus("sm_70 sm_75 sm_80 sm_90 sm_100 sm_120 compute_90"),
    ),
    "G609": (
        on_gpus("sm_35 sm_37"),
        on_gpus("sm_35 sm_37 compute_37"),
    ),
    "E001": (
        finished(reports.library("_C.so", error="cut short")),
        finished(reports.library("_C.so")),
    ),
    "N001": (finished(may_be_empty=False), finished(may_be_empty=True)),
    "I001": (Upkeep((IdleIgnore(IGNORE, dt.date(2026, 1, 14)),)), Upkeep((IdleIgnore(IGNORE),))),
    "I002": (Upkeep((IdleIgnore(IGNORE),)), Upkeep()),
    "I003": (Upkeep(baseline="b.json", fixed=(FIXED,)), Upkeep(baseline="b.json")),
}
"""Rule id to an input on which the rule fires, and one on which it does not."""
