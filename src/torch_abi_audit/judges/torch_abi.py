"""Judges a library's use of torch, from its imports and what its siblings provide. No I/O."""

from __future__ import annotations

from torch_abi_audit.judges.interface import Case, Comparison, Display, Judge, Listing, Names
from torch_abi_audit.judges.torch_names import USES, Kind, classify, is_header_only, links
from torch_abi_audit.knowledge import torch_namespaces, torch_shims
from torch_abi_audit.mangling import demangle, owner
from torch_abi_audit.mangling import prepare as prepare_mangling
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.verdicts import TorchABIVerdict, TorchLabel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from torch_abi_audit.judges.interface import Fact
    from torch_abi_audit.model.binary import Binary
    from torch_abi_audit.model.reports import PackageReport

_WHOLE = frozenset({"libtorch.so", "libtorch_python.so"})
"""Libraries that bring in all of torch, or all but its Python binding."""


def judge(
    binary: Binary,
    kinds: Mapping[bytes, Kind],
    resolved: AbstractSet[bytes],
    exported: Callable[[bytes], bool] = lambda _: False,
    *,
    names: Names = Names.ALL,
    apart: AbstractSet[bytes] = frozenset(),
    shown: AbstractSet[bytes] = frozenset(),
) -> TorchABIVerdict:
    """Return the verdict on one library.

    Args:
        binary: The library.
        kinds: The result of ``classify`` for its strong and weak imports.
        resolved: Imports that another library of the same distribution provides.
        exported: Whether a known torch release exports a name; called only for names whose
            namespace does not decide the kind.
        names: The names provided by libtorch that the verdict must contain.
        apart: Those of ``resolved`` that must come from libtorch all the same; see ``Case``.
        shown: Exports of the library that may be in a header-only namespace.
    """
    weak = frozenset(binary.weak_imports)
    unstable = Kind.UNSTABLE
    rest = {name for name, kind in kinds.items() if kind is not unstable}
    rest |= kinds.keys() & weak
    rest |= kinds.keys() & resolved
    groups: dict[Kind, list[bytes]] = {kind: [] for kind in Kind}
    # most names are unstable and need no further check
    groups[unstable] = [*(kinds.keys() - rest)]
    optional: list[bytes] = []
    evidence: list[bytes] = []
    for name in rest:
        if name in resolved:
            if kinds[name] in (Kind.FOREIGN, unstable) and name not in weak:
                evidence.append(name)
            continue
        kind = _settled(name, kinds[name], exported)
        if name not in weak:
            groups[kind].append(name)
        elif kind in USES:
            optional.append(name)
    shims, unknown = sorted(groups[Kind.SHIM]), sorted(groups[Kind.UNKNOWN_SHIM])
    own = [*groups[Kind.UNSTABLE], *groups[Kind.INTERNAL]]
    stable = bool(shims or unknown) and not own
    floor, setters = _floor(shims) if stable else (None, ())
    required = [*shims, *unknown, *own, *groups[Kind.HEADER_ONLY]]
    required += [name for name in apart - weak if kinds.get(name) in USES]
    whole = names is Names.ALL
    if whole:
        required.sort()
    elif names is Names.COUNTED and not _may_lack_links(binary):
        required.clear()

    def listed(group: list[bytes]) -> tuple[str, ...]:
        return tuple(demangle(sorted(group))) if whole else ("",) * len(group)

    return TorchABIVerdict(
        uses_torch=bool(shims or unknown or own),
        stable=stable,
        unstable_symbols=listed(groups[unstable]),
        stable_shim_count=len(shims),
        min_torch_version=floor,
        version_defining_symbols=setters,
        unknown_shim_symbols=tuple(demangle(unknown)),
        internal_symbols=listed(groups[Kind.INTERNAL]),
        weak_symbols=listed(optional),
        unresolved_symbols=tuple(demangle(sorted(groups[Kind.FOREIGN]))),
        unresolvable_symbols=tuple(demangle(sorted(groups[Kind.HEADER_ONLY]))),
        header_evidence=listed(evidence),
        exported_stable_symbols=tuple(demangle(sorted(filter(is_header_only, shown)))),
        links=links(binary),
        required=tuple(required),
        required_from=tuple(file_name(binary.providers.get(name, "")) for name in required)
        if binary.providers
        else (),
    )


