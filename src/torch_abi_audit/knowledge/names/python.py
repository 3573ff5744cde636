"""The one Python that a file is for, by the names in it."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.reports import ExtensionReport


@dataclass(frozen=True, slots=True)
class Bound:
    """The one Python that a file is for."""

    minor: int
    free_threaded: bool

    @property
    def python(self) -> str:
        """``3.13``, or ``3.13t`` for the free-threaded build."""
        return f"3.{self.minor}{'t' if self.free_threaded else ''}"


def bound(one: ExtensionReport) -> Bound | None:
    """The Python that a library's file name, or the DLL it imports, ties it to."""
    found = named(one.name)
    if found is not None:
        return found
    dlls = (_imported(name) for image in one.linkage for name in image.needed)
    return next((each for each in dlls if each is not None), None)


def named(file: str) -> Bound | None:
    """The Python of ``_C.cpython-313t-x86_64-linux-gnu.so`` or ``_C.cp313t-win_amd64.pyd``."""
    module, _, kind = file.rpartition(".")
    _, dot, mark = module.rpartition(".")
    if not dot or kind not in {"so", "pyd"} or not mark.startswith(("cpython-3", "cp3")):
        return None
    python, _, platform = mark.removeprefix("cpython-").removeprefix("cp").partition("-")
    return _minor(python[1:].removesuffix("d")) if platform else None


def _imported(dll: str) -> Bound | None:
    """The Python of ``python313t.dll``; none of ``python3.dll``, which is for all."""
    name = dll.lower()
    if name.startswith("python3") and name.endswith(".dll"):
        return _minor(name.removeprefix("python3").removesuffix(".dll"))
    return None


def _minor(text: str) -> Bound | None:
    """``13`` or ``13t``, read."""
    digits = text.removesuffix("t")
    return Bound(int(digits), digits != text) if digits.isdecimal() else None


def is_abi3(file: str) -> bool:
    """``_C.abi3.so`` and ``_C.abi3-x86_64-linux-gnu.so``."""
    module, _, kind = file.rpartition(".")
    _, dot, mark = module.rpartition(".")
    flavour, dash, platform = mark.partition("-")
    return bool(dot) and kind == "so" and flavour == "abi3" and bool(platform) == bool(dash)
