"""What CUDA toolkits and NVIDIA's drivers know: ``data/cuda_toolkits.tsv``, read on first use.

``tools/generate_cuda_toolkits.py`` generates the table from the published compilers and NVIDIA's
documents. Toolkits are written ``12.8``, PTX versions ``8.7``, drivers ``570.26`` (``590`` where
NVIDIA only names the branch R590), architectures ``sm_90a`` or ``compute_90a``.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.runtime.once import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_NUMBERS = frozenset(f"{number}" for number in range(10, 1000))
"""Two or three digits: the major release, which may be 1, and the minor one."""


def toolkits() -> tuple[str, ...]:
    """Every known toolkit, oldest first, from ``8.0`` on."""
    return tuple(_rows("toolkits"))


def toolkit_of_ptx(isa: str) -> str | None:
    """The first toolkit that writes a version of PTX: ``12.8`` for ``8.7``; None if not known.

    The driver of that toolkit is the first one that compiles it.
    """
    return next((one for one in toolkits() if ptx_of_toolkit(one) == isa), None)


def ptx_of_toolkit(toolkit: str) -> str | None:
    """The PTX version that a toolkit writes: ``8.7`` for ``12.8`` or ``12.8.93``."""
    return _rows("toolkits").get(_minor(toolkit), {}).get("ptx")


def driver_of_toolkit(toolkit: str, system: str = "linux") -> str | None:
    """The first driver that knows all of a toolkit, its PTX included; None if not known.

    Args:
        toolkit: ``12.8``, or a longer release such as ``12.8.93``.
        system: ``linux`` or ``windows``.
    """
    return _rows("toolkits").get(_minor(toolkit), {}).get(system)


def toolkit_of_driver(driver: str, system: str = "linux") -> str | None:
    """The newest toolkit that a driver knows all of: ``11.4`` for ``470.223.02``; None if unknown.

    None also for a driver that is newer than the first one of the newest known toolkit, which may
    know more than that.
    """
    have = _numbers(driver)
    known = [(one, needed) for one in toolkits() if (needed := driver_of_toolkit(one, system))]
    served = [one for one, needed in known if _numbers(needed) <= have]
    return served[-1] if served and len(served) < len(known) else None


def driver_of_major(major: int | str, system: str = "linux") -> str | None:
    """The first driver that runs programs of all toolkits of a major version, and their cubins.

    That is NVIDIA's minor-version compatibility, which exists since CUDA 11. It does not hold for
    PTX: compiling that takes the driver of the toolkit that wrote it.
    """
    return _rows("majors").get(str(major), {}).get(system)


def first_toolkit(target: str) -> str | None:
    """The first toolkit that compiles for an architecture; None if that is not known.

    Args:
        target: ``sm_120``, ``compute_90a``, ``8.9``, also with ``+PTX`` as torch's build takes it.
    """
    return _rows("architectures").get(_cubin(target), {}).get("first")


def dropped_in(target: str) -> str | None:
    """The toolkit that no longer compiles for an architecture; None if none has dropped it."""
    return _rows("architectures").get(_cubin(target), {}).get("dropped")


def is_known(target: str) -> bool:
    """Whether some toolkit compiles for an architecture of NVIDIA."""
    return _cubin(target) in _rows("architectures")


def family(target: str) -> tuple[str, ...]:
    """The architectures of the GPUs that run family-specific code: 10.0, 10.3, 10.7 for 100f.

    They are spelt ``sm_103``, in today's spelling. There are none for code that is of no family,
    and for a family that is not known.
    """
    members = _plain_rows("families").get(_cubin(target), "").split()
    return tuple(current_name(one) for one in members)


def current_name(target: str) -> str:
    """What today's toolkits call an architecture without suffix: ``sm_110`` for ``sm_101``.

    CUDA 12 called it so; its code is the same. Other words are returned as they are.
    """
    return _plain_rows("renamed").get(target, target)


def _cubin(target: str) -> str:
    """An architecture in any spelling as ``sm_90a``; an empty text for other words."""
    number = target.removeprefix("sm_") if target[:3] == "sm_" else target.removeprefix("compute_")
    number = number.removesuffix("+PTX")
    letter = number[-1:] if number[-1:] in _LETTERS else ""
    number = number.removesuffix(letter)
    if number[-2:-1] == ".":
        number = number[:-2] + number[-1]
    return f"sm_{number}{letter}" if number in _NUMBERS else ""


def _numbers(driver: str) -> tuple[int, ...]:
    return tuple(int(part) for part in driver.split("."))


def _minor(toolkit: str) -> str:
    return ".".join(toolkit.split(".")[:2])


def _rows(section: str) -> Mapping[str, Mapping[str, str]]:
    return _sections()[section]


def _plain_rows(section: str) -> Mapping[str, str]:
    return _table().sections[section]


@once
def _table() -> tables.Table:
    return tables.read("cuda_toolkits")


@once
def _sections() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Section, row and word to value."""
    return {
        section: {name: tables.values(words.split()) for name, words in rows.items()}
        for section, rows in _table().sections.items()
        if section in ("toolkits", "majors", "architectures")
    }
