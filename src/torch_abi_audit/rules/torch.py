"""T101 to T108: what a library needs of libtorch."""

from __future__ import annotations

from torch_abi_audit.judges import TORCH
from torch_abi_audit.knowledge import torch_shims
from torch_abi_audit.knowledge.names.torch import is_libtorch, is_vendored_copy, link_option
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.report.wording import outside_symbols, plural, some
from torch_abi_audit.rules.definition import Rule, not_lent

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
    "libtorch makes no promise about its C++ symbols from one release to the next. The library "
    "loads only on releases that export every one of them; on others the import fails with "
    "`undefined symbol`, or the library runs against a class layout that has changed.",
    "Move the calls to `torch/csrc/stable` and `torch/headeronly` and set `TORCH_TARGET_VERSION`, "
    "or publish one build per torch release and pin torch.",
    Severity.ERROR,
    itemized=True,
    example="lib/_C.so: 2 unstable symbols outside of the LibTorch Stable ABI: at::empty(...) and "
    "1 more",
    check=TORCH.check,
    row=True,
)


def unstable_symbols(reported: Reported) -> Iterator[Finding]:
    """The libtorch symbols outside of the stable ABI, as one finding per library.

    The message gives the count that the library's row in the table gives; for a universal file,
    that is the count of the worst slice. The evidence is what any slice imports. Two symbols with
    the same demangled name count as two.
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
    """The names outside of the stable ABI.

    Each is repeated as often as in the slice that has it most often.
    """
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
    "The package bundles its own copy of a libtorch library",
    "Two copies of libtorch in one process have two operator registries, two allocators and two "
    "sets of type identities: operators go missing, or one copy frees memory that the other "
    "allocated.",
    "Exclude libtorch from the wheel repair, so that the torch distribution provides it: "
    "`torch-abi-audit repair` prints the command.",
    Severity.ERROR,
    example="mypkg.libs/libc10-e03523b3.so: libc10-e03523b3.so is a second copy of libtorch in "
    "the process",
)


def second_libtorch(context: Context) -> Iterator[Finding]:
    """A libtorch library, or a renamed copy of one, in a distribution that is not torch."""
    if context.declared.is_torch:
        return
    for path, library in context.libraries:
        name = library.name
        is_copy = is_libtorch(name) or is_vendored_copy(name)
        if library.torch is not None and is_copy:
            yield T102.finding(f"{name} is a second copy of libtorch in the process", library=path)


T103 = Rule(
    "T103",
    "unresolvable-stable-symbol",
    "A header-only symbol of torch::stable or torch::headeronly is undefined",
    "libtorch exports nothing from these namespaces: the compiler inlines them from headers. No "
    "release can provide the symbol, so loading fails, at the latest when the symbol is first "
    "called.",
    "Include the header that defines the symbol in the file that uses it.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: no torch release exports torch::stable::Device::Device(char const*)",
)


def unresolvable_symbols(context: Context) -> Iterator[Finding]:
    """Undefined symbols of the header-only namespaces."""
    for path, library in context.libraries:
        symbols = library.torch.unresolvable_symbols if library.torch is not None else ()
        symbols = not_lent(symbols, library)
        if symbols:
            yield T103.finding(
                f"no torch release exports {some(symbols)}",
                library=path,
                evidence=symbols,
            )


T104 = Rule(
    "T104",
    "unknown-shim",
    "A library uses a C shim that no known torch release declares",
    "The shim is most likely newer than this program's table of shims, so the torch floor shown "
    "is only a lower bound.",
    "Update torch-abi-audit, or look for a misspelt or private shim.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: no torch release up to 2.15.0 declares aoti_torch_frobnicate",
)


def unknown_shims(context: Context) -> Iterator[Finding]:
    """Symbols named like a C shim that are not in the table of shims."""
    for path, library in context.libraries:
        symbols = library.torch.unknown_shim_symbols if library.torch is not None else ()
        symbols = not_lent(symbols, library)
        if symbols:
            yield T104.finding(
                f"no torch release up to {torch_shims.newest_shim_release()} declares "
                f"{some(symbols)}",
                library=path,
                evidence=symbols,
            )


T105 = Rule(
    "T105",
    "unresolved-torch-types",
    "A symbol over torch types is exported by neither libtorch, this package nor a requirement",
    "Some other library must export the symbol, and it must be built against the same unstable "
    "torch headers.",
    "Ship the library that exports the symbol in the same distribution, or document where it "
    "comes from.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: neither libtorch nor this package exports other::op(at::Tensor const&)",
)


def unresolved_symbols(context: Context) -> Iterator[Finding]:
    """Symbols over torch types that nothing in the package, libtorch and the requirements exports.

    Of the requirements, those libraries count that the importing library is linked to.
    """
    for path, library in context.libraries:
        symbols = library.torch.unresolved_symbols if library.torch is not None else ()
        symbols = not_lent(symbols, library)
        if symbols:
            linked = {(name, each.format) for each in library.linkage for name in each.needed}
            holders = filter(None, (context.lending.holder(*one) for one in linked))
            titles = sorted({one.title for one in holders})
            read = (
                f"; nor does the required {' or '.join(titles)}, which was read" if titles else ""
            )
            yield T105.finding(
                f"neither libtorch nor this package exports {some(symbols)}{read}",
                library=path,
                evidence=symbols,
            )


T106 = Rule(
    "T106",
    "torch-floor-above-required",
    "A library needs a newer torch than the configuration allows",
    "`require.torch` names the oldest torch release that the package is meant to support; on that "
    "release this library fails with an undefined symbol.",
    "Build with `TORCH_TARGET_VERSION` set to the required release, or raise `require.torch`.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: needs torch 2.11.0, but the configuration allows at most 2.10",
    check=TORCH.check,
)


def torch_floor(reported: Reported) -> Iterator[Finding]:
    """The torch floor of a stable library, or of its first slice that needs too new a torch."""
    allowed = reported.required.torch
    if allowed is None:
        return
    for path, library in reported.libraries:
        for verdict in _verdicts(library):
            floor = verdict.min_torch_version
            if floor is not None and release_key(floor) > release_key(allowed):
                yield T106.finding(
                    f"needs torch {floor}, but the configuration allows at most {allowed}",
                    library=path,
                    evidence=verdict.version_defining_symbols,
                )
                break


T107 = Rule(
    "T107",
    "torch-not-linked",
    "A library imports names from a library of torch that nothing it links brings in",
    "`import torch` opens torch's libraries with `RTLD_LOCAL`, so their names are found only by "
    "libraries that are linked to them, directly or through others. The library is refused with "
    "`undefined symbol`, before and after `import torch`.",
    "Link the libraries that export the names, as `torch.utils.cpp_extension` does: `-lc10 "
    "-ltorch -ltorch_cpu -ltorch_python`.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: imports THPVariableClass, which libtorch_python.so exports, but nothing that "
    "it is linked to brings that in: link it with -ltorch_python",
)


def not_linked(context: Context) -> Iterator[Finding]:
    """Names of libraries of torch that an ELF library finds through none of its links."""
    if context.declared.is_torch:
        return
    if not any(_is_elf_with_torch(one) for one in context.package.libraries):
        return
    from torch_abi_audit.judges.unlinked import unlinked

    paths = {id(library): path for path, library in context.libraries}
    for one in unlinked(context.package.libraries):
        options = " ".join(map(link_option, one.exporters))
        verb, those = ("export", "them") if len(one.exporters) > 1 else ("exports", "that")
        yield T107.finding(
            f"imports {some(one.symbols)}, which {some(one.exporters)} {verb}, but nothing that it "
            f"is linked to brings {those} in: link it with {options}",
            library=paths[id(one.library)],
            evidence=one.symbols,
        )


def _is_elf_with_torch(library: ExtensionReport) -> bool:
    return (
        library.format is Format.ELF and library.torch is not None and bool(library.torch.required)
    )


T108 = Rule(
    "T108",
    "exported-stable-names",
    "A library exports code of torch::stable or torch::headeronly",
    "The compiler inlines these namespaces from headers. Where a library shows its copies and is "
    "in one scope with another that does (they are linked to each other, or loaded globally; on "
    "macOS always), the loader makes one copy serve both, though it may be built with the headers "
    "of another torch release.",
    "Compile with `-fvisibility=hidden -fvisibility-inlines-hidden`. The headers of torch 2.9 hide "
    "nothing themselves; later ones hide all but a few classes, such as `TensorAccessor`.",
    Severity.NOTE,
    example="_C.abi3.so: exports 14 names of torch::stable and torch::headeronly: "
    "torch::stable::Tensor::~Tensor() and 13 more",
)


def exported_stable_names(context: Context) -> Iterator[Finding]:
    """Visible copies of code in the header-only namespaces; of a universal file, in any slice."""
    for path, library in context.libraries:
        names = dict.fromkeys(
            name for one in _verdicts(library) for name in one.exported_stable_symbols
        )
        if names:
            count = plural(len(names), "name")
            yield T108.finding(
                f"exports {count} of torch::stable and torch::headeronly: {some(tuple(names))}",
                library=path,
                evidence=names,
            )


def _verdicts(library: ExtensionReport) -> tuple[TorchABIVerdict, ...]:
    """The verdict on each slice, else on the library; empty where the library was not read."""
    if library.torch is None or library.error is not None:
        return ()
    return tuple(one.torch for one in library.slices) or (library.torch,)


DETECTORS: Detectors = {
    second_libtorch: (T102,),
    unresolvable_symbols: (T103,),
    unknown_shims: (T104,),
    unresolved_symbols: (T105,),
    not_linked: (T107,),
    exported_stable_names: (T108,),
}
REPORT_DETECTORS: ReportDetectors = {unstable_symbols: (T101,), torch_floor: (T106,)}
