"""What stands between two containers of device code: zeros, to a multiple of some alignment."""

from __future__ import annotations

from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Readable

_PIECE, _MOST = 1 << 12, 1 << 20


def after_zeros(source: Readable, at: int, end: int, what: str) -> int:
    """Where the zeros at ``at`` end, since no container begins with one; at most ``end``.

    Raises:
        FormatError: there are more zeros than any alignment takes, or the file ends.
    """
    limit = min(end, at + _MOST)
    while at < limit:
        piece = source.read_at(at, min(_PIECE, limit - at))
        rest = piece.lstrip(b"\0")
        if rest:
            return at + len(piece) - len(rest)
        if not piece:
            break
        at += len(piece)
    if at < end:
        raise FormatError(f"{what} stops at byte {at}: only zeros follow")
    return end
