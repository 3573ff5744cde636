"""What to write in place of an unstable name, as advice."""

from __future__ import annotations

from torch_abi_audit.knowledge import replacements
from torch_abi_audit.model.releases import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.knowledge.replacements import Replacement


def replacing(row: Replacement) -> Iterator[str]:
    """Yield the stable replacement with its header and releases, and what else is known of it."""
    if row.use is not None:
        yield f"in the stable ABI: {row.use}{_terms(row)}"
        if overloads := replacements.open_overloads(row):
            shown = ", ".join(f'"{one}"' for one in overloads)
            yield f'"{replacements.OPEN}" stands for the overload that fits: {shown}'
    elif row.refused:
        kinds = "type" if len(row.refused) == 1 else "types"
        said = f"{kinds} {', '.join(row.refused)}"
        yield f"the stable ABI has no replacement: the dispatcher cannot carry {said}"
    else:
        yield "the stable ABI has no replacement"
    if row.macros:
        yield f"compile with {' '.join(f'-D{one}' for one in row.macros)}"
    if (other := row.fallback) is not None:
        yield f"with older headers: {other.use} ({other.header}, from torch {short(other.since)})"
    if row.differs:
        yield f"it differs: {row.differs}"
    if row.note:
        yield row.note


def _terms(row: Replacement) -> str:
    if row.header is None:
        return ""
    said = row.header
    if row.since is not None:
        said += f"; needs the headers of torch {short(row.since)}"
    if row.floor is not None:
        said += f", runs on {short(row.floor)} and later"
    return f" ({said})"
