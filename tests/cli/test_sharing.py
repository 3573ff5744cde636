"""Packages read by several processes: the output is the same as with one process."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.index_server import Index, serving
from tests.support.installs import install, wheel, write
from tests.support.toolchain import gcc
from torch_abi_audit.audit import sharing
from torch_abi_audit.cli import main
from torch_abi_audit.runtime import workers

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
"""Size of libraries for which a second process is worthwhile; their files are mostly a hole."""


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
    """The started processes."""
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
    monkeypatch.setattr(workers, "processors", lambda: hands)
    code = main(words)
    out, err = capfd.readouterr()
    return code, out, err


def seen_alike(
    words: list[str],
    forks: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    maps: int = 1,
) -> tuple[int, str]:
    """Return the exit code and output with one process; with three, they must be the same.

    Args:
        words: The command line.
        forks: See the fixture.
        monkeypatch: Sets the number of processors.
        capfd: Captures the output.
        maps: Number of successive maps, each of which starts two more processes.
    """
    alone = seen(words, 1, monkeypatch, capfd)
    assert not forks
    assert seen(words, 3, monkeypatch, capfd) == alone
    assert len(forks) == 2 * maps
    return alone[:2]


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
    code, out = seen_alike(words, forks, monkeypatch, capfd)
    assert code == 2
    assert "damaged" in out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One large distribution whose libraries import names from each other, torch and Python."""
    site = tmp_path_factory.mktemp("whole")
    calls = {f"{name}{at}": call for name, call in CALLS.items() for at in range(3)}
    members: dict[str, bytes | str] = {"demo/__init__.py": ""}
    for name, call in calls.items():
        text = f"void {call}(void); void own{name}(void) {{ {call}(); }}"
        members[f"demo/{name}.so"] = gcc(text, site / "built.so").read_bytes()
    text = f"void {CALLS['unstable']}(void) {{}} void PyInit_provider(void) {{}}"
    members["demo/provider.so"] = gcc(text, site / "built.so").read_bytes()
    text = "void _ZN2at1fEv(void) {} void asks(void); void g(void) { asks(); }"
    members["beside.so"] = gcc(text, site / "built.so").read_bytes()
    text = "void _ZN2at1fEv(void); void h(void) { _ZN2at1fEv(); }"
    members["demo/sibling.so"] = gcc(text, site / "built.so").read_bytes()
    members["demo/damaged.so"] = b"\x7fELF cut short"
    members["demo/pointer.so"] = "version https://git-lfs.github.com/spec/v1\n"
    members["demo/empty.so"] = b""
    members["demo/object.so"] = b"!<arch>\n"
    (site / "built.so").unlink()
    install(site, "demo", members)
    (site / "demo/dangling.so").symlink_to("nowhere")
    os.truncate(site / "demo/stable0.so", LARGE)
    os.truncate(site / "demo/provider.so", LARGE)
    return site


@pytest.mark.parametrize("option", [None, "-v", "--json", "--check=both"])
def test_nor_how_many_read_one_package(
    whole: Path,
    option: str | None,
    forks: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(whole)
    words = ["demo/", *([option] if option else [])]
    # the files are read, and what they ask each other for is looked up
    code, out = seen_alike(words, forks, monkeypatch, capfd, maps=2)
    assert code == 2
    assert "damaged.so" in out
    if option == "--json":
        report = json.loads(out)
        libraries = report["extensions"] + report["bundled_libs"]
        uses = {one["name"]: one["torch"]["uses_torch"] for one in libraries if one["torch"]}
        assert uses["stable0.so"]
        assert not uses["unstable0.so"]  # a library beside it provides what it asks for
        assert not uses["sibling.so"]  # one elsewhere in the distribution does


@pytest.mark.parametrize("option", ["-v", "--json"])
def test_nor_how_many_judge_it(
    whole: Path,
    option: str,
    forks: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(whole)
    monkeypatch.setattr(sharing, "_LARGE", 1)  # as if there were thousands of names to spell
    code, out = seen_alike(["demo/", option], forks, monkeypatch, capfd, maps=3)
    assert code == 2
    assert "PyMutex_Lock" in out


def test_what_an_index_sends_comes_to_one_process(
    tmp_path: Path,
    forks: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    library = gcc("void f(void); void g(void) { f(); }", tmp_path / "_C.so").read_bytes()
    members = {f"demo/{name}.so": library for name in "abc"}
    monkeypatch.setattr(sharing, "_LARGE", 1)
    for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_RETRIES", "TORCH_ABI_AUDIT_CACHE"):
        monkeypatch.delenv(name, raising=False)
    with serving(Index()) as index:
        for version in ("1.0", "1.1"):
            name = f"demo-{version}-cp39-abi3-manylinux_2_28_x86_64"
            index.add("demo", wheel(tmp_path, members, name=name))
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        monkeypatch.setenv("TORCH_ABI_AUDIT_CACHE", str(tmp_path / "cache"))
        words = ["pypi:demo", "--history", "--platform", "linux_x86_64", "--no-progress"]
        code, out, err = seen(words, 3, monkeypatch, capfd)
    assert code == 0, err
    assert [line.split()[0] for line in out.splitlines()[3:5]] == ["1.0", "1.1"]
    assert not forks


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
