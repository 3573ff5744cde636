"""From a library's imports, and what its siblings provide, to its torch verdict. No I/O."""

from __future__ import annotations

from enum import Enum, auto

from torch_abi_audit import libtorch, surface
from torch_abi_audit.mangling import demangle, mentions, owner
from torch_abi_audit.model import TorchABIVerdict, file_name, release_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from torch_abi_audit.model import Binary

_SHIPPED_C = {
    b"Sleef_": "sleef",
    b"cpuinfo_": "cpuinfo",
    b"nnp_": "nnpack",
    b"pthreadpool_": "pthreadpool",
}
"""C names of others that libtorch exports and ships the headers of, and whose they are."""
_SHIPPED_C_NAMES = tuple(_SHIPPED_C)
_PLAINLY_UNSTABLE = (b"_ZN2at", b"_ZNK2at", b"_ZN3c10", b"_ZNK3c10")
_TORCHS = (b"_ZN5torch", b"_ZNK5torch")
_NOT_TORCHS = tuple(
    b"%b%d%b" % (start, len(part), part)
    for start in _TORCHS
    for part in (*libtorch.HEADER_ONLY, *libtorch.GUESTS)
)
_STD = (b"_ZNSt", b"_ZNKSt", b"_ZSt")
_OWN_C_FORMS = (b"TH", b"Packed", b"torch_c_")
_SHIM_FORMS = (b"aoti_torch_", b"torch_")
_OF_INTEREST = (b"_Z", b"?", b"aoti_", *_SHIM_FORMS, *_OWN_C_FORMS, *_SHIPPED_C_NAMES)
"""How every name begins that may have to do with torch where its provider is not stated."""


class Kind(Enum):
    """What an import is to libtorch, by its name and, where the format tells, its provider."""

    SHIM = auto()
    UNKNOWN_SHIM = auto()
    UNSTABLE = auto()
    """libtorch's, and its text names a type of the unstable API."""
    INTERNAL = auto()
    """libtorch's, without naming such a type."""
    HEADER_ONLY = auto()
    """Of ``torch::stable`` or ``torch::headeronly``, which no library exports."""
    FOREIGN = auto()
    """Somebody else's, though it speaks of torch types."""
    BORROWED = auto()
    """A C name of a library whose headers torch ships: libtorch's where it exports it."""


USES = frozenset({Kind.SHIM, Kind.UNKNOWN_SHIM, Kind.UNSTABLE, Kind.INTERNAL})
"""The kinds that libtorch itself must provide."""


def classify(
    names: Iterable[bytes], binary: Binary, *, in_torch: bool = False
) -> dict[bytes, Kind]:
    """Those of ``names``, imports of ``binary``, that have to do with torch, and how.

    Args:
        names: Imports, strong or weak.
        binary: The importing library.
        in_torch: Whether it belongs to the torch distribution, where plain C names that one of
            libtorch's libraries takes from another are the project's own affair.
    """
    known = surface.shim_names()
    providers = binary.providers
    listed = tuple(names)
    # nearly all there is of C++ in a library that uses torch begins so; the whole rule agrees
    kinds = dict.fromkeys(
        [
            name
            for name in listed
            if name.startswith(_PLAINLY_UNSTABLE)
            or (name.startswith(_TORCHS) and not name.startswith(_NOT_TORCHS))
        ],
        Kind.UNSTABLE,
    )
    for name in listed:
        # without a provider the name alone decides, and most C names are at once nobody's here
        if name in kinds or not (providers or name.startswith(_OF_INTEREST)):
            continue
        provider = providers.get(name)
        trusted = None if provider is None else libtorch.is_libtorch(provider)
        if name.startswith((b"_Z", b"?")):
            kind = _of_cpp(name, from_libtorch=trusted is True)
        elif name in known:
            kind = None if trusted is False else Kind.SHIM
        elif name.startswith(_OWN_C_FORMS) and libtorch.owns_c_name(name):
            kind = Kind.INTERNAL
        elif trusted is not False and name.startswith(_SHIM_FORMS) and _has_shim_form(name):
            kind = Kind.UNKNOWN_SHIM
        elif in_torch:
            continue
        elif trusted is None and name.startswith(_SHIPPED_C_NAMES):
            kind = Kind.BORROWED if _is_borrowed(name, binary) else None
        else:
            kind = Kind.INTERNAL if trusted else None
        if kind is not None:
            kinds[name] = kind
    return kinds