def _may_lack_links(binary: Binary) -> bool:
    """Whether the few libraries that bring all of torch in are missing from an ELF library."""
    return binary.format is Format.ELF and _WHOLE.isdisjoint(binary.needed)


def _settled(name: bytes, kind: Kind, exported: Callable[[bytes], bool]) -> Kind:
    """Return the final kind of a name that no sibling provides."""
    if kind is Kind.FOREIGN and (_is_lent(name) or exported(name)):
        return Kind.UNSTABLE
    if kind is Kind.BORROWED and exported(name):
        return Kind.INTERNAL
    return kind


def _is_lent(name: bytes) -> bool:
    declared = owner(name)
    return bool(declared) and declared[0] in torch_namespaces.LENDERS


def _floor(shims: list[bytes]) -> tuple[str | None, tuple[str, ...]]:
    """Return the first release that has all ``shims``, and the shims that set it."""
    releases = {name: torch_shims.shim_first_release(name) for name in shims}
    floor = max({torch_shims.STABLE_ABI_BEGINS, *releases.values()}, key=release_key)
    return floor, tuple(name.decode() for name, first in releases.items() if first == floor)


def _sought(references: Collection[bytes], in_torch: bool) -> Collection[bytes]:  # noqa: FBT001
    """Return the names that a sibling may provide.

    In the torch distribution these exclude libtorch's own names, which torch's libraries import
    from each other: they do not count as siblings.
    """
    if not in_torch:
        return references
    kinds: Mapping[bytes, Kind] = references  # type: ignore[assignment]
    return [name for name, kind in kinds.items() if kind not in USES]


def _judge(case: Case) -> TorchABIVerdict:
    kinds: Mapping[bytes, Kind] = case.references  # type: ignore[assignment]
    exported = _exported_by_torch(case.binary)
    return judge(
        case.binary,
        kinds,
        case.resolved,
        exported,
        names=case.names,
        apart=case.apart,
        shown=case.shown,
    )


def _shown(binary: Binary, references: Collection[bytes]) -> tuple[bytes, ...]:
    """Return parts of the names in header-only namespaces, if the image uses the stable ABI.

    On Windows a library shows only what it is told to export, and shares nothing of it.
    """
    kinds: Mapping[bytes, Kind] = references  # type: ignore[assignment]
    uses = binary.format is not Format.PE and Kind.SHIM in kinds.values()
    return torch_namespaces.MANGLED_HEADER_ONLY if uses else ()


def _exported_by_torch(binary: Binary) -> Callable[[bytes], bool]:
    """Return a function that checks in the export index whether some release exports a name."""

    def exported(name: bytes) -> bool:
        from torch_abi_audit.knowledge import export_index  # slow to open, and rarely needed

        platform = export_index.platform_of(binary.format, binary.arch)
        return platform is not None and export_index.exported(platform, name)

    return exported


def _prepare() -> None:
    prepare_mangling()
    torch_shims.shim_names()


def _counts(torch: TorchABIVerdict) -> str:
    if not torch.uses_torch:
        return ""
    return f"(stable_shim={torch.stable_shim_count}, unstable={len(torch.unstable_symbols)})"


def _remarks(torch: TorchABIVerdict) -> Iterator[str]:
    if torch.min_torch_version is not None:
        sign = ">=" if torch.unknown_shim_symbols else "="
        yield f"min-torch{sign}{torch.min_torch_version}"
    if torch.unknown_shim_symbols:
        yield f"unknown_shim={len(torch.unknown_shim_symbols)}"
    if torch.internal_symbols:
        yield f"internal={len(torch.internal_symbols)}"
    if torch.unresolved_symbols:
        yield f"unresolved={len(torch.unresolved_symbols)}"
    if torch.links and not torch.uses_torch:
        yield f"links={','.join(torch.links)}"


