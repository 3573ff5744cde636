from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.installs import ELF, contents, write
from torch_abi_audit.sources.files import tree
from torch_abi_audit.sources.files.tree import Tree, below, gather, is_below, walk
from torch_abi_audit.sources.found import HEAD_LENGTH, Unread

if TYPE_CHECKING:
    from collections.abc import Callable

needs_symlinks = pytest.mark.skipif(os.name == "nt", reason="symlinks need a privilege there")
needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")


def names(seen: Tree) -> list[str]:
    return [each.relative for each in seen.candidates]


def test_libraries_are_found_by_their_first_bytes(tmp_path: Path) -> None:
    for name in ("_C.so.1", "x.so.pt112cu116", "extensionless", "deep/er/protoc-3.13.0"):
        write(tmp_path / name)
    write(tmp_path / "core.dll", b"MZ" + bytes(62))
    write(tmp_path / "mac", b"\xcf\xfa\xed\xfe")
    write(tmp_path / "README", "words")
    write(tmp_path / "module.py", ELF)
    assert names(walk(str(tmp_path))) == [
        "_C.so.1", "core.dll", "deep/er/protoc-3.13.0", "extensionless", "mac", "x.so.pt112cu116",
    ]  # fmt: skip


def test_what_is_named_as_a_library_is_one_whatever_it_holds(tmp_path: Path) -> None:
    write(tmp_path / "empty.so", b"")
    write(tmp_path / "script.so", "INPUT(libx.so.1)")
    assert names(walk(str(tmp_path))) == ["empty.so", "script.so"]


def test_a_candidate_tells_what_it_is_and_opens(tmp_path: Path) -> None:
    path = write(tmp_path / "pkg" / "x.so", ELF + b"the rest")
    (candidate,) = walk(str(tmp_path)).candidates
    assert candidate.path == str(path)
    assert candidate.relative == "pkg/x.so"
    assert candidate.size == len(ELF) + 8
    assert candidate.head == ELF[:HEAD_LENGTH]
    assert contents(candidate) == ELF + b"the rest"
    assert contents(pickle.loads(pickle.dumps(candidate))) == ELF + b"the rest"  # noqa: S301


def test_text_formats_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.py", "")
    write(tmp_path / "__pycache__" / "x.so")
    write(tmp_path / ".git" / "objects" / "x.so")
    monkeypatch.setattr(tree, "glance", lambda *_args, **_more: pytest.fail("opened"))
    assert walk(str(tmp_path)) == Tree()


@needs_symlinks
def test_links_to_a_file_are_not_further_libraries(tmp_path: Path) -> None:
    write(tmp_path / "z" / "libx.so.1.2")
    (tmp_path / "z" / "libx.so").symlink_to("libx.so.1.2")
    (tmp_path / "a.so").symlink_to(tmp_path / "z" / "libx.so")
    assert names(walk(str(tmp_path))) == ["z/libx.so.1.2"]


@needs_symlinks
def test_a_link_out_of_the_root_counts_once_under_its_own_name(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "libx.so")
    root = tmp_path / "root"
    root.mkdir()
    (root / "b.so").symlink_to(outside)
    (root / "a.so").symlink_to(outside)
    assert names(walk(str(root))) == ["a.so"]


@needs_symlinks
def test_a_dangling_link_is_no_file_and_told_where_it_is_named_as_a_library(
    tmp_path: Path,
) -> None:
    (tmp_path / "gone.so").symlink_to("nowhere")
    (tmp_path / "itself.so").symlink_to("itself.so")
    (tmp_path / "gone.txt").symlink_to("nowhere")
    seen = walk(str(tmp_path))
    assert seen.candidates == ()
    assert [(each.relative, each.dangling) for each in seen.unread] == [
        ("gone.so", True),
        ("itself.so", True),
    ]


@needs_symlinks
def test_linked_directories_are_followed_once_and_never_round(tmp_path: Path) -> None:
    write(tmp_path / "beside" / "x.so")
    write(tmp_path / "elsewhere" / "y.so")
    root = tmp_path / "root"
    write(root / "inner" / "z.so")
    (root / "inner" / "up").symlink_to(root)
    (root / "above").symlink_to(tmp_path)
    (root / "one").symlink_to(tmp_path / "elsewhere")
    (root / "two").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "elsewhere")
    assert names(walk(str(root))) == ["inner/z.so", "one/y.so"]


def test_hard_links_are_one_library(tmp_path: Path) -> None:
    first = write(tmp_path / "a.so")
    (tmp_path / "b.so").hardlink_to(first)
    assert names(walk(str(tmp_path))) == ["a.so"]


@needs_fifos
def test_only_regular_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.so")
    (tmp_path / "link.so").symlink_to("pipe.so")
    (tmp_path / "null.so").symlink_to(os.devnull)
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened"))
    assert walk(str(tmp_path)) == Tree()
    assert gather([(str(tmp_path / "pipe.so"), "pipe.so")]) == Tree()


@needs_fifos
def test_a_fifo_that_took_a_file_s_place_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.so")
    assert tree.glance(str(tmp_path / "pipe.so"), "pipe.so") is None


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails to read")
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to("/proc/self/mem")
    (unread,) = walk(str(tmp_path)).unread
    assert unread == Unread(str(tmp_path / "broken"), "broken", "input/output error")
    assert gather([(str(tmp_path / "broken"), "broken")]).unread == (unread,)


def refuse(path: Path, call: Callable[..., Any]) -> Callable[..., Any]:
    def refusing(where: Any, *more: Any) -> Any:
        if os.fspath(where) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return call(where, *more)

    return refusing


def test_a_file_that_cannot_be_opened_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "secret")
    monkeypatch.setattr(os, "open", refuse(path, os.open))
    assert walk(str(tmp_path)).unread == (Unread(str(path), "secret", "permission denied"),)


def test_a_directory_that_cannot_be_listed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "secret" / "x.so")
    write(tmp_path / "y.so")
    monkeypatch.setattr(os, "scandir", refuse(tmp_path / "secret", os.scandir))
    seen = walk(str(tmp_path))
    assert seen.unread == (Unread(str(tmp_path / "secret"), "secret", "permission denied"),)
    assert names(seen) == ["y.so"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_permissions(tmp_path: Path) -> None:
    write(tmp_path / "a.so").chmod(0)
    write(tmp_path / "b" / "x.so").parent.chmod(0)
    try:
        assert [each.relative for each in walk(str(tmp_path)).unread] == ["a.so", "b"]
    finally:
        (tmp_path / "b").chmod(0o700)


def test_gather_takes_what_it_is_given(tmp_path: Path) -> None:
    write(tmp_path / "x.so")
    write(tmp_path / "y.py")
    pairs = [(str(tmp_path / name), name) for name in ("y.py", "x.so", "gone.so", "x.so/below.so")]
    assert names(gather(pairs)) == ["x.so"]


@needs_symlinks
def test_gather_prefers_the_file_to_its_link(tmp_path: Path) -> None:
    write(tmp_path / "z.so")
    (tmp_path / "a.so").symlink_to("z.so")
    pairs = [(str(tmp_path / name), name) for name in ("a.so", "z.so")]
    assert names(gather(pairs)) == ["z.so"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
def test_paths_below() -> None:
    assert below("/a/b/c", "/a") == "b/c"
    assert below("/a/b", "/a/b") == ""
    assert below("/a/c", "/a/b") == "../c"
    assert below("/b", "/") == "b"
    assert is_below("/a/b", "/a")
    assert is_below("/a", "/a")
    assert is_below("/a", "/")
    assert not is_below("/ab", "/a")
