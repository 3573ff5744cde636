"""The metadata that a distribution declares, as written."""

from __future__ import annotations

from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_INTERPRETERS = ("cp3", "py3", "pp3")
_STABLE = frozenset({"abi3", "abi3t"})


@dataclass(frozen=True, slots=True)
class Declared:
    """The metadata of one distribution."""

    name: str | None = None
    tags: tuple[str, ...] = ()
    """Wheel tags, such as ``cp310-abi3-manylinux_2_28_x86_64``."""
    requires: tuple[str, ...] = ()
    """``Requires-Dist`` lines."""
    requires_python: str | None = None
    beside: tuple[str, ...] = ()
    """File names of libraries of the distribution that are not in the report."""
    is_torch: bool = False
    """Whether the distribution is torch itself."""
    is_python_distribution: bool = True
    """False if there is no Python metadata: a conda package, a single file or a plain directory."""


@dataclass(frozen=True, slots=True)
class WheelTag:
    """A wheel tag, split into its three parts."""

    python: str
    abi: str
    platform: str

    @property
    def interpreter(self) -> tuple[str, int | None] | None:
        """``cp311`` as ``("cp", 11)``, ``py3`` as ``("py", None)``; None for any other tag."""
        kind, minor = self.python[:3], self.python[3:]
        if kind not in _INTERPRETERS or (minor and not minor.isdecimal()):
            return None
        return kind[:2], int(minor) if minor else None

    @property
    def is_abi3(self) -> bool:
        """Whether the tag promises a stable ABI: abi3 or abi3t."""
        return self.abi in _STABLE


def wheel_tags(declared: Declared) -> tuple[WheelTag, ...]:
    """The tags of a distribution, split into parts; tags without three parts are left out."""
    return tuple(WheelTag(*parts) for tag in declared.tags if len(parts := tag.split("-", 2)) == 3)


def claims_abi3(declared: Declared) -> bool:
    """Whether the tags promise a stable ABI for every library.

    A tag of one Python beside them (``cp310-abi3.cp310``) takes nothing back, if they admit that
    Python as well.
    """
    tags = wheel_tags(declared)
    floor = promised_floor(declared.tags)
    return floor is not None and all(
        tag.is_abi3
        or (tag.interpreter is not None and _admitted(tag.interpreter, release_key(floor)[1]))
        for tag in tags
    )


def _admitted(interpreter: tuple[str, int | None], floor: int) -> bool:
    """Whether abi3 tags from a minor release on admit a CPython."""
    kind, minor = interpreter
    return kind == "cp" and minor is not None and minor >= floor


def promised_floor(tags: Collection[str]) -> str | None:
    """The oldest Python, such as ``3.8``, that a wheel's abi3 or abi3t tags admit."""
    floors = [
        f"3.{python[3:]}"
        for tag in tags
        for pythons, abis, *_ in [tag.split("-")]
        for python in pythons.split(".")
        if python.startswith("cp3")
        and python[3:].isdecimal()
        and not _STABLE.isdisjoint(abis.split("."))
    ]
    return min(floors, key=release_key, default=None)
