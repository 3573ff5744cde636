"""A bar with a count on stderr, for work on a terminal that takes longer than a second."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PATIENCE = 1.0  # seconds


@contextmanager
def progress(total: int, *, enabled: bool) -> Iterator[Callable[[str], None] | None]:
    """A function to call with each file's name before it is read; ``None`` where none is wanted."""
    if not enabled or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    bar = _Bar(total)
    try:
        yield bar.step
    finally:
        bar.close()


class _Bar:
    def __init__(self, total: int) -> None:
        self._total, self._done, self._start = total, 0, monotonic()
        self._close: Callable[[], None] | None = None
        self._show: Callable[[str], None] | None = None

    def step(self, name: str) -> None:
        """Count one more file."""
        self._done += 1
        if self._show is None and monotonic() - self._start > _PATIENCE:
            self._open()
        if self._show is not None:
            self._show(name)

    def close(self) -> None:
        """Take the bar away."""
        if self._close is not None:
            self._close()

    def _open(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to import, and seldom needed
        from rich.markup import escape  # noqa: PLC0415
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

        bar = Progress(
            TextColumn("reading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )
        task = bar.add_task("", total=self._total)
        bar.start()
        self._close = bar.stop
        self._show = lambda name: bar.update(
            task, completed=self._done, description=escape(name[-60:])
        )
