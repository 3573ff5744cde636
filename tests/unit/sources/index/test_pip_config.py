from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.index.pip_config import default_index, pip_config

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = {"HOME": "/nonexistent", "XDG_CONFIG_DIRS": "/nonexistent"}


def test_nothing_configured() -> None:
    said = pip_config({"PIP_CONFIG_FILE": os.devnull})
    assert said.indexes == (default_index(),)
    assert said.find_links == ()
    assert (said.timeout, said.retries, said.pre) == (15.0, 5, False)


def test_a_file_and_the_environment_over_it(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://a.example/simple\ntimeout = 60\n"
        "extra-index-url =\n    https://b.example/simple\n    https://c.example/simple\n"
        "[install]\ntrusted-host = a.example\n[wheel]\nproxy = http://unused.example\n"
    )
    told = {**NOWHERE, "PIP_CONFIG_FILE": str(file)}
    said = pip_config(told)
    assert said.indexes == tuple(f"https://{one}.example/simple" for one in "abc")
    assert said.trusted_hosts == ("a.example",)
    assert (said.timeout, said.proxy) == (60.0, None)
    over = pip_config({**told, "PIP_INDEX_URL": "https://d.example/s", "PIP_DEFAULT_TIMEOUT": "9"})
    assert over.indexes[0] == "https://d.example/s"
    assert pip_config({**told, "PIP_NO_INDEX": "true"}).indexes == ()


@pytest.mark.skipif(sys.platform != "linux", reason="where pip looks differs between systems")
def test_the_users_own_file(tmp_path: Path) -> None:
    file = tmp_path / "config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text("[global]\nfind_links = /w1 /w2\ncert = /c.pem\npre = yes\n")
    told = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    said = pip_config({**told, "XDG_CONFIG_DIRS": "/nonexistent"})
    assert "/w1" in said.find_links
    assert (said.cert, said.pre) == ("/c.pem", True)


def test_what_cannot_be_understood(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="pip's option timeout must be a number, not 'soon'"):
        pip_config({"PIP_CONFIG_FILE": os.devnull, "PIP_TIMEOUT": "soon"})
    file = tmp_path / "pip.conf"
    file.write_text("index-url = x\n")
    with pytest.raises(TargetError, match="cannot read pip's configuration"):
        pip_config({**NOWHERE, "PIP_CONFIG_FILE": str(file)})
