"""The exception that ends an opening: the loader refuses a file."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.doctor.process import Failure


class RefusalError(Exception):
    """The loader refuses; never leaves the simulation."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure
