"""The exception that ends an opening: the loader refuses a file."""

from __future__ import annotations

from torch_abi_audit.doctor.process import Failure, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.doctor.process import Opened


class RefusalError(Exception):
    """The loader refuses; never leaves the simulation."""

    def __init__(
        self,
        text: str,
        kind: Refusal,
        file: str,
        *,
        symbol: str | None = None,
        version: str | None = None,
        library: str | None = None,
        copy: Opened | None = None,
    ) -> None:
        super().__init__(text)
        self.failure = Failure(text, kind, file, symbol, version, library, copy)
