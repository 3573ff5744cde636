"""A bar with a count, or bytes, on stderr, for work on a terminal that takes over a second."""

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
    """A context with what draws a bar on a terminal; with ``None`` where none is wanted."""
    if not enabled or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return _NoActivity()
    return Activity()


class _NoActivity:
    def __enter__(self) -> None:
        """Nothing to draw with."""

    def __exit__(self, *_why: object) -> None:
        """Nothing to take away."""


class Activity:
    """One bar for a whole run: bytes while files are fetched, a count while libraries are read.

    As a context it takes the bar away.
    """

    def __init__(self) -> None:
        self._bar = _Bar()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        self._bar.close()

    def expect(self, files: int) -> None:
        """Say how many files there are to read."""
        self._bar.total = files

    def step(self, name: str) -> None:
        """Count one more file, before it is read."""
        self._bar.step(name)

    def watch(self, url: str, done: int, total: int) -> None:
        """Say how much of a file has been fetched."""
        of = f"/{total / 1e6:.1f}" if total else ""
        self._bar.show(f"{url.rpartition('/')[2]}  {done / 1e6:.1f}{of} MB", done, total)


class _Bar:
    def __init__(self) -> None:
        self.total, self._done, self._start = 0, 0, monotonic()
        self._close: Callable[[], None] | None = None
        self._show: Callable[[str, int, int], None] | None = None

    def step(self, name: str) -> None:
        """Count one more file."""
        self._done += 1
        self.show(name, self._done, self.total)

    def show(self, text: str, done: int, total: int) -> None:
        """Draw ``done`` of ``total`` (0: not known) and a text; nothing in the first second."""
        if self._show is None and monotonic() - self._start > _PATIENCE:
            self._open()
        if self._show is not None:
            self._show(text, done, total)

    def close(self) -> None:
        """Take the bar away."""
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
