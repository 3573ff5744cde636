"""NVIDIA's packages that bring a CUDA library, as sentences need them."""

from __future__ import annotations

from torch_abi_audit.knowledge.nvidia_packages import packages_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Installed


def packages(library: str, installed: Installed | None = None) -> tuple[str, ...]:
    """The distributions that bring a library, with their releases; empty if none is known.

    Args:
        library: The file name of the library.
        installed: The installed torch: only packages for its CUDA release are named, if it has one.
    """
    cuda = "" if installed is None or installed.cuda is None else installed.cuda.partition(".")[0]
    every = packages_of(library)
    fitting = [one for one in every if str(one.cuda) == cuda] or every
    return tuple(f"{one.distribution} ({one.first} to {one.last})" for one in fitting)


def releases_of(library: str) -> tuple[int, ...]:
    """The CUDA majors whose packages bring a library, oldest first; empty if none is known."""
    return tuple(sorted({one.cuda for one in packages_of(library)}))
