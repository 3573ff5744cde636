"""T: what a library asks of libtorch."""

from __future__ import annotations

from torch_abi_audit.judges import TORCH
from torch_abi_audit.knowledge import torch_shims
from torch_abi_audit.knowledge.names.torch import is_libtorch, is_vendored_copy
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.report.wording import outside_symbols, some
from torch_abi_audit.rules.definition import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.model.verdicts import TorchABIVerdict
    from torch_abi_audit.rules import Detectors, ReportDetectors
    from torch_abi_audit.rules.context import Context
    from torch_abi_audit.rules.reported import Reported


T101 = Rule(
    "T101",
    "unstable-torch-symbols",
    "A library imports libtorch symbols outside of the LibTorch Stable ABI",
    "libtorch promises nothing about its C++ symbols from one release to the next: the "
    "library loads on the releases that happen to export every one of them, and on others it "
    "ends with `undefined symbol`, or runs on a layout that has changed.",
    "Move the calls to `torch/csrc/stable` and `torch/headeronly`, with `TORCH_TARGET_VERSION` "
    "set, or publish one build per torch release and pin it.",
    Severity.ERROR,
    itemized=True,
    example="lib/_C.so: 2 symbols outside of the LibTorch Stable ABI: at::empty(...) …",
    check=TORCH.check,
    row=True,
)


def unstable_symbols(reported: Reported) -> Iterator[Finding]:
    """What it imports from outside of the stable ABI, as one finding a library.

    The message counts as the library's row does, which in a universal file is that of the worst
    slice; the evidence is what any slice imports. Two symbols may read alike and count as two.
    """
    for path, library in reported.libraries:
        symbols = _of_any_slice(library)
        if library.torch is not None and symbols:
            unstable = len(library.torch.unstable_symbols)
            internal = len(library.torch.internal_symbols)
            yield T101.finding(
                f"{outside_symbols(unstable, internal)} outside of the LibTorch Stable ABI: "
                f"{some(symbols[: unstable + internal])}",
                library=path,
                evidence=symbols,
            )


def _of_any_slice(library: ExtensionReport) -> tuple[str, ...]:
    """The names outside of the stable ABI, each as often as the slice that has it most often."""
    most: dict[str, int] = {}
    for one in _verdicts(library):
        here: dict[str, int] = {}
        for name in one.unstable_symbols + one.internal_symbols:
            here[name] = here.get(name, 0) + 1
        for name, count in here.items():
            most[name] = max(most.get(name, 0), count)
    return tuple(name for name, count in most.items() for _ in range(count))


T102 = Rule(
    "T102",
    "second-libtorch",
    "The package brings its own copy of a libtorch library",
    "Two copies of libtorch in one process have two operator registries, two allocators and "
    "two sets of type identities: operators go missing, or memory is freed by the wrong one.",
    "Exclude libtorch from the wheel repair (auditwheel repair --exclude 'libtorch*' "
    "--exclude 'libc10*') and let the torch distribution provide it.",
    Severity.ERROR,
    example="mypkg.libs/libc10-e03523b3.so: libc10-e03523b3.so is a second libtorch in the process",
)


def second_libtorch(context: Context) -> Iterator[Finding]:
    """A library of libtorch's, or a renamed copy, in a distribution that is not torch."""
    if context.declared.is_torch:
        return
    for path, library in context.libraries:
        name = library.name
        is_copy = is_libtorch(name) or is_vendored_copy(name)
        if library.torch is not None and is_copy:
            yield T102.finding(f"{name} is a second libtorch in the process", library=path)


T103 = Rule(
    "T103",
    "unresolvable-stable-symbol",
    "A header-only symbol of torch::stable or torch::headeronly is undefined",
    "libtorch exports nothing from these namespaces: they are inlined from headers, so no "
    "release can provide the symbol and loading fails, at the latest when it is called.",
    "Compile the definition in: include the header that defines it in the file that uses it.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: torch::stable::Device::Device(char const*) can be resolved by no torch release",
)


def unresolvable_symbols(context: Context) -> Iterator[Finding]:
    """Undefined names of the header-only namespaces."""
    for path, library in context.libraries:
        symbols = library.torch.unresolvable_symbols if library.torch is not None else ()
        if symbols:
            yield T103.finding(
                f"{some(symbols)} can be resolved by no torch release",
                library=path,
                evidence=symbols,
            )


T104 = Rule(
    "T104",
    "unknown-shim",
    "A C shim is used that no known torch release declares",
    "It is most likely newer than the table of this program, so the torch floor shown is a "
    "lower bound only.",
    "Update torch-abi-audit, or look for a misspelt or private shim.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: aoti_torch_frobnicate is declared by no torch release up to 2.15.0",
)


def unknown_shims(context: Context) -> Iterator[Finding]:
    """Names of the C shim's form that the table of shims does not hold."""
    for path, library in context.libraries:
        symbols = library.torch.unknown_shim_symbols if library.torch is not None else ()
        if symbols:
            yield T104.finding(
                f"{some(symbols)} is declared by no torch release up to "
                f"{torch_shims.newest_shim_release()}",
                library=path,
                evidence=symbols,
            )


T105 = Rule(
    "T105",
    "unresolved-torch-types",
    "A symbol that speaks of torch types is provided by nobody in sight",
    "Neither libtorch nor another library of the distribution exports it, so it must come from "
    "a third party that was built against the same unstable torch headers.",
    "Name the library that provides it, or ship that library in the same distribution.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: other::op(at::Tensor const&) has no provider in sight",
)


def unresolved_symbols(context: Context) -> Iterator[Finding]:
    """Names with torch types that are not libtorch's, and that no sibling exports."""
    for path, library in context.libraries:
        symbols = library.torch.unresolved_symbols if library.torch is not None else ()
        if symbols:
            yield T105.finding(
                f"{some(symbols)} has no provider in sight", library=path, evidence=symbols
            )


T106 = Rule(
    "T106",
    "torch-floor-above-required",
    "The binary needs a newer torch than the configuration allows",
    "`require.torch` says which torch releases the package is meant to support; on the oldest "
    "of them this library ends with an undefined symbol.",
    "Build with `TORCH_TARGET_VERSION` set to the required release, or raise `require.torch`.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: it needs torch 2.11.0, and the configuration allows 2.10 at most",
    check=TORCH.check,
)


def torch_floor(reported: Reported) -> Iterator[Finding]:
    """The torch floor of a stable library, or of its first slice that is too new."""
    allowed = reported.required.torch
    if allowed is None:
        return
    for path, library in reported.libraries:
        for verdict in _verdicts(library):
            floor = verdict.min_torch_version
            if floor is not None and release_key(floor) > release_key(allowed):
                yield T106.finding(
                    f"it needs torch {floor}, and the configuration allows {allowed} at most",
                    library=path,
                    evidence=verdict.version_defining_symbols,
                )
                break


def _verdicts(library: ExtensionReport) -> tuple[TorchABIVerdict, ...]:
    """The verdict on each slice, else on the library; none where it could not be read."""
    if library.torch is None or library.error is not None:
        return ()
    return tuple(one.torch for one in library.slices) or (library.torch,)


DETECTORS: Detectors = {
    second_libtorch: (T102,),
    unresolvable_symbols: (T103,),
    unknown_shims: (T104,),
    unresolved_symbols: (T105,),
}
REPORT_DETECTORS: ReportDetectors = {unstable_symbols: (T101,), torch_floor: (T106,)}
