"""A map whose items are made by several processes, where the system allows it.

The other processes are forks: they see all that was in memory here when they began, and give back
what ``messages`` can pack. They last as long as the map. If anything goes wrong in one of them,
this process does all of the work again: errors, and all else that a caller sees, are its own.
"""

from __future__ import annotations

import marshal
import os
import sys

from torch_abi_audit.runtime.messages import pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn, TypeVar

    T = TypeVar("T")

_PIECE = 1 << 20
_WIDTH = 4  # bytes of a number in the pipe that all processes take them from
_LENGTH = 8  # bytes that say how long a message is
_MOST_PROCESSES = 8
"""Processes at the most: a container may show more processors than it lets anybody use."""
_MOST_NUMBERS = 1 << 13
"""Numbers that a pipe holds in any case."""


def processors() -> int:
    """How many processes can work at once; 1 where a fork is not safe.

    Only Linux is trusted with a fork that does not start another program, and only while this
    process has no second thread.
    """
    threading = sys.modules.get("threading")
    if sys.platform != "linux" or (threading is not None and threading.active_count() > 1):
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST_PROCESSES)


def share(
    count: int, do: Callable[[int], T], do_elsewhere: Callable[[int], T], most: int | None = None
) -> list[T]:
    """What is made of each number below ``count``, in order, by several processes together.

    The first number is for this process, the next is for whichever is free.

    Args:
        count: How many there are.
        do: Makes one in this process.
        do_elsewhere: Makes one in another process: prints nothing, and gives what can be packed.
        most: How many processes at most, this one included; ``processors()`` if None.
    """
    size = min(processors() if most is None else most, count)
    if size > 1 and count <= _MOST_NUMBERS:
        try:
            return _shared(count, do, do_elsewhere, size)
        except _LostError:
            pass  # as if it had never been
    return [do(number) for number in range(count)]


def _shared(
    count: int, do: Callable[[int], T], do_elsewhere: Callable[[int], T], size: int
) -> list[T]:
    numbers, end = _pipe()
    os.write(end, b"".join(each.to_bytes(_WIDTH, "little") for each in range(1, count)))
    os.close(end)

    def work() -> dict[int, T]:
        return {number: do_elsewhere(number) for number in _taken(numbers)}

    others: list[_Worker] = []
    try:
        for _ in range(1, size):
            others.append(_Worker(work))  # noqa: PERF401 - kept if a later one fails
        made = {number: do(number) for number in _taken(numbers, 0)}
        for other in others:
            made |= other.result()
    finally:
        os.close(numbers)
        for other in others:
            other.end()
    return [made[number] for number in range(count)]


def _pipe() -> tuple[int, int]:
    """Both ends of a new pipe.

    Raises:
        _LostError: no more files can be open.
    """
    try:
        return os.pipe()
    except OSError as error:
        raise _LostError from error


def _taken(numbers: int, *reserved: int) -> Iterator[int]:
    yield from reserved
    while taken := os.read(numbers, _WIDTH):
        yield int.from_bytes(taken, "little")


class _LostError(Exception):
    """Another process ended before it told what it was asked for, or never began."""


class _Worker:
    """Another process, at work from the moment this is made.

    Raises:
        _LostError: the system has no room for it.
    """

    __slots__ = ("_child", "_finished", "_source")

    def __init__(self, work: Callable[[], object]) -> None:
        self._source, sink = _pipe()
        try:
            self._child = os.fork()
        except OSError as error:
            os.close(self._source)
            os.close(sink)
            raise _LostError from error
        if not self._child:
            _end_with(lambda: _write(sink, _dumped(work())))
        os.close(sink)
        self._finished = False

    def result(self) -> Any:  # noqa: ANN401 - whatever the work gives
        """What it made, once it is done.

        Raises:
            _LostError: it ended before it could say.
        """
        length = int.from_bytes(self._read(_LENGTH), "little")
        made = self._read(length)
        self._finished = True
        return _loaded(made)

    def end(self) -> None:
        """Leave nothing of it behind, whether it is done or not."""
        os.close(self._source)
        if not self._finished:
            import signal  # slow to import, and seldom needed

            os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)

    def _read(self, length: int) -> bytes:
        pieces = []
        while length:
            piece = os.read(self._source, min(length, _PIECE))
            if not piece:
                raise _LostError
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


def _write(sink: int, message: bytes) -> None:
    data = memoryview(len(message).to_bytes(_LENGTH, "little") + message)
    while data:
        data = data[os.write(sink, data) :]


def _end_with(work: Callable[[], None]) -> NoReturn:
    """Work, and end this process: nothing else of it is to be seen."""
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)  # what is printed but not yet written is the other process's affair


def _dumped(value: object) -> bytes:
    return marshal.dumps(pack(value))  # type: ignore[arg-type]


def _loaded(data: bytes) -> object:
    return unpack(marshal.loads(data))  # noqa: S302 - of our own process
