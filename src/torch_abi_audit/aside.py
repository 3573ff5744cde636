"""Calls that several processes make together, where the system allows it.

The other processes are forks: they see all that is in memory here, so that nothing has to be told
to them, and give back values that ``parcel`` can pack. What goes wrong there is done again here:
errors, and all else that a caller sees, are those of one process.
"""

from __future__ import annotations

import marshal
import os
import sys

from torch_abi_audit.parcel import pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TypeVar

    T = TypeVar("T")

_PIECE = 1 << 20
_WIDTH = 4  # bytes of a number in the pipe that all processes take them from
_HANDS = 8
"""Processes at the most: a container may show more processors than it lets anybody use."""
_MOST = 1 << 13
"""Numbers that a pipe holds in any case."""


def processors() -> int:
    """How many processes can work at once; 1 where a fork is not safe.

    Only Linux is trusted with a fork that does not start another program, and only while this
    process has no second thread.
    """
    threading = sys.modules.get("threading")
    if sys.platform != "linux" or (threading is not None and threading.active_count() > 1):
        return 1
    return min(len(os.sched_getaffinity(0)), _HANDS)


def share(count: int, do: Callable[[int], T], do_elsewhere: Callable[[int], T]) -> list[T]:
    """What is made of each number below ``count``, in order, by all processors together.

    Each process takes the next number as soon as it is free.

    Args:
        count: How many there are.
        do: Makes one in this process.
        do_elsewhere: Makes one in another process: prints nothing, and gives what can be packed.
    """
    hands = min(processors(), count)
    if hands < 2 or count > _MOST:
        return list(map(do, range(count)))
    numbers, end = os.pipe()
    os.write(end, b"".join(each.to_bytes(_WIDTH, "little") for each in range(count)))
    os.close(end)

    def work(make: Callable[[int], T]) -> dict[int, T]:
        done = {}
        while taken := os.read(numbers, _WIDTH):
            number = int.from_bytes(taken, "little")
            done[number] = make(number)
        return done

    others = [_Other(lambda: work(do_elsewhere)) for _ in range(hands - 1)]
    try:
        done = work(do)
        for other in others:
            done |= other.result()
    finally:
        os.close(numbers)
        for other in others:
            other.end()
    return [done[number] if number in done else do(number) for number in range(count)]


class _Other:
    """Another process, at work from the moment this is made."""

    __slots__ = ("_child", "_pipe")

    def __init__(self, work: Callable[[], dict[int, T]]) -> None:
        self._child: int | None = None
        self._pipe, end = os.pipe()
        try:
            child = os.fork()
        except OSError:  # there is no room for it
            child = None
        if child == 0:
            _end_with(work, end)
        os.close(end)
        self._child = child

    def result(self) -> dict[int, T]:
        """What it made, once it is done; nothing where it failed."""
        pieces = []
        while piece := os.read(self._pipe, _PIECE):
            pieces.append(piece)
        if self._child is None:
            return {}
        _, status = os.waitpid(self._child, 0)
        self._child = None
        if status != 0:
            return {}
        return unpack(marshal.loads(b"".join(pieces)))  # type: ignore[return-value]  # noqa: S302

    def end(self) -> None:
        """Leave nothing of it behind, whether it is done or not."""
        os.close(self._pipe)
        if self._child is not None:
            import signal  # noqa: PLC0415 - slow to import, and seldom needed

            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)


def _end_with(work: Callable[[], dict[int, T]], pipe: int) -> NoReturn:
    """Work, write down what was made, and end this process: nothing else of it is to be seen."""
    status = 1
    try:
        data = memoryview(marshal.dumps(pack(work())))  # type: ignore[arg-type]
        while data:
            data = data[os.write(pipe, data) :]
        status = 0
    finally:
        os._exit(status)  # what is printed but not yet written is the other process's affair
