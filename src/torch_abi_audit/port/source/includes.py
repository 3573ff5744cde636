"""Which includes of a source are torch's unstable headers."""

from __future__ import annotations

import re

from torch_abi_audit.knowledge import spellings
from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.source.findings import Edit, Kind, SourceUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.port.source.lines import Lines
    from torch_abi_audit.port.source.tokens import Tokens

_TORCHS = ("ATen/", "c10/", "torch/", "caffe2/")
_STANDARD = {
    "algorithm": "sort stable_sort max min max_element min_element find find_if copy fill fill_n "
    "transform reverse swap_ranges lower_bound upper_bound nth_element partial_sort any_of all_of "
    "none_of clamp copy_n unique remove_if count count_if for_each shuffle generate",
    "array": "array",
    "atomic": "atomic atomic_int",
    "bitset": "bitset",
    "cassert": "",
    "cfloat": "",
    "climits": "",
    "condition_variable": "condition_variable",
    "cstdio": "printf fprintf snprintf FILE",
    "cstdlib": "getenv malloc free abort exit",
    "cmath": "sqrt pow exp log floor ceil fabs abs round isnan isinf tanh sin cos fmod log2 exp2 "
    "log1p expm1 nearbyint trunc",
    "chrono": "chrono",
    "complex": "complex",
    "cstdint": "int64_t int32_t uint8_t int8_t uint64_t uint32_t int16_t uint16_t",
    "cstring": "memcpy memset memcmp strlen strcmp",
    "deque": "deque",
    "exception": "exception exception_ptr current_exception rethrow_exception terminate",
    "fstream": "ofstream ifstream fstream",
    "functional": "function plus multiplies less greater hash ref bind",
    "future": "future async promise packaged_task shared_future",
    "initializer_list": "initializer_list",
    "iomanip": "setw setprecision setfill",
    "iostream": "cout cerr endl",
    "iterator": "back_inserter distance advance next prev make_move_iterator ostream_iterator",
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
    "regex": "regex smatch regex_match regex_search regex_replace",
    "set": "set multiset",
    "shared_mutex": "shared_mutex shared_lock",
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
_PLAIN = {
    "cassert": "assert",
    "cfloat": "FLT_MAX FLT_MIN FLT_EPSILON DBL_MAX DBL_MIN DBL_EPSILON",
    "climits": "INT_MAX INT_MIN UINT_MAX LONG_MAX LLONG_MAX CHAR_BIT",
    "cmath": "sqrt sqrtf pow powf expf logf floor floorf ceil ceilf fabs fabsf fmin fmax M_PI "
    "INFINITY NAN",
    "cstdint": "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t "
    "uintptr_t",
    "cstdio": "printf fprintf snprintf",
    "cstdlib": "malloc free abort exit getenv",
    "cstring": "memcpy memset memcmp strlen strcmp",
}
PLAIN = {name: header for header, names in _PLAIN.items() for name in names.split()}
"""As ``STANDARD``, for names without ``std``."""
WITH_TENSOR = frozenset(
    ["cassert", "climits", "cmath", "cstddef", "cstdint", "cstdio", "cstdlib", "cstring"]
)
"""Headers that torch/csrc/stable/tensor.h brings, with libstdc++."""
_CUDA = {
    "cublas": "cublas_v2.h",
    "cuda": "cuda_runtime_api.h",
    "cusolverDn": "cusolverDn.h",
    "cusparse": "cusparse.h",
}
_CUDA_NAME = re.compile(r"(cublas|cuda|cusolverDn|cusparse)[A-Z]\w*")
_PYTHON_NAME = re.compile(r"Py(?:Object|MODINIT_FUNC|_\w+|[A-Z][A-Za-z]+_\w+)")
CUDA_HEADERS = frozenset(_CUDA.values())
"""Headers of CUDA that torch's headers bring; a build without CUDA does not have them."""
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
_PYTHON = (
    "also brings Python.h, pybind11 with the short name py, and its casters of tensors; torch's "
    "own copy of pybind11 compiles with TORCH_TARGET_VERSION set from the headers of 2.13 on"
)
_NOTES = {
    "torch/extension.h": _PYTHON,
    "torch/python.h": _PYTHON,
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


def plain_headers(names: Iterable[str]) -> set[str]:
    """The headers of the standard library and of CUDA that have some of the names."""
    found = {PLAIN[name] for name in names if name in PLAIN}
    found.update(_CUDA[match[1]] for name in names if (match := _CUDA_NAME.fullmatch(name)))
    if any(_PYTHON_NAME.fullmatch(name) for name in names):
        found.add("Python.h")
    return found


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
    tied = {*CUDA_HEADERS, "Python.h"}
    wanted = [one for one in headers if one not in given and one not in tied]
    python = ["Python.h"] if "Python.h" in headers and "Python.h" not in given else []
    cuda = [one for one in headers if one not in given and one in CUDA_HEADERS]
    if "cuda_runtime.h" in given and "cuda_runtime_api.h" in cuda:
        cuda.remove("cuda_runtime_api.h")
    for include in toks.includes:
        path = include.path
        if not path.startswith(_TORCHS) or spellings.open_header(path):
            continue
        line, column = lines.place(include.at)
        brought = list(wanted)
        wanted = []
        if "cuda" in path:
            brought += cuda
        if path in _NOTES:
            brought += python
            python = []
        text = "\n".join(f"#include <{one}>" for one in brought)
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
