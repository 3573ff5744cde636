"""Which includes of a source are torch's unstable headers."""

from __future__ import annotations

from torch_abi_audit.knowledge import spellings
from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.source.findings import Edit, Kind, SourceUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.port.source.lines import Lines
    from torch_abi_audit.port.source.tokens import Tokens

_TORCHS = ("ATen/", "c10/", "torch/", "caffe2/")
_STANDARD = {
    "algorithm": "sort stable_sort max min max_element min_element find find_if copy fill fill_n "
    "transform reverse swap_ranges lower_bound upper_bound nth_element partial_sort any_of all_of "
    "none_of clamp copy_n unique remove_if count count_if for_each shuffle generate",
    "array": "array",
    "atomic": "atomic atomic_int",
    "cmath": "sqrt pow exp log floor ceil fabs abs round isnan isinf tanh sin cos fmod log2 exp2 "
    "log1p expm1 nearbyint trunc",
    "chrono": "chrono",
    "complex": "complex",
    "cstdint": "int64_t int32_t uint8_t int8_t uint64_t uint32_t int16_t uint16_t",
    "cstring": "memcpy memset",
    "deque": "deque",
    "functional": "function plus multiplies less greater hash ref bind",
    "initializer_list": "initializer_list",
    "iostream": "cout cerr endl",
    "limits": "numeric_limits",
    "list": "list",
    "map": "map multimap",
    "memory": "unique_ptr shared_ptr make_unique make_shared weak_ptr",
    "mutex": "mutex lock_guard unique_lock call_once once_flag scoped_lock",
    "numeric": "accumulate iota inner_product partial_sum reduce gcd",
    "optional": "optional nullopt make_optional nullopt_t",
    "queue": "queue priority_queue",
    "random": "mt19937 mt19937_64 uniform_int_distribution uniform_real_distribution "
    "normal_distribution random_device",
    "set": "set multiset",
    "sstream": "stringstream ostringstream istringstream",
    "stack": "stack",
    "stdexcept": "runtime_error invalid_argument out_of_range logic_error",
    "string": "string to_string stoi stod getline",
    "string_view": "string_view",
    "thread": "thread this_thread",
    "tuple": "tuple make_tuple tie get tuple_size tuple_element apply forward_as_tuple",
    "type_traits": "is_same is_same_v conditional conditional_t enable_if enable_if_t decay_t "
    "is_floating_point is_integral remove_reference_t is_arithmetic integral_constant true_type "
    "false_type remove_cv_t remove_const_t",
    "unordered_map": "unordered_map unordered_multimap",
    "unordered_set": "unordered_set",
    "utility": "pair move forward make_pair swap exchange declval index_sequence",
    "variant": "variant visit holds_alternative get_if",
    "vector": "vector",
}
STANDARD = {name: header for header, names in _STANDARD.items() for name in names.split()}
"""Names of the standard library, to headers that a source may have got from torch's."""
BROUGHT = frozenset(
    [
        "algorithm",
        "cmath",
        "cstdint",
        "functional",
        "memory",
        "numeric",
        "optional",
        "string",
        "tuple",
        "unordered_map",
        "unordered_set",
        "utility",
        "vector",
    ]
)
"""Headers that torch's bring to the sources of a project through a header that only includes."""
_NOTES = {
    "torch/extension.h": "also brings pybind11's casters of tensors, and Python.h",
    "torch/python.h": "also brings pybind11's casters of tensors, and Python.h",
}


_TENSOR, _LIBRARY = "torch/csrc/stable/tensor.h", "torch/csrc/stable/library.h"
_GUARD = "torch/csrc/stable/accelerator.h"
_STREAM = "torch/csrc/inductor/aoti_torch/c/shim.h"
_PLACES = {
    "ATen/ATen.h": _TENSOR,
    "ATen/Dispatch.h": "torch/headeronly/core/Dispatch_v2.h",
    "ATen/Dispatch_v2.h": "torch/headeronly/core/Dispatch_v2.h",
    "ATen/Functions.h": "torch/csrc/stable/ops.h",
    "ATen/Parallel.h": "torch/csrc/stable/ops.h",
    "ATen/Tensor.h": _TENSOR,
    "ATen/core/Tensor.h": _TENSOR,
    "ATen/core/TensorAccessor.h": "torch/headeronly/core/TensorAccessor.h",
    "ATen/core/Generator.h": "torch/csrc/stable/generator.h",
    "ATen/cuda/CUDAContext.h": _STREAM,
    "ATen/cuda/CUDAContextLight.h": _STREAM,
    "ATen/cuda/Exceptions.h": "torch/csrc/stable/macros.h",
    "c10/core/Device.h": "torch/csrc/stable/device.h",
    "c10/core/DeviceGuard.h": _GUARD,
    "c10/cuda/CUDAException.h": "torch/csrc/stable/macros.h",
    "c10/cuda/CUDAGuard.h": _GUARD,
    "c10/cuda/CUDAStream.h": _STREAM,
    "c10/util/ArrayRef.h": "torch/headeronly/util/HeaderOnlyArrayRef.h",
    "c10/util/Optional.h": "optional",
    "c10/util/string_view.h": "string_view",
    "torch/all.h": _TENSOR,
    "torch/extension.h": f"{_TENSOR}, torch/csrc/stable/ops.h, {_LIBRARY}",
    "torch/library.h": _LIBRARY,
    "torch/script.h": f"{_TENSOR}, torch/csrc/stable/ops.h, {_LIBRARY}",
    "torch/torch.h": f"{_TENSOR}, torch/csrc/stable/ops.h",
    "torch/types.h": _TENSOR,
}
"""Headers whose names have their replacements in certain stable ones, for the most part."""


def _in_its_place(path: str) -> str:
    """What to include in the place of an unstable header, as far as its name tells."""
    if (known := _PLACES.get(path)) is not None:
        return known
    folder, _, name = path.rpartition("/")
    for stable in ("util", "core", "macros"):
        header = f"torch/headeronly/{stable}/{name}"
        if folder.startswith("c10") and spellings.open_header(header):
            return header
    return "the headers of what replaces its names"


def is_torchs(path: str) -> bool:
    """Whether a path is one of torch's headers, stable ones among them."""
    return path.startswith(_TORCHS)


def include_uses(
    toks: Tokens, lines: Lines, headers: Sequence[str]
) -> Iterator[tuple[int, SourceUse]]:
    """The unstable includes, with their offsets.

    Args:
        toks: The source.
        lines: Where an offset is, by ``place``.
        headers: The headers of names that the source keeps, which the first of the includes may
            have brought so far.
    """
    given = {one.path for one in toks.includes}
    wanted = [one for one in headers if one not in given]
    for include in toks.includes:
        path = include.path
        if not path.startswith(_TORCHS) or spellings.open_header(path):
            continue
        line, column = lines.place(include.at)
        text = "\n".join(f"#include <{one}>" for one in wanted)
        wanted = []
        yield (
            include.start,
            SourceUse(
                line,
                column,
                Kind.INCLUDE,
                path,
                None,
                Way.NOW,
                _in_its_place(path),
                note=_NOTES.get(path, ""),
                edits=(Edit(include.start, include.end, text),),
            ),
        )
