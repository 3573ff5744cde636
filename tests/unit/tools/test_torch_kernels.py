"""What a torch wheel says about its GPUs."""

from __future__ import annotations

import pytest

from tools.torch_kernels import flags_of, own
from tools.wheels import WheelError


@pytest.mark.parametrize("before", [b"\0", b"std::string ipc_h"])
def test_the_list_may_follow_any_text(before: bytes) -> None:
    library = b"\x7fELF sm_1\0" + before + b"sm_37 sm_100 compute_37 sm_90a\0sm_50 or sm_60\0"
    assert flags_of(library, "x") == ("sm_37", "sm_90a", "sm_100", "compute_37")


def test_the_same_list_twice_is_one_and_two_lists_are_an_error() -> None:
    assert flags_of(b"sm_70 sm_75\0 sm_70 sm_75\0", "x") == ("sm_70", "sm_75")
    with pytest.raises(WheelError, match=r"torch\.whl: more than one list"):
        flags_of(b"sm_70 sm_75\0sm_80 sm_90\0", "torch.whl")
    assert flags_of(b"sm_70 and sm_75\0sm_70\0", "x") is None


def test_kernels_with_ptx_are_torch_own_even_if_others_are_more() -> None:
    ours = ("sm_35", "sm_70", "compute_50")
    assert own({("sm_35",): 379, ours: 309, ("sm_30", "compute_75"): 8}) == ours
    with pytest.raises(WheelError, match="no fat binary with PTX"):
        own({("sm_35",): 379})
