from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.installs import install, write
from torch_abi_audit.sources.installed import distribution as metadata
from torch_abi_audit.sources.installed.distribution import Distribution, distributions

if TYPE_CHECKING:
    from pathlib import Path


def test_a_record_is_read_as_csv() -> None:
    text = (
        "pkg/x.so,sha256=abc,10\r\n"
        '"pkg/a,b.so",sha256=abc,10\n'
        '"pkg/say ""hi"".so",,\n'
        "./pkg//y.so,,\n"
        "../../../bin/tool,,\n"
        "pkg/with\x0btab\u2028.so,,\n"
        "\n"
    )
    assert list(metadata.record_paths(text)) == [
        "pkg/x.so",
        "pkg/a,b.so",
        'pkg/say "hi".so',
        "pkg/y.so",
        "../../../bin/tool",
        "pkg/with\x0btab\u2028.so",
    ]


def test_a_record_with_an_open_quote_still_lists_its_files() -> None:
    text = '"' + "x" * 200_000 + "\npkg/x.so,,\n"
    assert "pkg/x.so" in list(metadata.record_paths(text))


def test_installed_files_start_from_the_metadata_directory(tmp_path: Path) -> None:
    write(tmp_path / "foo-1.0.egg-info" / "installed-files.txt", "../foo/_C.so\nPKG-INFO\n")
    (only,) = distributions(str(tmp_path))
    assert metadata.recorded(only) == ("foo/_C.so", "foo-1.0.egg-info/PKG-INFO")


def test_absence_of_a_record_is_not_an_empty_one(tmp_path: Path) -> None:
    write(tmp_path / "foo-1.0.dist-info" / "METADATA", "Name: foo\n")
    (only,) = distributions(str(tmp_path))
    assert metadata.recorded(only) is None


def test_a_record_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "foo-1.0.dist-info" / "RECORD").mkdir(parents=True)
    (only,) = distributions(str(tmp_path))
    assert metadata.recorded(only) is None


def test_headers_end_at_the_first_blank_line() -> None:
    text = (
        "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.2\nRequires-Dist: torch>=2.9\n"
        "Classifier: a\n        Name: folded\nrequires-dist: numpy ; extra == 'x'\n\n"
        "Name: body\nRequires-Dist: body\n"
    )
    said = metadata.parse_headers(text)
    assert (said.name, said.version) == ("Foo.Bar", "1.2")
    assert said.requires == ("torch>=2.9", "numpy ; extra == 'x'")


def test_the_folder_s_name_stands_in_for_missing_metadata(tmp_path: Path) -> None:
    (tmp_path / "foo_bar-1.2.dist-info").mkdir()
    (only,) = distributions(str(tmp_path))
    assert only.key == "foo-bar"
    said = metadata.headers(only)
    assert (said.name, said.version) == ("foo_bar", "1.2")


def test_an_egg_info_may_be_a_file(tmp_path: Path) -> None:
    write(tmp_path / "foo-1.0-py3.11.egg-info", "Name: Foo\nVersion: 1.0\n")
    (only,) = distributions(str(tmp_path))
    assert metadata.headers(only).name == "Foo"
    assert metadata.recorded(only) is None


def test_what_an_interrupted_upgrade_left_is_no_distribution(tmp_path: Path) -> None:
    (tmp_path / "~oo-1.0.dist-info").mkdir()
    assert distributions(str(tmp_path)) == []


def test_tags_and_top_level_names(tmp_path: Path) -> None:
    info = install(tmp_path, "foo", [], metadata={"top_level.txt": "foo\n_foo\n\n"})
    only = Distribution(str(tmp_path), info.name)
    assert metadata.stated_tags(only) == ("cp311-cp311-linux_x86_64",)
    assert metadata.top_level(only) == ("_foo", "foo")
    assert metadata.tags("Tag: a-b-c\nRoot-Is-Purelib: false\nTag: a-b-d\n") == ("a-b-c", "a-b-d")


def test_import_names_are_what_can_be_imported() -> None:
    paths = [
        "foo/__init__.py",
        "_foo.cpython-311-x86_64-linux-gnu.so",
        "foo.libs/libx.so",
        "bar.py",
        "foo-1.0.dist-info/METADATA",
        "share/doc.txt",
        "ns/inner/x.pyd",
    ]
    assert metadata.import_names(paths) == ("_foo", "bar", "foo", "ns")


@pytest.mark.parametrize(
    "text",
    [
        "a.py,,\npkg/data,,\npkg/x.py,s,1\npkg/y.py,,\nz.so,,\n",  # together
        "pkg/x.py,,\na.py,,\npkg/data,,\nz.so,,\npkg/y.py,,\n",  # apart
        "pkg/x.py,,\r\npkg/z,,\r\na.py,,\r\nz.so,,",
        'a.py,,\n"pkg/x.py",,\nz.so,,\npkg/x.py,,\n',  # quoted: all of them
    ],
)
def test_of_a_directory_that_is_walked_a_record_gives_one_module(text: str) -> None:
    paths = metadata.record_paths(text, "pkg/")
    assert [path for path in paths if not path.startswith("pkg/")] == ["a.py", "z.so"]
    assert {path for path in paths if path.startswith("pkg/")} == {"pkg/x.py"}


def test_a_record_without_the_walked_directory_is_all_there() -> None:
    assert metadata.record_paths("a.py,,\nb.py,,\n", "pkg/") == ["a.py", "b.py"]
    assert metadata.record_paths("a.py,,\npkg/x.txt,,\n", "pkg/") == ["a.py"]
