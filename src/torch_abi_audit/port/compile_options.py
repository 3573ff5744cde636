"""What a plan relies on when it is compiled: macros, and the release of torch's headers.

Without ``TORCH_TARGET_VERSION`` torch's headers give the newest interface that they know, and the
library needs about the torch whose headers it was compiled with, whatever it calls. With it, they
stop with ``#error`` outside of the stable ABI (since 2.10), so it is for ported files only.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import replacements
from torch_abi_audit.model.releases import minor_of, release_key, short
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.port.migration import COVERED
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.port.migration import Item, Plan

TARGET_MACRO = "TORCH_TARGET_VERSION"
FIRST_WITH_PYBIND = "2.13.0"
"""The first headers whose copy of pybind11 compiles although the macro is defined; the copies in
2.10 to 2.12 stop with the same ``#error``. Compiled with ``PYBIND11_MODULE`` alone."""
_BINDINGS = ("THPVariable", "pybind11", "PYBIND11", "torch/extension.h", "torch/python.h")
"""What symbols and spellings of a binding contain."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The torch releases whose headers compile what a plan says to write."""

    needed: str
    """The oldest release that has every replacement."""
    apis: tuple[str, ...]
    """APIs whose replacement is newer than the plan's target."""
    with_fallbacks: str
    """The oldest release if the fallbacks are written in place of newer replacements."""


def target_value(release: str) -> str:
    """The value of ``TORCH_TARGET_VERSION`` for a release: ``0x020a000000000000`` for 2.10.

    A byte each for the major and the minor number, from the highest on; the rest is zero, as the
    stable ABI gains functions only with a minor release (``torch/csrc/stable/version.h``).
    """
    major, minor = (int(part) for part in release.split(".")[:2])
    return f"0x{major << 56 | minor << 48:016x}"


def target_macro(release: str) -> str:
    """The option that limits torch's headers to a release: ``-DTORCH_TARGET_VERSION=0x020a…``."""
    return f"-D{TARGET_MACRO}={target_value(release)}"


def unknown_target(release: str) -> str | None:
    """What has to be known of a target that is newer than every known release; None for others."""
    newest = replacements.header_releases()[-1]
    if not _later(minor_of(release), minor_of(newest)):
        return None
    return (
        f"no torch {short(release)} is known: the plan is that for torch {short(newest)}, the "
        f"newest known release, whose headers refuse {TARGET_MACRO}={target_value(release)}"
    )


def compile_options(plan: Plan) -> tuple[str, ...]:
    """The options to compile every ported file with; none if nothing in the plan uses torch."""
    if not plan.items and plan.verdict is not TorchLabel.STABLE:
        return ()
    macros = sorted({one for item in _covered(plan) for one in item.macros})
    return (target_macro(plan.target), *(f"-D{one}" for one in macros))


def is_done(plan: Plan) -> bool:
    """Whether a package is ported, and runs on the target: no option makes a difference to it."""
    return (
        plan.verdict is TorchLabel.STABLE
        and not plan.items
        and plan.floor is not None
        and not _later(plan.floor, plan.target)
    )


def headers(plan: Plan) -> Headers | None:
    """The headers that the plan's replacements need; None if it has none of torch's."""
    items = [one for one in _covered(plan) if one.header and one.since]
    if not items:
        return None
    first = [one.since or plan.target for one in items]
    second = [one.fallback.since if one.fallback else one.since or plan.target for one in items]
    newer = [one.api for one in items if _is_newer(one, plan.target)]
    return Headers(
        max((plan.target, *first), key=release_key),
        tuple(newer),
        max((plan.target, *second), key=release_key),
    )


def uses_pybind(plan: Plan) -> bool:
    """Whether the package seems to bind functions with pybind11, by its symbols or sources."""
    names = [symbol for item in plan.items for symbol in item.symbols]
    if plan.source is not None:
        names += [use.spelled for file in plan.source.files for use in file.uses]
    return any(word in name for name in names for word in _BINDINGS)


def _covered(plan: Plan) -> list[Item]:
    return [one for one in plan.items if one.way in COVERED]


def _is_newer(item: Item, target: str) -> bool:
    return item.since is not None and _later(item.since, target)


def _later(release: str, target: str) -> bool:
    return release_key(release) > release_key(target)
