"""The headers of torch's C shims, and the macros without which they do not declare them.

Read from the headers of the wheels of torch 2.9 to 2.15: the shims of a device are generated, one
for each operator, in a header of the device, except for those that are listed here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.knowledge.torch_shims import Shim

_STABLE = "torch/csrc/stable/c/shim.h"
_WRITTEN = "torch/csrc/inductor/aoti_torch/c/shim"
_GENERATED = "torch/csrc/inductor/aoti_torch/generated/c_shim_"
_MACROS = {"cuda": "USE_CUDA", "mps": "USE_MPS", "xpu": "USE_XPU"}
_BEGINNINGS = {
    "cpu": ("_c10d_functional_", "_linear_pointwise", "_mkl_linear", "mkldnn_"),
    "cuda": ("caching_allocator_raw_", "guard_set_index"),
    "mps": (
        *("copy_buffer", "create_shader_library", "delete_shader_library", "dispatch_array"),
        *("dispatch_single", "free", "get_kernel_function", "malloc", "memcpy"),
        *("run_command_block", "set_arg_", "shared_callback", "start_encoding"),
    ),
    "xpu": ("guard_set_index", "mkldnn_"),
}
"""How the written shims of a device begin, after ``aoti_torch_`` and the device."""
_OF_ALL = ("_wrapped_", "wrapped_fbgemm_")
"""How those of the CPU begin that the header of all devices declares."""


def header(name: str, shim: Shim) -> str:
    """The header that declares a shim, in the newest release that does."""
    if name.startswith("torch_"):
        return _STABLE
    if name.startswith("aoti_torch_aten_"):
        return f"{_GENERATED}aten.h"
    if shim.deprecated:
        return f"{_WRITTEN}_deprecated.h"
    if shim.device == "generic":
        return f"{_WRITTEN}.h"
    rest = name.removeprefix(f"aoti_torch_{shim.device}_")
    if shim.device == "cpu" and rest.startswith(_OF_ALL):
        return f"{_WRITTEN}.h"
    beginnings = _BEGINNINGS.get(shim.device, ())
    if rest == name or rest.startswith(beginnings) or rest.endswith("_tensor"):
        return f"{_WRITTEN}.h" if shim.device == "cuda" else f"{_WRITTEN}_{shim.device}.h"
    return f"{_GENERATED}{shim.device}.h"


def macro(name: str, shim: Shim) -> str | None:
    """The macro without which the header does not declare a shim; None if it always does."""
    where = header(name, shim)
    if where.startswith(_GENERATED) or where == f"{_WRITTEN}_mps.h":
        return None
    return _MACROS.get(shim.device)
