"""Work shared by several processes: every piece is done exactly once, whatever fails."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.runtime import workers
from torch_abi_audit.runtime.workers import processors, share

if TYPE_CHECKING:
    from collections.abc import Iterator

forks = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is trusted with a fork")


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the machine has four processors."""
    monkeypatch.setattr(workers, "processors", lambda: 4)


@pytest.fixture
def nothing_stays_open() -> Iterator[None]:
    """Fail the test unless the same files are open after it as before."""
    before = sorted(Path("/proc/self/fd").iterdir())
    yield
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def identity(number: int) -> tuple[int, int]:
    time.sleep(0.01)  # long enough for every process to get its share
    return number, os.getpid()


@forks
@pytest.mark.usefixtures("four")
def test_several_processes_do_each_number_once_and_in_order() -> None:
    made = share(20, identity, identity)
    assert [number for number, _ in made] == list(range(20))
    assert len({process for _, process in made}) == 4


def test_one_processor_does_all_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "processors", lambda: 1)
    assert {process for _, process in share(3, identity, identity)} == {os.getpid()}


@forks
@pytest.mark.usefixtures("four")
def test_one_number_is_not_worth_a_process() -> None:
    assert share(1, identity, identity) == [(0, os.getpid())]
    assert share(0, identity, identity) == []


@forks
@pytest.mark.usefixtures("four")
def test_what_fails_elsewhere_is_done_again_here() -> None:
    def fails(number: int) -> tuple[int, int]:
        time.sleep(0.01)
        raise ValueError(number)

    made = share(8, identity, fails)
    assert made == [(number, os.getpid()) for number in range(8)]


@forks
@pytest.mark.usefixtures("four")
def test_a_process_that_is_killed_takes_nothing_with_it() -> None:
    def dies(_number: int) -> tuple[int, int]:
        os.kill(os.getpid(), 9)
        return 0, 0

    assert [number for number, _ in share(8, identity, dies)] == list(range(8))


@forks
@pytest.mark.usefixtures("four")
def test_what_cannot_be_packed_is_done_again_here() -> None:
    def odd(number: int) -> object:
        time.sleep(0.01)
        return object() if os.getpid() != parent else number

    parent = os.getpid()
    assert share(8, odd, odd) == list(range(8))


@forks
@pytest.mark.usefixtures("four")
def test_an_error_here_is_the_caller_s() -> None:
    def fails(_number: int) -> int:
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        share(4, fails, fails)


@forks
@pytest.mark.usefixtures("four")
def test_more_than_a_pipe_holds_is_done_by_one_process() -> None:
    assert share((1 << 13) + 1, lambda number: number, lambda _: -1)[-1] == 1 << 13


@forks
@pytest.mark.usefixtures("four")
def test_without_room_for_a_process_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    assert [process for _, process in share(4, identity, identity)] == [os.getpid()] * 4


@forks
def test_the_first_number_is_made_here() -> None:
    made = share(20, identity, identity, 4)
    assert made[0] == (0, os.getpid())
    assert len({process for _, process in made}) == 4


@forks
def test_what_is_made_elsewhere_may_be_more_than_a_pipe_holds() -> None:
    def large(number: int) -> bytes:
        time.sleep(0.01)
        return bytes([number]) * 300_000

    assert share(12, large, large, 3) == [bytes([number]) * 300_000 for number in range(12)]


@forks
@pytest.mark.usefixtures("nothing_stays_open")
@pytest.mark.parametrize("last", [False, True])
def test_one_process_that_is_lost_is_enough_to_do_all_again_here(last: bool) -> None:
    here = os.getpid()
    number_of_the_lost = 7 if last else 1

    def dies(number: int) -> tuple[int, int]:
        if number == number_of_the_lost:
            os.kill(os.getpid(), 9)
        return identity(number)

    def waits(number: int) -> tuple[int, int]:
        time.sleep(0.05)  # others take the number that is fatal
        return number, here

    assert share(8, waits, dies, 3) == [(number, here) for number in range(8)]


@forks
@pytest.mark.usefixtures("nothing_stays_open")
@pytest.mark.parametrize("pipes", [0, 1, 2])
def test_without_files_to_open_there_is_one(monkeypatch: pytest.MonkeyPatch, pipes: int) -> None:
    left, pipe = [None] * pipes, os.pipe

    def refuse_at_last() -> tuple[int, int]:
        if not left:
            raise OSError(24, "Too many open files")
        left.pop()
        return pipe()

    monkeypatch.setattr(os, "pipe", refuse_at_last)
    assert share(4, identity, identity, 3) == [(number, os.getpid()) for number in range(4)]


@forks
@pytest.mark.usefixtures("nothing_stays_open")
def test_without_room_for_a_second_process_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    fork = os.fork
    forked: list[int] = []

    def refuse_the_second() -> int:
        if forked:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        forked.append(fork())
        return forked[0]

    monkeypatch.setattr(os, "fork", refuse_the_second)
    assert share(4, identity, identity, 3) == [(number, os.getpid()) for number in range(4)]


@forks
@pytest.mark.usefixtures("nothing_stays_open")
def test_nothing_stays_open_and_no_process_behind() -> None:
    share(6, identity, identity, 3)
    nothing: dict[int, tuple[int, int]] = {}
    with pytest.raises(KeyError):
        share(6, nothing.__getitem__, identity, 3)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_second_thread_forbids_a_fork() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert processors() == 1
    finally:
        done.set()
        other.join()


def test_other_systems_are_not_trusted_with_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert processors() == 1
