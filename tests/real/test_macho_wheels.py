"""Published macOS wheels: the reader and LIEF agree on every library in them."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support import macho_oracle
from tests.support.macho_files import without_symbols
from tests.support.wheels import fetch
from torch_abi_audit.formats.macho import library as macho
from torch_abi_audit.sources.files.readable import BytesReadable, open_readable

if TYPE_CHECKING:
    from pathlib import Path

    from torch_abi_audit.model.binary import Binary

WHEELS = [
    ("torchaudio==2.11.0", "macosx_11_0_arm64"),
    ("torchcodec==0.11.1", "macosx_11_0_arm64"),
    ("numpy==2.3.4", "macosx_11_0_arm64"),
    ("numpy==2.3.4", "macosx_14_0_arm64"),
    ("numpy==2.3.4", "macosx_14_0_x86_64"),
    ("MarkupSafe==3.0.2", "macosx_10_9_universal2"),
    ("cryptography==45.0.5", "macosx_10_9_universal2"),
]
# what exports PyInit names here: extension modules, and libpython with its built-in modules
MODULES = (".cpython-", "_rust.abi3", "pybind_ops", "libpython3")
THIN = b"\xcf\xfa\xed\xfe"


@pytest.fixture(scope="module", params=WHEELS, ids="-".join)
def libraries(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    wheel = fetch(*request.param)
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith((".so", ".dylib"))]
        found = [folder / archive.extract(name, folder) for name in names]
    assert found
    return found


def read(path: Path) -> list[tuple[Binary, frozenset[bytes]]]:
    with open_readable(path) as source:
        found = macho.read(source)
        assert isinstance(found, tuple), path
        return [(one, macho.exports(source, one)) for one in found]


def test_lief_agrees(libraries: list[Path]) -> None:
    for path in libraries:
        ours, theirs = read(path), macho_oracle.facts(path)
        assert len(ours) == len(theirs), path
        for (binary, exports), oracle in zip(ours, theirs, strict=True):
            where = (path.name, binary.arch)
            assert binary.offset == oracle.offset, where
            assert binary.imports == oracle.imports, where
            assert binary.weak_imports == oracle.weak_imports, where
            assert exports == oracle.exports, where
            assert (binary.needed, binary.delay_needed) == (oracle.needed, oracle.delay_needed)
            assert oracle.providers.items() <= binary.providers.items(), where


def test_entry_points_are_the_exports_of_that_name(libraries: list[Path]) -> None:
    for path in libraries:
        for binary, exports in read(path):
            expected = sorted(n for n in exports if n.startswith((b"PyInit_", b"PyModExport_")))
            assert list(binary.entry_points) == expected, path
            assert bool(expected) == any(word in path.name for word in MODULES), path


def test_without_its_symbols_a_library_reads_the_same(libraries: list[Path]) -> None:
    """What dyld binds is what the symbol table lists, but for names that nothing here uses.

    libc++ lists 311 that it only hands on from libc++abi, and exports them.
    """
    for path in libraries:
        data = path.read_bytes()
        if not data.startswith(THIN):
            continue
        (binary, exports), *_ = read(path)
        source = BytesReadable(without_symbols(data))
        found = macho.read(source)
        assert isinstance(found, tuple)
        (stripped,) = found
        assert set(stripped.imports) <= set(binary.imports), path
        assert len(set(binary.imports) - set(stripped.imports) - exports) <= 2, path
        assert set(stripped.weak_imports) == set(binary.weak_imports), path
        assert stripped.providers.items() <= binary.providers.items(), path
        assert stripped.entry_points == binary.entry_points
        assert macho.exports(source, stripped) == exports
