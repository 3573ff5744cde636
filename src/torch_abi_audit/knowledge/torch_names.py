"""The names that torch's headers declare, stable and unstable: ``data/torch_names.tsv``.

The table is read on first use; ``tools/generate_torch_names.py`` generates it from the headers of
the published wheels, and says which names it leaves out.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STABLE = ("torch/csrc/stable/", "torch/headeronly/", "torch/csrc/inductor/aoti_torch/c/")
_OPENED = {
    "at": ("c10",),
    "torch": ("at", "c10"),
    "at::cuda": ("c10::cuda",),
    "at::Tensor": ("at::TensorBase",),
    "torch::Tensor": ("at::Tensor", "at::TensorBase"),
    "Tensor": ("at::Tensor", "at::TensorBase"),
    "TensorBase": ("at::TensorBase",),
    "Device": ("torch::stable::Device", "c10::Device"),
    "StableLibrary": ("torch::stable::detail::StableLibrary",),
    "torch::autograd::Variable": ("at::Tensor", "at::TensorBase"),
}
"""Namespaces and classes to those whose names they have as well, by ``using`` or as a base."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name, and the header that declares it."""

    name: str
    """Qualified, as it is declared: ``c10::kFloat``."""
    kind: str
    """``macro``, ``function``, ``type``, ``constant`` or ``method``."""
    header: str
    """Relative to torch's include directory."""
    first: str
    """The first release whose headers have it, of those that were read."""
    last: str
    """The last one."""
    target: str | None = None
    """The first release that, as ``TORCH_TARGET_VERSION``, makes the newest headers declare it;
    None for names outside the stable ABI."""

    @property
    def stable(self) -> bool:
        """Whether a header of the stable ABI declares it."""
        return self.header.startswith(_STABLE)


def releases() -> tuple[str, ...]:
    """The releases whose headers were read, oldest first."""
    return _read()[0]


def find(name: str) -> Name | None:
    """A qualified name, also where a namespace or a class has it from another one."""
    table = _read()[1]
    found = table.get(name)
    if found is not None and found.kind != "type":
        return found
    scope, _, last = name.rpartition("::")
    first, _, rest = name.partition("::")
    others = [f"{other}::{last}" for other in _OPENED.get(scope, ())]
    others += [f"{other}::{rest}" for other in _OPENED.get(first, ()) if rest]
    behind = next((one for other in others if (one := table.get(other)) is not None), None)
    if found is None or behind is None or behind.kind != "type":
        return behind if found is None else found
    return behind  # ``torch::Tensor`` is at's


def opened(scope: str) -> tuple[str, ...]:
    """The namespaces or classes whose names a namespace or a class has as well: c10's in at."""
    first, _, rest = scope.partition("::")
    others = _OPENED.get(scope, ())
    return (*others, *(f"{other}::{rest}" for other in _OPENED.get(first, ()) if rest))


def headers() -> tuple[str, ...]:
    """The headers that declare one of the names, each once."""
    return tuple(dict.fromkeys(one.header for one in _read()[1].values()))


def ending_with(last: str) -> tuple[Name, ...]:
    """The names whose last part this is, such as the methods ``sizes`` of several classes."""
    end = f"::{last}"
    return tuple(one for one in _read()[1].values() if one.name.endswith(end))


def every() -> Mapping[str, Name]:
    """All names, by name."""
    return _read()[1]


def in_header(path: str) -> tuple[Name, ...]:
    """The names that a header declares, in the order of the alphabet."""
    return tuple(one for one in _read()[1].values() if one.header == path)


@once
def _read() -> tuple[tuple[str, ...], Mapping[str, Name]]:
    table = tables.read("torch_names")
    known = tuple(table.facts["releases"].split())
    found = {}
    for header, words in table.sections["headers"].items():
        for one in _names(header, words, known):
            found[one.name] = one
    return tuple(sorted(known, key=release_key)), found


def _names(header: str, words: str, known: tuple[str, ...]) -> Iterator[Name]:
    for word in words.split(" "):
        said, *facts = word.split(",")
        kind, _, name = said.partition(":")
        first, last, target = known[0], known[-1], None
        for fact in facts:
            if fact.startswith("last="):
                last = fact[5:]
            elif fact.startswith("target="):
                target = fact[7:]
            else:
                first = fact
        yield Name(name, kind, header, first, last, target)
