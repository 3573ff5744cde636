"""Published wheels for macOS and Windows: the simulated loaders open what fits, and nothing else.

What fits is known from the index of exports, which LIEF confirms on the files at hand.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import lief
import pytest

from tests.support import macho_oracle
from tests.support.wheels import fetch
from torch_abi_audit.doctor import macho, pe
from torch_abi_audit.doctor.process import Refusal

LIBRARIES = (".so", ".dylib", ".dll", ".pyd")
TORCH = {"macos": ("torch==2.11.0", "macosx_26_0_arm64"), "windows": ("torch==2.11.0", "win_amd64")}
AUDIO = {"macos": "macosx_11_0_arm64", "windows": "win_amd64"}
GONE = {
    "macos": ("@rpath/libc10.dylib", "_ZN3c1013MessageLoggerC1EPKcii"),
    "windows": ("c10.dll", "??0MessageLogger@c10@@QEAA@PEBDHH@Z"),
}
"""A constructor that torch 2.10 replaced, and the library that had it."""


def unpacked(wheel: Path, home: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(home, [n for n in archive.namelist() if n.endswith(LIBRARIES)])
    return home


@pytest.fixture(scope="module", params=["macos", "windows"])
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def torch(system: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(fetch(*TORCH[system]), tmp_path_factory.mktemp(system)) / "torch"


@pytest.fixture
def process(system: str, torch: Path) -> macho.MachOProcess | pe.PEProcess:
    """A process that has imported torch."""
    if system == "macos":
        on_macos = macho.process("", {})
        assert (
            on_macos.open(str(torch / "lib" / "libtorch_global_deps.dylib"), everywhere=True)
            is None
        )
        assert on_macos.open(str(next(torch.glob("_C.*.so")))) is None
        return on_macos
    on_windows = pe.process("", {}, [str(torch / "lib")])
    for each in sorted((torch / "lib").glob("*.dll")):
        assert on_windows.open(str(each)) is None
    assert on_windows.open(str(next(torch.glob("_C.*.pyd")))) is None
    return on_windows


def audio(system: str, version: str, home: Path) -> list[Path]:
    """The libraries of torchaudio, in the order in which it opens them."""
    unpacked(fetch(f"torchaudio=={version}", AUDIO[system]), home)
    return sorted((home / "torchaudio" / "lib").glob("libtorchaudio*")) + sorted(
        (home / "torchaudio" / "lib").glob("_torchaudio*")
    )


def test_what_fits_loads(
    system: str, process: macho.MachOProcess | pe.PEProcess, tmp_path: Path
) -> None:
    libraries = audio(system, "2.11.0", tmp_path)
    assert len(libraries) == 2
    for each in libraries:
        assert process.open(str(each)) is None
    assert [one.path for one in process.opened if one.path == str(libraries[0])]
    unexpected = [one for one in process.unknown if "msvcp" not in one and "vc" not in one]
    assert not unexpected


def test_what_does_not_fit_lacks_what_lief_does_not_find(
    system: str, process: macho.MachOProcess | pe.PEProcess, tmp_path: Path
) -> None:
    first, second = audio(system, "2.9.0", tmp_path)
    failure = process.open(str(first))
    assert failure is not None
    assert failure.kind is Refusal.NO_SYMBOL
    assert (failure.library, failure.symbol) == GONE[system]
    assert failure.file == str(first)
    assert failure.copy is not None
    assert failure.symbol is not None
    lacking, sought = Path(failure.copy.path), failure.symbol.encode()
    assert sought in imported(first)
    assert sought not in exported(lacking)
    assert process.open(str(second)) is not None  # it needs the first


def test_lief_finds_what_torch_must_export(system: str, torch: Path, tmp_path: Path) -> None:
    first, _ = audio(system, "2.11.0", tmp_path)
    libraries = [*(torch / "lib").glob("*c10.d*"), *(torch / "lib").glob("*torch_cpu.d*")]
    assert len(libraries) == 2
    provided = exported(libraries[0]) | exported(libraries[1])
    asked = {name for name in imported(first) if b"aoti_torch" in name or b"c10" in name}
    assert asked
    assert asked <= provided


def imported(path: Path) -> set[bytes]:
    if path.suffix == ".so":
        return {name for one in macho_oracle.facts(path) for name in one.imports}
    parsed = lief.PE.parse(str(path))
    assert parsed is not None
    names = (entry.name for one in parsed.imports for entry in one.entries if not entry.is_ordinal)
    return {str(name).encode() for name in names}


def exported(path: Path) -> set[bytes]:
    if path.suffix == ".dylib":
        return {name for one in macho_oracle.facts(path) for name in one.exports}
    parsed = lief.PE.parse(str(path))
    assert parsed is not None
    table = parsed.get_export()
    assert table is not None
    return {str(entry.name).encode() for entry in table.entries}
