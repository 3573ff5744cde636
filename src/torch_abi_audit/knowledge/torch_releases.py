"""The final releases of torch on the package index: ``data/torch_releases.tsv``.

The table is read on first use; ``tools/generate_torch_releases.py`` generates it.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class TorchRelease:
    """A final release of torch on the package index."""

    version: str
    pythons: frozenset[str]
    """Minor releases of CPython with wheels of this release."""
    cuda: Mapping[str, str]
    """``linux_x86_64``, ``linux_aarch64`` or ``win_amd64``, to the CUDA version of the wheel, such
    as ``12.8``; no entry for a CPU build."""

    def cuda_major(self, platform: str) -> int | None:
        """The CUDA major version of the wheel for a platform; None for a CPU build."""
        version = self.cuda.get(platform)
        return int(version.partition(".")[0]) if version else None


def torch_releases() -> tuple[TorchRelease, ...]:
    """Every known final release of torch, oldest first."""
    return _torch_releases()


@once
def _torch_releases() -> tuple[TorchRelease, ...]:
    rows = tables.read("torch_releases").sections["releases"]
    found = []
    for version, row in rows.items():
        words = row.split()
        pythons = frozenset([word for word in words if "=" not in word])
        found.append(TorchRelease(version, pythons, tables.values(words[len(pythons) :])))
    return tuple(found)
