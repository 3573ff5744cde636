"""Classifies the imports of a library that concern torch, by name and stated provider. No I/O."""

from __future__ import annotations

from torch_abi_audit.judges.prefixes import beginning
from torch_abi_audit.knowledge import torch_namespaces, torch_shims
from torch_abi_audit.knowledge.names.torch import is_libtorch
from torch_abi_audit.mangling import mentions, owner
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.enums import StrEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch_abi_audit.model.binary import Binary

_SHIPPED_C = {
    b"Sleef_": "sleef",
    b"cpuinfo_": "cpuinfo",
    b"nnp_": "nnpack",
    b"pthreadpool_": "pthreadpool",
}
"""Prefix of C names to the project that they belong to, for projects whose headers torch ships and
whose code libtorch exports."""
_SHIPPED_C_NAMES = tuple(_SHIPPED_C)
_NESTED = (b"_ZN", b"_ZNK", b"_ZNO", b"_ZNR", b"_ZTIN", b"_ZTSN", b"_ZTVN")
"""Prefixes of mangled members, vtables and type information, which the scope follows."""
_AT_AND_C10 = tuple(start + scope for start in _NESTED for scope in (b"2at", b"3c10"))
_TORCHS = tuple(start + b"5torch" for start in _NESTED)
_NOT_TORCHS = tuple(
    b"%b%d%b" % (start, len(part), part)
    for start in _TORCHS
    for part in (*torch_namespaces.HEADER_ONLY, *torch_namespaces.GUESTS)
)
_STD = ("_ZNSt", "_ZNKSt", "_ZSt")
_OWN_C_FORMS = (b"TH", b"Packed", b"torch_c_")
_SHIM_FORMS = (b"aoti_torch_", b"torch_")
_C_FORMS = (b"aoti_", b"torch_", b"TH", b"Packed", *_SHIPPED_C)
"""Prefixes of all C names that may belong to torch if the binary does not state a provider."""


_known: dict[bytes, bool] = {}  # a cache: the libraries of a package import similar names
_MOST_KNOWN = 1 << 14


class Kind(StrEnum):
    """How an import relates to libtorch, by its name and its provider, if the binary states one."""

    SHIM = "shim"
    UNKNOWN_SHIM = "unknown-shim"
    UNSTABLE = "unstable"
    """A libtorch name whose demangled text contains a type of the unstable C++ API."""
    INTERNAL = "internal"
    """A libtorch name whose demangled text contains no such type."""
    HEADER_ONLY = "header-only"
    """A name in ``torch::stable`` or ``torch::headeronly``, which no library exports."""
    FOREIGN = "foreign"
    """A name of another project, with torch types in its signature."""
    BORROWED = "borrowed"
    """A C name of another project whose headers torch ships; counts as internal if libtorch exports
    it."""


USES = frozenset({Kind.SHIM, Kind.UNKNOWN_SHIM, Kind.UNSTABLE, Kind.INTERNAL})
"""The kinds of names that only libtorch can provide."""


def classify(
    names: Iterable[bytes], binary: Binary, *, in_torch: bool = False
) -> dict[bytes, Kind]:
    """Return the kind of each name that concerns torch; omit the others.

    Args:
        names: Strong or weak imports of ``binary``.
        binary: The importing library.
        in_torch: Whether the library belongs to the torch distribution. If so, C names without a
            torch prefix do not count: its libraries import them from each other.
    """
    ordered = sorted(names)
    # a shortcut: nearly all C++ imports from torch have these prefixes
    plain = [name for prefix in _AT_AND_C10 for name in beginning(ordered, prefix)]
    for prefix in _TORCHS:
        plain += [one for one in beginning(ordered, prefix) if not one.startswith(_NOT_TORCHS)]
    kinds = dict.fromkeys(plain, Kind.UNSTABLE)
    others = [name for name in ordered if name not in kinds]
    if not binary.providers:  # only the name decides, and few names can be torch's
        cpp = [*beginning(others, b"_Z"), *beginning(others, b"?")]
        others = [name for form in _C_FORMS for name in beginning(others, form)]
        others += _of_interest(cpp)
    for name in others:
        kind = _kind(name, binary, in_torch=in_torch)
        if kind is not None:
            kinds[name] = kind
    return kinds


