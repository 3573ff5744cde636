"""The paths at which dyld looks, in its order: ``forEachPathVariant`` of ``DyldProcessConfig.cpp``.

The lists are those that its errors show on macOS 13 and later.
"""

from __future__ import annotations

import pytest

from tests.support.macho_files import ARM64, command, image, text
from torch_abi_audit.doctor.macho.images import Loaded
from torch_abi_audit.doctor.macho.search import (
    Link,
    Request,
    Variables,
    candidates,
    is_of_system,
    variables,
)
from torch_abi_audit.doctor.macho.wording import Tried, paths_tried
from torch_abi_audit.formats.macho.image import Image, open_image
from torch_abi_audit.formats.macho.slices import Slice
from torch_abi_audit.sources.files.readable import BytesReadable

CRYPTEX = "/System/Volumes/Preboot/Cryptexes/OS"
PROGRAM = "/py/bin/python"
RPATH, BUILD_VERSION = 0x8000001C, 0x32
NEW, OLD = 15, 12


def loaded(path: str, *rpaths: str, sdk: int = NEW) -> Loaded:
    """An image that is linked with the SDK of a macOS."""
    built = command(
        BUILD_VERSION, b"".join(n.to_bytes(4, "little") for n in (1, 11 << 16, sdk << 16, 0))
    )
    data = image(cpu=ARM64, commands=[built, *(text(RPATH, one) for one in rpaths)])
    read = open_image(Slice(BytesReadable(data), 0, len(data)))
    assert isinstance(read, Image)
    return Loaded(path, read)


def paths(
    asked: str, by: Loaded, given: Variables | None = None, *, linked: bool = True
) -> list[str]:
    request = Request(asked, Link(by), PROGRAM, given or Variables(), linked=linked)
    return [one.path for one in candidates(request)]


def test_an_absolute_path() -> None:
    name = "/opt/homebrew/lib/libx.dylib"
    assert paths(name, loaded("/a/b.so")) == [name, CRYPTEX + name, name]


def test_a_library_built_for_an_old_macos_has_fallbacks() -> None:
    by = loaded("/a/b.so", "/r", sdk=OLD)
    asked = "@rpath/libx.dylib"
    expected = ["/r/libx.dylib", f"{CRYPTEX}/r/libx.dylib"]
    assert paths(asked, loaded("/a/b.so", "/r")) == expected
    assert paths(asked, by) == [*expected, "/usr/local/lib/libx.dylib", "/usr/lib/libx.dylib"]
    tried = [
        Tried(one)
        for one in candidates(Request(asked, Link(by), PROGRAM, Variables(), linked=True))
    ]
    assert paths_tried(tried) == (
        f"tried: '/r/libx.dylib' (no such file), '{CRYPTEX}/r/libx.dylib' (no such file), "
        "'/usr/local/lib/libx.dylib' (no such file), "
        "'/usr/lib/libx.dylib' (no such file, not in dyld cache)"
    )


def test_an_rpath_that_dyld_cannot_use_leads_nowhere() -> None:
    assert paths("@rpath/libx.dylib", loaded("/a/b.so", "lib", "@unknown/lib")) == []


def test_slashes_at_the_end_of_an_rpath() -> None:
    assert paths("@rpath/x", loaded("/a/b.so", "@loader_path/")) == ["/a/x"]


@pytest.mark.parametrize("asked", ["@executable_path/../lib/x", "@executable_path/../../py/lib/x"])
def test_the_executable_path_is_cut_back_as_far_as_it_goes(asked: str) -> None:
    expected = {"@executable_path/../lib/x": "/py/lib/x"}.get(asked, "/py/../py/lib/x")
    assert paths(asked, loaded("/a/b.so")) == [expected]


def test_a_name_without_a_path_that_a_program_opens() -> None:
    by = loaded(PROGRAM, "/r")
    assert paths("libx.dylib", by, linked=False) == [
        *("libx.dylib", f"{CRYPTEX}libx.dylib", "/r/libx.dylib", f"{CRYPTEX}/r/libx.dylib"),
        *("/usr/lib/libx.dylib", "libx.dylib"),
    ]


def test_frameworks_have_variables_of_their_own() -> None:
    given = variables(PROGRAM, {"DYLD_LIBRARY_PATH": "/l", "DYLD_FRAMEWORK_PATH": "/f:/g"})
    asked = "@rpath/Qt.framework/Versions/A/Qt"
    by = loaded("/a/b.so", "@loader_path/r")
    assert paths(asked, by, given) == [
        *(f"{one}/Qt.framework/Versions/A/Qt" for one in ("/f", "/g", "/a/r"))
    ]
    beside = "/x/Qt.framework/Libraries/liby.dylib"
    assert paths(beside, by, given)[0] == "/l/liby.dylib"


@pytest.mark.parametrize(
    ("path", "asked", "expected"),
    [
        ("/usr/lib/libnew.dylib", "/usr/lib/libnew.dylib", True),
        ("/System/Library/Frameworks/M.framework/M", "@rpath/M.framework/M", True),
        ("/usr/lib/libc++.1.dylib", "@rpath/libc++.1.dylib", True),
        ("/usr/lib/swift/libswiftCore.dylib", "@rpath/libswiftCore.dylib", True),
        ("/usr/lib/libc10.dylib", "@rpath/libc10.dylib", False),
        ("/usr/local/lib/libz.dylib", "/usr/local/lib/libz.dylib", False),
        (f"{CRYPTEX}/usr/lib/libz.dylib", "/usr/lib/libz.dylib", False),
    ],
)
def test_what_is_of_macos(path: str, asked: str, *, expected: bool) -> None:
    assert is_of_system(path, asked) is expected
