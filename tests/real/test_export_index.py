"""The committed export index and published wheels, read by ``nm`` and LIEF: both must agree."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import lief
import pytest

from tests.support import macho_oracle
from tests.support.wheels import fetch
from torch_abi_audit.knowledge import export_index, torch_namespaces, torch_shims
from torch_abi_audit.knowledge.export_file import ExportFile
from torch_abi_audit.knowledge.names.torch import Build, build_of, is_libtorch
from torch_abi_audit.mangling import mentions, owner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RELEASE = "2.11.0"
TAGS = {
    "linux_x86_64": "manylinux_2_28_x86_64",
    "linux_aarch64": "manylinux_2_28_aarch64",
    "macosx_arm64": "macosx_26_0_arm64",
    "win_amd64": "win_amd64",
}
UNNAMED = (b"_GLOBAL__N_", b"__nv_hdl_", b"__device_stub__")
"""In names that exist in the file that defines them alone: left out of the index."""


@cache
def index(platform: str) -> dict[str, set[bytes]]:
    """Library to the names that the index says this release exports."""
    file = ExportFile((export_index.DATA / f"exports-{platform}.idx").read_bytes())
    position = [release.version for release in file.releases].index(RELEASE)
    exports: dict[str, set[bytes]] = {}
    for name, each in file.names():
        for library in each.libraries(position):
            exports.setdefault(library, set()).add(name)
    return exports


def libraries(platform: str, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Each of torch's own libraries in the wheel, unpacked only while it is being read."""
    with zipfile.ZipFile(fetch(f"torch=={RELEASE}", TAGS[platform])) as wheel:
        for member in wheel.namelist():
            name = PurePosixPath(member).name
            if member == f"torch/lib/{name}" and is_libtorch(name):
                path = scratch / name
                with wheel.open(member) as packed, path.open("wb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
                yield name, path
                path.unlink()


def exported(path: Path) -> set[bytes]:
    """The exports of a library according to an independent reader."""
    if path.suffix == ".so":
        command = ["nm", "-D", "--defined-only", "--format=just-symbols", str(path)]
        done = subprocess.run(command, capture_output=True, check=True)
        return {line.partition(b"@")[0] for line in done.stdout.splitlines()}
    if path.suffix == ".dll":
        config = lief.PE.ParserConfig()
        config.parse_signature = config.parse_rsrc = config.parse_reloc = False
        pe = lief.PE.parse(str(path), config)
        assert pe is not None
        export = pe.get_export()
        return set() if export is None else {_raw(one.name) for one in export.entries}
    (image,) = macho_oracle.facts(path)
    return set(image.exports)


def _raw(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode()


def is_torchs(name: bytes) -> bool:
    """Whether a name is torch's or mentions torch's types, on any platform."""
    if name in torch_shims.shims() or torch_namespaces.owns_c_name(name):
        return True
    if torch_namespaces.owns(owner(name)):
        return True
    return any(map(torch_namespaces.is_torch_type, mentions(name)))


@pytest.mark.parametrize("platform", TAGS)
def test_the_index_is_what_a_published_wheel_exports(platform: str, tmp_path: Path) -> None:
    known = index(platform)
    shipped = {}
    for library, path in libraries(platform, tmp_path):
        real = shipped[library] = exported(path)
        kept = known.get(library, set())
        missing = {name for name in real - kept if is_torchs(name)}

        assert kept - real == set(), f"{library} does not export what the index says"
        assert {n for n in missing if not any(part in n for part in UNNAMED)} == set(), library
        if platform in {"macosx_arm64", "win_amd64"}:
            assert kept == real, library

    assert known.keys() <= shipped.keys()
    (release,) = (one for one in export_index.releases(platform) if one.version == RELEASE)
    assert shipped.keys() <= set(release.libraries)
    assert (release.cuda is not None) == any(build_of(one) is Build.CUDA for one in shipped)
    assert sum(map(len, known.values())) > 35_000
