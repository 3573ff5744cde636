"""A map that several processes compute together, if the system allows it.

The other processes are forks: they start with a copy of this process's memory, return values that
``messages`` can pack, and end with the map. If one of them fails, this process repeats all of the
work, so that a caller sees the errors and output of this process only.
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
_WIDTH = 4  # bytes of each number in the pipe that all processes read
_LENGTH = 8  # bytes of the length before a message
_MOST_PROCESSES = 8
"""Maximum number of processes: a container may show more processors than it may use."""
_MOST_NUMBERS = 1 << 13
"""How many numbers fit into a pipe on any system."""


def processors() -> int:
    """Return how many processes can work at once; 1 if it is not safe to fork.

    A fork that does not start another program is considered safe only on Linux, in a process with
    one thread.
    """
    threading = sys.modules.get("threading")
    if sys.platform != "linux" or (threading is not None and threading.active_count() > 1):
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST_PROCESSES)


def share(
    count: int, do: Callable[[int], T], do_elsewhere: Callable[[int], T], most: int | None = None
) -> list[T]:
    """Return the result for each number below ``count``, in order, computed by several processes.

    This process takes the first number; whichever process is free takes the next.

    Args:
        count: How many numbers there are.
        do: Computes a result in this process.
        do_elsewhere: Computes a result in another process: must not print, and must return a value
            that can be packed.
        most: Maximum number of processes, including this one; ``processors()`` by default.
    """
    size = min(processors() if most is None else most, count)
    if size > 1 and count <= _MOST_NUMBERS:
        try:
            return _shared(count, do, do_elsewhere, size)
        except _LostError:
            pass  # do all of the work here
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
            others.append(_Worker(work))  # noqa: PERF401 - must be ended if a later one fails
        made = {number: do(number) for number in _taken(numbers, 0)}
        for other in others:
            made |= other.result()
    finally:
        os.close(numbers)
        for other in others:
            other.end()
    return [made[number] for number in range(count)]


def _pipe() -> tuple[int, int]:
    """Return both ends of a new pipe.

    Raises:
        _LostError: too many files are open.
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
    """Another process ended before it returned its result, or could not be started."""


class _Worker:
    """Another process; constructing a worker starts it.

    Raises:
        _LostError: the system cannot start another process.
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

    def result(self) -> Any:  # noqa: ANN401 - whatever the work returns
        """Wait for the result and return it.

        Raises:
            _LostError: the process ended before it returned one.
        """
        length = int.from_bytes(self._read(_LENGTH), "little")
        made = self._read(length)
        self._finished = True
        return _loaded(made)

    def end(self) -> None:
        """Clean up, and kill the process if it has not finished."""
        os.close(self._source)
        if not self._finished:
            import signal  # slow to import, and rarely needed

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
    """Work, then end this process without flushing buffers or running exit handlers."""
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)  # buffered output belongs to the parent, which writes it


def _dumped(value: object) -> bytes:
    return marshal.dumps(pack(value))  # type: ignore[arg-type]


def _loaded(data: bytes) -> object:
    return unpack(marshal.loads(data))  # noqa: S302 - from our own process