def _kind(name: bytes, binary: Binary, *, in_torch: bool) -> Kind | None:
    provider = binary.providers.get(name)
    trusted = None if provider is None else is_libtorch(provider)
    if name.startswith((b"_Z", b"?")):
        return _of_cpp(name, from_libtorch=trusted is True)
    if name in torch_shims.shim_names():
        return None if trusted is False else Kind.SHIM
    if name.startswith(_OWN_C_FORMS) and torch_namespaces.owns_c_name(name):
        return Kind.INTERNAL
    if trusted is not False and name.startswith(_SHIM_FORMS) and _has_shim_form(name):
        return Kind.UNKNOWN_SHIM
    if in_torch:
        return None
    if trusted is None and name.startswith(_SHIPPED_C_NAMES):
        return Kind.BORROWED if _is_borrowed(name, binary) else None
    return Kind.INTERNAL if trusted else None


def links(binary: Binary) -> tuple[str, ...]:
    """Return the file names of the libtorch libraries that ``binary`` is linked to, sorted."""
    return tuple(
        sorted(
            {
                file_name(library)
                for library in binary.needed + binary.delay_needed
                if is_libtorch(library)
            }
        )
    )


def _of_interest(names: list[bytes]) -> list[bytes]:
    """Return the C++ names that may concern torch, by substring."""
    # as text: ``in`` on bytes is slower, because it raises and drops an exception each time
    texts = b"\0".join(names).decode("latin-1").split("\0") if names else []
    return [
        name
        for name, text in zip(names, texts, strict=True)
        if _may_name_torch(text) or (not text.startswith(_STD) and _may_be_owned(text))
    ]


def _of_cpp(name: bytes, *, from_libtorch: bool) -> Kind | None:
    declared = owner(name)
    if torch_namespaces.owns(declared):
        if declared[0] in torch_namespaces.TYPE_NAMESPACES or declared[0] == b"torch":
            return Kind.UNSTABLE
        return Kind.UNSTABLE if names_torch_types(name) else Kind.INTERNAL
    if _of_headers(declared):
        return Kind.HEADER_ONLY
    if names_torch_types(name):
        return Kind.UNSTABLE if from_libtorch else Kind.FOREIGN
    return Kind.INTERNAL if from_libtorch else None


def is_header_only(name: bytes) -> bool:
    """Whether a mangled name is of ``torch::stable`` or ``torch::headeronly``."""
    return _of_headers(owner(name))


def _of_headers(declared: Sequence[bytes]) -> bool:
    return (
        len(declared) > 1
        and declared[0] == b"torch"
        and declared[1] in torch_namespaces.HEADER_ONLY
    )


def _has_shim_form(name: bytes) -> bool:
    """Whether a C name has the form ``aoti_torch_x`` or ``torch_x``."""
    for form in _SHIM_FORMS:
        rest = name.removeprefix(form)
        if rest is not name and rest[:1].islower():
            return rest.replace(b"_", b"").isalnum()
    return False


def names_torch_types(name: bytes) -> bool:
    """Whether a symbol's demangled text names a type of the unstable C++ API."""
    known = _known.get(name)
    if known is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        text = name.decode("latin-1")
        known = _may_name_torch(text) and any(map(torch_namespaces.is_torch_type, mentions(name)))
        _known[name] = known
    return known


def _may_name_torch(text: str) -> bool:
    """A cheap test that every mangled name with a type of the unstable API passes."""
    return (
        "2at" in text
        or "3c10" in text
        or "5torch" in text
        or "c10@" in text  # MSVC writes no @ before the scope of an operator: ??6c10@@YA…
        or "at@" in text
        or "torch@" in text
    )


def _may_be_owned(text: str) -> bool:
    """A cheap test that every internal name of libtorch passes."""
    return (
        "caffe2" in text
        or "c10d" in text
        or "TH" in text
        or "Packed" in text
        or "onnx_torch" in text
        or "libkineto" in text
    )


def _is_borrowed(name: bytes, binary: Binary) -> bool:
    """Whether a library is linked to libtorch, but not to the project that the name belongs to."""
    home = _SHIPPED_C[name[: name.index(b"_") + 1]]
    if not links(binary):
        return False
    return not any(home in file_name(library).lower() for library in binary.needed)
