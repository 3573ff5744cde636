"""Names of distributions. The rules' tests cover the libraries that requirements contain."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.distribution import canonical, cuda_of, is_torch, required


@pytest.mark.parametrize("name", ["Foo.Bar_baz", "foo-bar-baz", "foo__bar..baz", "FOO-_.BAR-BAZ"])
def test_canonical_names(name: str) -> None:
    assert canonical(name) == "foo-bar-baz"


def test_only_torch_is_torch() -> None:
    assert is_torch("Torch")
    assert not is_torch("torchvision")
    assert not is_torch("pytorch")
    assert not is_torch(None)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("torch>=2.9", "torch"),
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
def test_what_a_line_requires(line: str, name: str) -> None:
    assert required(line) == name


@pytest.mark.parametrize(
    ("line", "release"),
    [
        ("nvidia-cublas-cu12==12.8.4.1", 12),
        ("cuda-toolkit[cublas]==13.0.2", 13),
        ("nvidia-cublas", None),
        ("nvidia-cu12", None),
        ("numpy==12", None),
    ],
)
def test_the_cuda_of_a_requirement(line: str, release: int | None) -> None:
    assert cuda_of(line) == release
