"""Which files of a directory are its sources, and what is left out of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.files import source_tree as module
from torch_abi_audit.sources.files.source_tree import (
    Contents,
    contents,
    holds_sources,
    is_source_file,
    replace,
    source_tree,
)

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"// {name}\n")
    return root


def names(root: Path, *more: Path) -> list[str]:
    return [one.name for one in source_tree([str(root), *map(str, more)]).sources]


@pytest.mark.parametrize(
    "name",
    [
        *("a.cpp", "a.cc", "a.cxx", "a.c++", "a.C", "a.cu", "a.cuh", "a.h", "a.hpp", "a.hh"),
        *("a.hxx", "a.inl", "a.inc", "a.mm", "A.CPP", "a.hip", "a.H"),
    ],
)
def test_names_of_sources(tmp_path: Path, name: str) -> None:
    assert names(write(tmp_path, name, "notes.md", "a.c.txt", "a.py", "a.so")) == [name]


@pytest.mark.parametrize(
    "name",
    [
        *("setup.py", "setup.cfg", "pyproject.toml", "CMakeLists.txt", "x.cmake", "meson.build"),
        *("build.ninja", "compile_commands.json", "sub/setup.py"),
    ],
)
def test_names_of_build_files(tmp_path: Path, name: str) -> None:
    tree = source_tree([str(write(tmp_path, name, "a.cpp"))])
    assert [one.name for one in tree.build_files] == [name]


def test_names_are_relative_to_the_directory_and_sorted(tmp_path: Path) -> None:
    root = write(tmp_path / "x", "b.cpp", "a/z.cu", "a/b/c.h")
    tree = source_tree([str(root)])
    assert tree.root == str(root)
    assert [one.name for one in tree.sources] == ["a/b/c.h", "a/z.cu", "b.cpp"]
    assert tree.sources[1].read() == b"// a/z.cu\n"


def test_several_are_named_from_what_they_have_in_common(tmp_path: Path) -> None:
    write(tmp_path, "one/a.cpp", "two/b.cpp", "two/c.cpp", "other/d.cpp")
    assert names(tmp_path / "one", tmp_path / "two" / "b.cpp") == ["one/a.cpp", "two/b.cpp"]
    assert names(tmp_path / "two" / "b.cpp") == ["b.cpp"]


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (("v/pyvenv.cfg", "v/a.cpp"), "a virtual environment"),
        (("v/.git", "v/a.cpp"), "a submodule"),
        (("third_party/a.cpp",), "third-party code"),
        (("x/3rdparty/a.cpp",), "third-party code"),
        (("out/CMakeCache.txt", "out/gen.cpp"), "a build folder"),
        (("out/.ninja_log", "out/gen.cpp"), "a build folder"),
        (("build/temp.linux-x86_64-cpython-312/gen.cpp",), "a build folder"),
        (("inc/ATen/ATen.h", "inc/c10/c10.h", "inc/torch/all.h"), "torch's own headers"),
    ],
)
def test_what_is_not_the_projects_own_is_left_out_and_named(
    tmp_path: Path, made: tuple[str, ...], what: str
) -> None:
    tree = source_tree([str(write(tmp_path, "own.cpp", *made))])
    assert [one.name for one in tree.sources] == ["own.cpp"]
    ((name, said),) = tree.skipped
    assert said == what
    assert made[-1].startswith(name)


@pytest.mark.parametrize("name", ["site-packages", ".hg", "node_modules", "__pycache__", ".tox"])
def test_what_nobody_takes_for_source_is_left_out_in_silence(tmp_path: Path, name: str) -> None:
    tree = source_tree([str(write(tmp_path, "own.cpp", f"x/{name}/a.cpp"))])
    assert ([one.name for one in tree.sources], tree.skipped) == (["own.cpp"], ())


def test_a_directory_that_was_asked_for_is_read_whatever_it_is(tmp_path: Path) -> None:
    root = write(tmp_path, "third_party/CMakeCache.txt", "third_party/a.cpp") / "third_party"
    assert names(root) == ["a.cpp"]


def test_folders_that_only_sound_like_a_build_are_read(tmp_path: Path) -> None:
    assert names(write(tmp_path, "lib.core/a.cpp", "build/b.cpp")) == [
        "build/b.cpp",
        "lib.core/a.cpp",
    ]


def test_build_folders_still_say_how_files_are_compiled(tmp_path: Path) -> None:
    made = ("out/CMakeCache.txt", "out/build.ninja", "out/compile_commands.json", "out/x.cmake")
    tree = source_tree([str(write(tmp_path, "a.cpp", *made))])
    assert [one.name for one in tree.build_files] == [
        "out/build.ninja",
        "out/compile_commands.json",
    ]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links_are_not_followed(tmp_path: Path) -> None:
    root = write(tmp_path / "in", "a.cpp", "d/b.cpp")
    write(tmp_path / "out", "secret.cpp", "dir/c.cpp")
    (root / "link.cpp").symlink_to(tmp_path / "out" / "secret.cpp")
    (root / "linked").symlink_to(tmp_path / "out" / "dir")
    (root / "again").symlink_to(root / "d")
    (root / "loop").symlink_to(root)
    (root / "gone.cpp").symlink_to("nowhere.cpp")
    tree = source_tree([str(root)])
    assert [one.name for one in tree.sources] == ["a.cpp", "d/b.cpp"]
    outside = "a link to a place outside"
    assert tree.skipped == (("link.cpp", outside), ("linked", outside))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_no_source(tmp_path: Path) -> None:
    os.mkfifo(write(tmp_path, "a.cpp") / "b.cpp")
    assert names(tmp_path) == ["a.cpp"]
    with pytest.raises(TargetError, match="neither a file nor a directory"):
        source_tree([str(tmp_path / "b.cpp")])


def test_what_cannot_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = source_tree([str(write(tmp_path, "a.cpp"))]).sources
    monkeypatch.setattr(module, "_MOST_BYTES", 3)
    with pytest.raises(TargetError, match="not read: larger than"):
        source.read()
    (tmp_path / "a.cpp").unlink()
    with pytest.raises(TargetError, match="cannot be read: no such file"):
        source.read()


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.cpp", "b.cpp", "c.cpp")
    monkeypatch.setattr(module, "_MOST_FILES", 2)
    with pytest.raises(TargetError, match="more than 2 sources: give the directories"):
        source_tree([str(tmp_path)])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("gone", "cannot read .*gone: no such file"), ("notes.md", "is not a C.. or CUDA source")],
)
def test_what_is_no_source_at_all(tmp_path: Path, name: str, sentence: str) -> None:
    write(tmp_path, "notes.md")
    with pytest.raises(TargetError, match=sentence):
        source_tree([str(tmp_path / name)])


def test_what_a_path_without_libraries_holds(tmp_path: Path) -> None:
    write(tmp_path, "with/x/a.cu", "without/a.py", "pure.whl", "notes.md", "a.tar.gz")
    assert contents(str(tmp_path / "with")) is Contents.SOURCES
    assert contents(str(tmp_path / "without")) is Contents.NEITHER
    assert contents(str(tmp_path / "notes.md")) is Contents.NEITHER
    assert contents(str(tmp_path / "pure.whl")) is Contents.OTHER
    assert contents(str(tmp_path / "a.tar.gz")) is Contents.ARCHIVE
    assert contents("pypi:x") is Contents.OTHER
    assert holds_sources(str(tmp_path))
    assert not holds_sources(str(tmp_path / "gone"))


def test_a_library_with_the_name_of_a_source_is_a_library(tmp_path: Path) -> None:
    write(tmp_path, "a.inc")
    (tmp_path / "b.inc").write_bytes(b"\x7fELF\2\1\1" + bytes(60))
    assert is_source_file(str(tmp_path / "a.inc"))
    assert not is_source_file(str(tmp_path / "b.inc"))
    assert not is_source_file(str(tmp_path / "gone.cpp"))


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    tree = source_tree([str(write(tmp_path, "a.cpp"))])
    (tmp_path / "a.cpp").chmod(0o640)
    replace(tree, tree.sources[0], b"// a.cpp\n", b"new\r\n")
    assert (tmp_path / "a.cpp").read_bytes() == b"new\r\n"
    assert (tmp_path / "a.cpp").stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["a.cpp"]


def test_a_file_that_changed_since_is_left_alone(tmp_path: Path) -> None:
    tree = source_tree([str(write(tmp_path, "a.cpp"))])
    (tmp_path / "a.cpp").write_text("mine")
    with pytest.raises(TargetError, match="has changed since it was read"):
        replace(tree, tree.sources[0], b"// a.cpp\n", b"new")
    assert (tmp_path / "a.cpp").read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    root = write(tmp_path / "in", "d/a.cpp")
    tree = source_tree([str(root)])
    (root / "d").rename(tmp_path / "out")
    (root / "d").symlink_to(tmp_path / "out")
    with pytest.raises(TargetError, match="has become a link"):
        replace(tree, tree.sources[0], b"// d/a.cpp\n", b"new")
    assert (tmp_path / "out" / "a.cpp").read_text() == "// d/a.cpp\n"
