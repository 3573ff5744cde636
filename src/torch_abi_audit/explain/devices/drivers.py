"""Which NVIDIA driver a torch or a package needs, and what the driver of an error supports."""

from __future__ import annotations

from torch_abi_audit.knowledge.cuda_toolkits import (
    driver_of_major,
    driver_of_toolkit,
    ptx_of_toolkit,
    toolkit_of_ptx,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.devices.seen import Seen
    from torch_abi_audit.explain.explanation import Installed

WHICH_DRIVER = (
    "which driver is needed: name the package with --with, or torch and its build with --torch; "
    "torch-abi-audit gpus lists the drivers of a package"
)
ANY_DRIVER = "the oldest drivers: "
"""How the sentence begins that names the driver of each CUDA release."""


def supported(seen: Seen) -> Iterator[str]:
    """Yield what the driver of an error supports, as far as the text tells."""
    if seen.driver_cuda is None:
        return
    which = f"the driver, {seen.driver}," if seen.driver else "the driver"
    major = seen.driver_cuda.partition(".")[0]
    ptx = ptx_of_toolkit(seen.driver_cuda)
    knows = f", and PTX up to version {ptx}" if ptx is not None else ""
    yield f"{which} is for CUDA {seen.driver_cuda}: it runs programs of CUDA {major}{knows}"


def needed_by_torch(seen: Seen, installed: Installed | None) -> Iterator[str]:
    """Yield the driver that the torch of an error needs."""
    version, cuda = _torch(seen, installed)
    if cuda is None:
        return
    if (needed := driver_of_major(cuda.partition(".")[0], seen.system)) is not None:
        yield f"torch {version} is for CUDA {cuda}, which needs driver {needed} or newer"


def of_majors(system: str) -> Iterator[str]:
    """Yield the driver that each major CUDA release needs, as a sentence."""
    needed = [(major, driver_of_major(major, system)) for major in (11, 12, 13)]
    known = [f"{driver} for CUDA {major}" for major, driver in needed if driver is not None]
    if known:
        yield ANY_DRIVER + ", ".join(known)


def needed_for_ptx(isa: str, system: str) -> str | None:
    """The driver that compiles a version of PTX, as the end of a sentence; None if not known."""
    toolkit = toolkit_of_ptx(isa)
    driver = None if toolkit is None else driver_of_toolkit(toolkit, system)
    if toolkit is None:
        return None
    if driver is None:
        return f"a driver for CUDA {toolkit} or newer"
    return f"driver {driver} (CUDA {toolkit}) or newer"


def _torch(seen: Seen, installed: Installed | None) -> tuple[str, str | None]:
    """The torch of an error and its CUDA; the one in the text counts for more."""
    if seen.torch is not None:
        build = seen.torch.partition("+")[2]
        number = build.removeprefix("cu")
        cuda = f"{number[:-1]}.{number[-1]}" if build.startswith("cu") and number else None
        return seen.torch, cuda
    return ("", None) if installed is None else (installed.version, installed.cuda)
