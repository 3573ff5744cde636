"""Shows a progress bar on stderr for work on a terminal that takes more than a second."""

from __future__ import annotations

import os
import sys
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_PATIENCE = 1.0  # seconds


def activity(*, enabled: bool) -> Activity | _NoActivity:
    """A context manager that returns a progress bar, or None if none should be shown."""
    if not enabled or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return _NoActivity()
    return Activity()


class _NoActivity:
    def __enter__(self) -> None:
        """Return no progress bar."""

    def __exit__(self, *_why: object) -> None:
        """Do nothing: there is no bar to remove."""


class Activity:
    """A progress bar for a run: bytes while files are fetched, a count while they are read.

    On exit, the context manager removes the bar.
    """

    def __init__(self) -> None:
        self._bar = _Bar()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        self._bar.close()

    def expect(self, files: int) -> None:
        """Set the number of files to read."""
        self._bar.total = files

    def step(self, name: str) -> None:
        """Count a file, before it is read."""
        self._bar.step(name)

    def watch(self, url: str, done: int, total: int) -> None:
        """Show how many bytes of a file have been fetched."""
        of = f"/{total / 1e6:.1f}" if total else ""
        self._bar.show(f"{url.rpartition('/')[2]}  {done / 1e6:.1f}{of} MB", done, total)


class _Bar:
    def __init__(self) -> None:
        self.total, self._done, self._start = 0, 0, monotonic()
        self._close: Callable[[], None] | None = None
        self._show: Callable[[str, int, int], None] | None = None

    def step(self, name: str) -> None:
        """Count a file."""
        self._done += 1
        self.show(name, self._done, self.total)

    def show(self, text: str, done: int, total: int) -> None:
        """Show ``done`` of ``total`` (0: unknown) and a text, after the first second."""
        if self._show is None and monotonic() - self._start > _PATIENCE:
            self._open()
        if self._show is not None:
            self._show(text, done, total)

    def close(self) -> None:
        """Remove the bar."""
        if self._close is not None:
            self._close()

    def _open(self) -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, TextColumn

        bar = Progress(
            TextColumn("reading"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )
        task = bar.add_task("", total=None, count="")
        bar.start()
        self._close = bar.stop
        self._show = lambda text, done, total: bar.update(
            task,
            completed=done,
            total=total or None,
            description=escape(text[-70:]),
            count=f"{self._done}/{self.total}" if self.total else "",
        )
