"""One download from the package index that pip is configured for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.audit.pipeline import audit
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources import Found
from torch_abi_audit.sources.index.wheels import Choice, wheels

if TYPE_CHECKING:
    from pathlib import Path


def test_a_release_for_every_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_ABI_AUDIT_CACHE", str(tmp_path))
    choice = Choice(python="3.11", all_platforms=True)
    try:
        found = list(wheels("pypi:torchaudio==2.11.0", choice))
    except TargetError as error:
        if "cannot reach" in str(error) and not os.environ.get("CI"):
            pytest.skip(str(error))
        raise
    reports = [audit(one) for one in found if isinstance(one, Found)]
    assert len(reports) == len(found) == 4
    assert {one.torch_verdict for one in reports} == {"torch-stable"}
    assert {one.proposed_requires_torch for one in reports} == {"torch>=2.10", "torch>=2.11"}
