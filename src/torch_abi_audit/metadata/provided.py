"""Which libraries may come from a requirement, by their names."""

from __future__ import annotations

from torch_abi_audit.model.paths import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection


def lent(names: Collection[str], required: Collection[str]) -> frozenset[str]:
    """Those of the libraries that are named after a requirement, which may hold them.

    ``libmetatensor.so.1`` may be from ``metatensor-core``. A word that ends in a digit is distinct
    enough for all that begins with it: ``Qt6Core.dll`` may be from ``PyQt6-Qt6``.
    """
    owners = {own for name in required for own in (name, name.removeprefix("py"))}
    words = {word for name in required for word in name.split("-") if word[-1:].isdigit()}
    distinct = tuple(word for word in words if len(word) > 2)
    return frozenset(
        name
        for name in names
        if (stem := _stem(name))
        and (
            stem.startswith(distinct)
            or any(
                own == stem or own.startswith(f"{stem}-") or stem.startswith(f"{own}-")
                for own in owners
            )
        )
    )


def _stem(library: str) -> str:
    """``qt6core`` of ``libQt6Core.so.6``, as a requirement would be spelt."""
    name = file_name(library).removeprefix("lib").partition(".")[0]
    return name.lower().replace("_", "-")
