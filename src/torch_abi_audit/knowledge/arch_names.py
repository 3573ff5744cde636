"""How architectures of NVIDIA's are written as compute capabilities, and which are of boards."""

from __future__ import annotations

BOARDS = frozenset({"sm_53", "sm_62", "sm_72", "sm_87", "sm_88", "sm_101", "sm_110", "sm_121"})
"""GPUs that are built into boards with an Arm processor: Jetson, DRIVE and DGX Spark. From
https://developer.nvidia.com/cuda-gpus and https://developer.nvidia.com/cuda-legacy-gpus."""


def capability(target: str) -> str:
    """An architecture as a compute capability: ``8.9`` for ``sm_89``, ``9.0a`` for ``sm_90a``.

    One that is not NVIDIA's is returned as it is.
    """
    prefix, line, rest = target.partition("_")
    digits = rest.rstrip("abcdefghijklmnopqrstuvwxyz")
    if not line or prefix not in {"sm", "compute"} or not digits.isdecimal():
        return target
    return f"{digits[:-1] or 0}.{digits[-1]}{rest[len(digits) :]}"


def major(target: str) -> str:
    """The major release of an architecture: ``8`` for ``compute_89``."""
    return capability(target).partition(".")[0]
