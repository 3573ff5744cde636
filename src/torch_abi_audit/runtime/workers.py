"""Work that several processes do together, where the system allows it.

The other processes are forks: they see all that was in memory here when they began. What they tell
each other and give back are values that ``parcel`` can pack. What goes wrong there is done again
here: errors, and all else that a caller sees, are those of one process.
"""

from __future__ import annotations

import marshal
import os
import sys

from torch_abi_audit.runtime.messages import pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import NoReturn, TypeVar

    T = TypeVar("T")

_PIECE = 1 << 20
_WIDTH = 4  # bytes of a number in the pipe that all processes take them from
_LENGTH = 8  # bytes that say how long a message is
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


class Team:
    """The processes at work on one thing, as one of them sees them."""

    __slots__ = ("_links", "_place", "_size", "numbers")

    def __init__(
        self,
        numbers: Iterator[int],
        links: Sequence[_Link] = (),
        place: int = 0,
        size: int = 1,
    ) -> None:
        self._links, self._place, self._size = links, place, size
        self.numbers = numbers
        """What is left to do: each goes to whoever is free first."""

    @property
    def first(self) -> bool:
        """Whether it is the one that the others were started by."""
        return self._place == 0

    def portion(self, things: Sequence[T]) -> Sequence[T]:
        """Those of things that fall to this process, each to one, whoever is free."""
        return things[self._place :: self._size]

    def exchange(self, value: T) -> list[T]:
        """What every process brings to this call, its own first; all make the same calls."""
        if not self._links:
            return [value]
        own = _dumped(value)
        if self.first:
            told = [link.read() for link in self._links]
            for at, link in enumerate(self._links):
                link.write(marshal.dumps([own, *told[:at], *told[at + 1 :]]))
        else:
            (link,) = self._links
            link.write(own)
            told = marshal.loads(link.read())  # noqa: S302 - of our own process
        return [value, *map(_loaded, told)]  # type: ignore[list-item]


def together(count: int, work: Callable[[Team], T], hands: int | None = None) -> list[T]:
    """What each process makes of its part of the numbers below ``count``, this one's first.

    The first number is for this process, the next is for whoever is free.

    Args:
        count: How many there are.
        work: Takes what it does from ``Team.numbers``. In another process it prints nothing, and
            gives what can be packed.
        hands: Processes at the most; as many as can work at once if None.
    """
    hands = min(processors() if hands is None else hands, count)
    if hands > 1 and count <= _MOST:
        try:
            return _together(count, work, hands)
        except _LostError:
            pass  # as if it had never been
    return [work(Team(iter(range(count))))]


def share(count: int, do: Callable[[int], T], do_elsewhere: Callable[[int], T]) -> list[T]:
    """What is made of each number below ``count``, in order, by all processors together.

    Args:
        count: How many there are.
        do: Makes one in this process.
        do_elsewhere: Makes one in another process: prints nothing, and gives what can be packed.
    """

    def work(team: Team) -> dict[int, T]:
        make = do if team.first else do_elsewhere
        return {number: make(number) for number in team.numbers}

    done: dict[int, T] = {}
    for part in together(count, work):
        done |= part
    return [done[number] for number in range(count)]


def _together(count: int, work: Callable[[Team], T], hands: int) -> list[T]:
    numbers, end = _pipe()
    os.write(end, b"".join(each.to_bytes(_WIDTH, "little") for each in range(1, count)))
    os.close(end)

    def work_there(link: _Link, place: int) -> None:
        link.write(_dumped(work(Team(_taken(numbers), (link,), place, hands))))

    others: list[_Other] = []
    try:
        for place in range(1, hands):
            others.append(_Other(work_there, place))  # noqa: PERF401 - kept if a later one fails
        links = [other.link for other in others]
        made = [work(Team(_taken(numbers, 0), links, size=hands))]
        made += [other.result() for other in others]  # type: ignore[misc]
    finally:
        os.close(numbers)
        for other in others:
            other.end()
    return made


def _pipe() -> tuple[int, int]:
    """Both ends of a new pipe.

    Raises:
        _LostError: no more files can be open.
    """
    try:
        return os.pipe()
    except OSError as error:
        raise _LostError from error


def _close(ends: Sequence[int]) -> None:
    for end in ends:
        os.close(end)


def _taken(numbers: int, *reserved: int) -> Iterator[int]:
    yield from reserved
    while taken := os.read(numbers, _WIDTH):
        yield int.from_bytes(taken, "little")


class _LostError(Exception):
    """Another process ended before it told what it was asked for, or never began."""


class _Link:
    """Messages to and from another process."""

    __slots__ = ("_in", "_out")

    def __init__(self, source: int, sink: int) -> None:
        self._in, self._out = source, sink

    def write(self, message: bytes) -> None:
        data = memoryview(len(message).to_bytes(_LENGTH, "little") + message)
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except BrokenPipeError as error:
            raise _LostError from error

    def read(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(_LENGTH), "little"))

    def _exactly(self, length: int) -> bytes:
        pieces = []
        while length:
            piece = os.read(self._in, min(length, _PIECE))
            if not piece:
                raise _LostError
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        _close((self._in, self._out))


class _Other:
    """Another process, at work from the moment this is made.

    Raises:
        _LostError: the system has no room for it.
    """

    __slots__ = ("_child", "_finished", "link")

    def __init__(self, work: Callable[[_Link, int], None], place: int) -> None:
        here = _pipe()
        try:
            there = _pipe()
        except _LostError:
            _close(here)
            raise
        try:
            self._child = os.fork()
        except OSError as error:
            _close(here + there)
            raise _LostError from error
        mine, its = (here[0], there[1]), (there[0], here[1])
        _close(its if self._child else mine)
        if not self._child:
            _end_with(lambda: work(_Link(*its), place))
        self.link = _Link(*mine)
        self._finished = False

    def result(self) -> object:
        """What it made, once it is done."""
        made = self.link.read()
        self._finished = True
        return _loaded(made)

    def end(self) -> None:
        """Leave nothing of it behind, whether it is done or not."""
        self.link.close()
        if not self._finished:
            import signal  # slow to import, and seldom needed

            os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)


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
