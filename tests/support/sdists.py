"""Published source archives for the tests: each is downloaded once, and nothing of it is run.

The index is the one of pip's configuration; pip itself would run the archive's ``setup.py``.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path

import pytest

from tests.support.wheels import cache_directory
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.index.pip_config import pip_config
from torch_abi_audit.sources.index.simple import listing
from torch_abi_audit.sources.index.web import Web


def fetch_sources(project: str, version: str) -> Path:
    """The unpacked source archive of one release, a directory that tests must not change.

    If no index is reachable, the calling test is skipped, unless ``CI`` is set.

    Raises:
        AssertionError: the index lists no such archive, or with another hash than it sent.
    """
    name = f"{project.replace('-', '_')}-{version}"
    home = cache_directory() / "sources" / name
    if home.is_dir():
        return home
    try:
        data = _downloaded(project, f"{name}.tar.gz")
    except TargetError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no package index is reachable for {project}: {error}")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(scratch, filter="data")
        try:
            (Path(scratch) / name).rename(home)
        except OSError:  # another process was faster
            if not home.is_dir():
                raise
    return home


def _downloaded(project: str, filename: str) -> bytes:
    config = pip_config()
    web = Web(config)
    found = [one for one in listing(project, config, web) if one.filename == filename]
    assert found, f"the index lists no {filename}"
    if found[0].is_local:
        data = Path(found[0].url).read_bytes()
    else:
        with web.stream(found[0].url) as (pieces, _):
            data = b"".join(pieces)
    expected = found[0].sha256
    assert expected in (None, hashlib.sha256(data).hexdigest()), filename
    return data
