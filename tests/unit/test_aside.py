"""Work that several processes share: all of it is done, once at the end, in order."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from torch_abi_audit import aside
from torch_abi_audit.aside import processors, share

forks = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is trusted with a fork")


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine of four processors."""
    monkeypatch.setattr(aside, "processors", lambda: 4)


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
    monkeypatch.setattr(aside, "processors", lambda: 1)
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
def test_nothing_stays_open_and_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "processors", lambda: 3)
    before = sorted(Path("/proc/self/fd").iterdir())
    share(6, identity, identity)
    nothing: dict[int, tuple[int, int]] = {}
    with pytest.raises(KeyError):
        share(6, nothing.__getitem__, identity)
    assert sorted(Path("/proc/self/fd").iterdir()) == before
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
