"""Reports and metadata for tests of the rules that compare the two; other fields are defaults."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from torch_abi_audit.audit import findings
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.declared import Declared
from torch_abi_audit.model.reports import ExtensionReport, Linkage, PackageReport
from torch_abi_audit.model.verdicts import CPythonABIVerdict, TorchABIVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_abi_audit.model.findings import Finding

ROOT = PurePosixPath("/x/mypkg")
LINUX = ("cp310-abi3-manylinux_2_28_x86_64",)


def library(
    name: str = "_C.abi3.so",
    *,
    torch: str | None = None,
    unstable: bool = False,
    python: CPythonABIVerdict | None = None,
    module: bool = True,
    variant: str | None = None,
    images: tuple[Linkage, ...] = (),
    unknown: tuple[str, ...] = (),
    **linkage: Any,
) -> ExtensionReport:
    """A library; ``torch`` is the floor of a stable one, ``linkage`` the fields of its image."""
    said = {"format": Format.ELF, "arch": "x86_64", **linkage}
    return ExtensionReport(
        ROOT / name,
        python or CPythonABIVerdict(),
        TorchABIVerdict(
            uses_torch=unstable or torch is not None,
            stable=torch is not None and not unstable,
            min_torch_version=torch,
            unknown_shim_symbols=unknown,
        ),
        entry_points=("PyInit__C",) if module else (),
        variant=variant,
        linkage=images or (Linkage(**said),),
    )


def needs(*versions: str, library: str = "libc.so.6") -> tuple[tuple[str, str], ...]:
    return tuple((library, version) for version in versions)


def mac(name: str = "_C.abi3.so", **image: Any) -> ExtensionReport:
    return library(name, **{"format": Format.MACHO, "arch": "arm64", **image})


def package(*libraries: ExtensionReport) -> PackageReport:
    return PackageReport(
        "mypkg",
        ROOT,
        tuple(one for one in libraries if one.entry_points),
        tuple(one for one in libraries if not one.entry_points),
    )


def judged(
    *libraries: ExtensionReport,
    tags: tuple[str, ...] = LINUX,
    requires: tuple[str, ...] = (),
    python: str | None = None,
    loads_on: Mapping[str, str] | None = None,
    **declared: Any,
) -> PackageReport:
    said = Declared("mypkg", tags, requires, python, **declared)
    return findings.judged(package(*libraries), said, lambda _: loads_on)


def rules(report: PackageReport) -> list[str]:
    return [one.rule for one in report.findings]


def only(report: PackageReport, rule: str) -> Finding:
    (found,) = (one for one in report.findings if one.rule == rule)
    return found
