from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.distribution import required


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("torch", "torch"),
        ("  Torch_Geometric.x--y>=2 ; extra == 'a'", "torch-geometric-x-y"),
        ("zope.interface[test] (>=5)", "zope-interface"),
        ("torch @ https://x/torch.whl", "torch"),
        ("torch-", "torch-"),
        ("-torch", ""),
        ("_torch", ""),
        ("(x)", ""),
        ("", ""),
    ],
)
def test_names_of_requirements(line: str, name: str) -> None:
    assert required(line) == name