def _listings(torch: TorchABIVerdict) -> Iterator[Listing]:
    yield Listing("torch unstable", torch.unstable_symbols)
    yield Listing("torch internal", torch.internal_symbols)
    yield Listing("torch unresolved", torch.unresolved_symbols)
    yield Listing("torch unresolvable", torch.unresolvable_symbols)
    yield Listing("torch shim not in the table", torch.unknown_shim_symbols)
    yield Listing("torch weak", torch.weak_symbols)
    if torch.min_torch_version is not None:
        title = f"torch floor {torch.min_torch_version} set by"
        yield Listing(title, torch.version_defining_symbols)


def _facts(torch: TorchABIVerdict) -> dict[str, Fact]:
    return {
        "uses_torch": torch.uses_torch,
        "stable": torch.stable,
        "unstable_symbols": torch.unstable_symbols,
        "stable_shim_count": torch.stable_shim_count,
        "min_torch_version": torch.min_torch_version,
        "version_defining_symbols": torch.version_defining_symbols,
        "unknown_shim_symbols": torch.unknown_shim_symbols,
        "internal_symbols": torch.internal_symbols,
        "weak_symbols": torch.weak_symbols,
        "unresolved_symbols": torch.unresolved_symbols,
        "unresolvable_symbols": torch.unresolvable_symbols,
        "header_evidence": torch.header_evidence,
        "exported_stable_symbols": torch.exported_stable_symbols,
        "links": torch.links,
        "required_symbols": tuple(one.decode(errors="backslashreplace") for one in torch.required),
        "required_from": torch.required_from,
    }


def _shown_floor(report: PackageReport) -> str | None:
    """Return the floor, after ``>=`` if it is a lower bound."""
    floor = report.min_torch_version
    return f">={floor}" if floor is not None and report.has_unknown_shims else floor


def _symbols(torch: TorchABIVerdict) -> Iterator[tuple[str, Iterable[str]]]:
    yield "unstable", torch.unstable_symbols
    yield "internal", torch.internal_symbols
    no_shims = {*torch.internal_symbols, *torch.unstable_symbols, *torch.unknown_shim_symbols}
    plain = [name.decode() for name in torch.required if name[:2] != b"_Z" and name[:1] != b"?"]
    yield "shim", [name for name in plain if name not in no_shims]
    yield "unknown shim", torch.unknown_shim_symbols
    yield "unresolved", torch.unresolved_symbols
    yield "unresolvable", torch.unresolvable_symbols
    yield "weak", torch.weak_symbols


TORCH = Judge(
    key="torch",
    abi="LibTorch Stable ABI",
    check="torch",
    labels=(TorchLabel.UNSTABLE, TorchLabel.STABLE, TorchLabel.NO_TORCH),
    words={
        "no-torch": TorchLabel.NO_TORCH,
        "torch-stable": TorchLabel.STABLE,
        "torch-unstable": TorchLabel.UNSTABLE,
        "error": TorchLabel.ERROR,
    },
    references=lambda binary, in_torch: classify(
        binary.imports + binary.weak_imports, binary, in_torch=in_torch
    ),
    sought=_sought,
    shown=_shown,
    judge=_judge,
    prepare=_prepare,
    display=Display(
        title="Torch ABI",
        heading="Torch",
        width=8,
        word_width=8,
        unreadable=TorchLabel.ERROR,
        coloured=True,
        counts=_counts,
        remarks=_remarks,
        listings=_listings,
        facts=_facts,
        floor_heading="Min torch",
        floor=_shown_floor,
    ),
    comparison=Comparison(
        product="torch",
        label="torch verdict",
        floor=lambda torch: torch.min_torch_version,
        package_floor=lambda package: package.min_torch_version,
        kinds=(
            *("unstable", "internal", "shim", "unknown shim", "unresolved", "unresolvable"),
            "weak",
        ),
        symbols=_symbols,
        worse_kinds=frozenset({"unstable", "internal"}),
    ),
)
"""The LibTorch Stable ABI."""