def judge(
    binary: Binary,
    kinds: Mapping[bytes, Kind],
    resolved: Collection[bytes],
    exported: Callable[[bytes], bool] = lambda _: False,
    spell: Callable[[Iterable[bytes]], Iterable[str]] = demangle,
) -> TorchABIVerdict:
    """The verdict on one library.

    Args:
        binary: The library.
        kinds: ``classify`` of its strong and weak imports.
        resolved: Those of them that another library of the same distribution provides.
        exported: Whether a known libtorch release exports a name: asked for names in doubt alone.
        spell: How names are shown, where there may be thousands.
    """
    weak = frozenset(binary.weak_imports)
    groups: dict[Kind, list[bytes]] = {kind: [] for kind in Kind}
    optional: list[bytes] = []
    evidence: list[bytes] = []
    for name in sorted(kinds):
        kind = kinds[name]
        if name in resolved:
            if kind in (Kind.FOREIGN, Kind.UNSTABLE) and name not in weak:
                evidence.append(name)
            continue
        if kind is Kind.FOREIGN and (_is_lent(name) or exported(name)):
            kind = Kind.UNSTABLE
        elif kind is Kind.BORROWED and exported(name):
            kind = Kind.INTERNAL
        if name not in weak:
            groups[kind].append(name)
        elif kind in USES:
            optional.append(name)
    shims, unknown = groups[Kind.SHIM], groups[Kind.UNKNOWN_SHIM]
    own = [*groups[Kind.UNSTABLE], *groups[Kind.INTERNAL]]
    stable = bool(shims or unknown) and not own
    floor, setters = _floor(shims) if stable else (None, ())
    required = sorted(shims + unknown + own + groups[Kind.HEADER_ONLY])
    return TorchABIVerdict(
        uses_torch=bool(shims or unknown or own),
        stable=stable,
        unstable_symbols=tuple(spell(groups[Kind.UNSTABLE])),
        stable_shim_count=len(shims),
        min_torch_version=floor,
        version_defining_symbols=setters,
        unknown_shim_symbols=tuple(demangle(unknown)),
        internal_symbols=tuple(spell(groups[Kind.INTERNAL])),
        weak_symbols=tuple(spell(optional)),
        unresolved_symbols=tuple(demangle(groups[Kind.FOREIGN])),
        unresolvable_symbols=tuple(demangle(groups[Kind.HEADER_ONLY])),
        header_evidence=tuple(spell(evidence)),
        links=links(binary),
        required=tuple(required),
        required_from=tuple(file_name(binary.providers.get(name, "")) for name in required)
        if binary.providers
        else (),
    )


def links(binary: Binary) -> tuple[str, ...]:
    """File names of the libtorch libraries that ``binary`` is linked to, sorted."""
    return tuple(
        sorted(
            {
                file_name(library)
                for library in binary.needed + binary.delay_needed
                if libtorch.is_libtorch(library)
            }
        )
    )


def _of_cpp(name: bytes, *, from_libtorch: bool) -> Kind | None:
    if not _may_name_torch(name) and (name.startswith(_STD) or not _may_be_owned(name)):
        return Kind.INTERNAL if from_libtorch else None
    declared = owner(name)
    if libtorch.owns(declared):
        if declared[0] in libtorch.TYPE_NAMESPACES or declared[0] == b"torch":
            return Kind.UNSTABLE
        return Kind.UNSTABLE if _speaks_of_torch(name) else Kind.INTERNAL
    if len(declared) > 1 and declared[0] == b"torch" and declared[1] in libtorch.HEADER_ONLY:
        return Kind.HEADER_ONLY
    if _speaks_of_torch(name):
        return Kind.UNSTABLE if from_libtorch else Kind.FOREIGN
    return Kind.INTERNAL if from_libtorch else None


def _has_shim_form(name: bytes) -> bool:
    """Whether a C name is of the form ``aoti_torch_x`` or ``torch_x``."""
    for form in _SHIM_FORMS:
        rest = name.removeprefix(form)
        if rest is not name and rest[:1].islower():
            return rest.replace(b"_", b"").isalnum()
    return False


def _speaks_of_torch(name: bytes) -> bool:
    """Whether its demangled text names a type of the unstable API."""
    return _may_name_torch(name) and any(map(libtorch.is_torch_type, mentions(name)))


def _may_name_torch(name: bytes) -> bool:
    # written out: called for every C++ name there is, and nearly always false
    return (
        b"2at" in name
        or b"3c10" in name
        or b"5torch" in name
        or b"@at@" in name
        or b"@c10@" in name
        or b"@torch@" in name
    )


def _may_be_owned(name: bytes) -> bool:
    return (
        b"caffe2" in name
        or b"c10d" in name
        or b"TH" in name
        or b"Packed" in name
        or b"onnx_torch" in name
        or b"libkineto" in name
    )


def _is_borrowed(name: bytes, binary: Binary) -> bool:
    """Whether a library that is linked to libtorch asks nobody else for such a name."""
    home = _SHIPPED_C[name[: name.index(b"_") + 1]]
    if not links(binary):
        return False
    return not any(home in file_name(library).lower() for library in binary.needed)


def _is_lent(name: bytes) -> bool:
    declared = owner(name)
    return bool(declared) and declared[0] in libtorch.LENDERS


def _floor(shims: list[bytes]) -> tuple[str | None, tuple[str, ...]]:
    """The newest first release among ``shims``, and those that set it."""
    releases = {name: surface.shim_first_release(name) for name in shims}
    floor = max(
        [surface.STABLE_ABI_BEGINS, *releases.values()],
        key=release_key,
    )
    return floor, tuple(name.decode() for name, first in releases.items() if first == floor)
