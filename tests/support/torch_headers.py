"""The headers of torch releases for the tests."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.wheels import fetch

if TYPE_CHECKING:
    from pathlib import Path


def headers(release: str, directory: Path) -> Path:
    """The include directory of a release, unpacked below ``directory`` from its smallest wheel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_CONSTRAINT", os.devnull)  # a machine may hold back newer releases
        wheel = fetch(f"torch=={release}", "macosx_26_0_arm64", "3.12")
    with zipfile.ZipFile(wheel) as archive:
        wanted = [one for one in archive.namelist() if one.startswith("torch/include/")]
        archive.extractall(directory, wanted)
    return directory / "torch" / "include"
