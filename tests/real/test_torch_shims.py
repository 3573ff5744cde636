"""The committed shim table compared with one published release: headers and exports."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.wheels import fetch
from tools import generate_torch_shims as program
from torch_abi_audit.knowledge.torch_shims import newest_shim_release, shims
from torch_abi_audit.model.releases import release_key

RELEASE = "2.11.0"


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator, given the macOS wheel of the tests' cache as its download."""
    wheel = fetch(f"torch=={RELEASE}", program.HEADER_PLATFORM)

    def download(_project: str, _version: str, _tags: object, scratch: Path) -> Path:
        return Path(shutil.copy(wheel, scratch))

    monkeypatch.setattr(program, "download", download)
    monkeypatch.setattr(program, "EXPORT_PLATFORMS", ())


@pytest.mark.usefixtures("published")
def test_the_table_is_what_the_headers_of_a_published_release_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = program.main(["--check", "--release", RELEASE, "--headers-only"])

    assert status == 0, capsys.readouterr().out


@pytest.mark.usefixtures("published")
def test_a_published_release_exports_what_its_headers_declare() -> None:
    release = program.read_release(RELEASE, exports=True)

    exported = {name for name, by in release.exported.items() if "libtorch_cpu.dylib" in by}
    declared = {
        name
        for name in release.declared
        if "libtorch_cpu.dylib" in shims()[name.encode()].exported_by
    }
    assert exported == declared
    assert len(declared) > 400
    assert release.platforms == ("macosx_11_0_arm64",)


@pytest.mark.usefixtures("published")
def test_every_shim_of_a_published_release_is_of_it_or_older() -> None:
    release = program.read_release(RELEASE, exports=False)

    firsts = {shims()[name.encode()].first_release for name in release.declared}
    assert max(firsts, key=release_key) == RELEASE
    assert release_key(RELEASE) <= release_key(newest_shim_release())
