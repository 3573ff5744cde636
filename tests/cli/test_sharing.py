"""Packages that several processes read: what is seen of it is what one process would show."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.installs import install, write
from tests.toolchain import gcc
from torch_abi_audit import aside
from torch_abi_audit.cli import main
from torch_abi_audit.commands import loading

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is trusted with a fork")
NAMES = ("stable", "unstable", "python", "damaged", "pure")
CALLS = {
    "stable": "torch_call_dispatcher",
    "unstable": "_ZN3c106detail14torchCheckFailEPKcS2_jS2_",
    "python": "PyMutex_Lock",
}
LARGE = 70 << 20
"""As large as libraries are of which a second process is worth while; a hole, for the most part."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    for name, call in CALLS.items():
        library = gcc(f"void {call}(void); void f(void) {{ {call}(); }}", site / f"{name}/lib.so")
        install(site, name, {f"{name}/lib.so": library.read_bytes(), f"{name}/__init__.py": ""})
    install(site, "damaged", {"damaged/lib.so": b"\x7fELF cut short", "damaged/__init__.py": ""})
    write(site / "pure/__init__.py", "")
    os.truncate(site / "stable/lib.so", LARGE)
    return site


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that were started."""
    started: list[int] = []
    fork = os.fork

    def counted() -> int:
        child = fork()
        started.append(child)
        return child

    monkeypatch.setattr(os, "fork", counted)
    return started


def seen(
    words: list[str], hands: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    for home in (aside, loading):
        monkeypatch.setattr(home, "processors", lambda: hands)
    code = main(words)
    out, err = capfd.readouterr()
    return code, out, err


@pytest.mark.parametrize("option", [None, "-v", "--json", "--check=both"])
@pytest.mark.parametrize("environment", [False, True])
def test_the_output_does_not_tell_how_many_processes_read(
    site: Path,
    option: str | None,
    environment: bool,
    forks: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(site)
    words = ["--site-packages", ".", "--all"] if environment else [f"{n}/" for n in (*NAMES, "no")]
    words = [*words, *([option] if option else [])]
    alone = seen(words, 1, monkeypatch, capfd)
    assert not forks
    assert seen(words, 3, monkeypatch, capfd) == alone
    assert len(forks) == 2
    code, out, _ = alone
    assert code == 2
    assert "damaged" in out


def test_small_files_are_read_sooner_than_a_process_is_started(
    site: Path,
    forks: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = [str(site / f"{name}/lib.so") for name in ("unstable", "python")]
    assert seen(words, 3, monkeypatch, capfd)[0] == 0
    assert not forks


def test_nothing_is_printed_twice_on_a_full_buffer(
    site: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    sys.stdout.write("before")  # not flushed: a fork has it in its memory, too
    _, out, _ = seen([f"{site}/{name}" for name in NAMES], 3, monkeypatch, capfd)
    assert out.count("before") == 1
