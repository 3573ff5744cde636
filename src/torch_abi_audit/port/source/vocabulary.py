"""Words of C++ and of torch that the reader of sources tells apart."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KEYWORDS = _words(
    """
    alignas alignof asm auto bool break case catch char class co_await co_return co_yield
    const consteval constexpr constinit continue decltype default delete do double
    dynamic_cast else enum explicit export extern false float for friend goto if inline int
    long mutable namespace new noexcept nullptr operator private protected public register
    reinterpret_cast requires return short signed sizeof static static_cast struct switch
    template this throw true try typedef typeid typename union unsigned using virtual void
    volatile while
    """
)
NOT_A_TYPE = _words(
    """
    and case co_await co_return delete do else goto in new not or return sizeof throw
    """
)
"""What stands before a name and is no type of it."""
FACTORIES = _words(
    """
    arange cat empty empty_like empty_strided eye from_blob full full_like linspace logspace
    ones ones_like rand rand_like randint randn randn_like randperm range scalar_tensor stack
    tensor where zeros zeros_like
    """
)
"""Operators that are told from another function of the name without looking at their arguments."""
ALONE = _words(
    """
    contiguous copy_ expand_as index_add_ index_select masked_fill masked_fill_ masked_select
    new_empty new_full new_ones new_zeros nonzero permute reshape_as scatter_ scatter_add_
    to_sparse unsqueeze unsqueeze_ view_as zero_
    """
)
"""Operators that are methods of nothing else, where the file uses torch."""
TORCH_NAMESPACES = _words(
    """
    Device DeviceType DispatchKey Error IValue Layout Library MemoryFormat ScalarType Tensor
    TensorOptions Warning accelerator autograd cuda data detail distributed dynamo fft
    functional hip impl indexing internal ivalue jit linalg mps native nested nn optim
    profiler python serialize sparse special utils vec xpu
    """
)
"""Namespaces and classes within `torch`; any other name there may be another project's."""
PYBIND11 = frozenset({"py", "pybind11"})
"""Namespaces that torch/extension.h brings beside torch's."""
LOGGING = ("LOG", "VLOG", "DLOG", "CHECK_", "DCHECK")
"""What the names of macros for logging begin with, which several libraries have."""
STABLE_METHODS = _words(
    """
    const_data_ptr data_ptr defined device dim element_size get get_device get_device_index
    has_storage is_contiguous is_cpu is_cuda layout mutable_data_ptr numel scalar_type
    set_requires_grad size sizes storage_offset stride strides
    """
)
"""Methods of `torch::stable::Tensor`."""
TENSORS_ONLY = _words(
    """
    const_data_ptr contiguous data_ptr defined dim dtype element_size get_device is_contiguous
    is_cpu is_cuda itemsize mutable_data_ptr ndimension numel options scalar_type sizes
    storage_offset strides type
    """
)
"""Methods that show a parameter of a macro to be a tensor, where the file uses torch."""
OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "+=": "add_",
    "-=": "sub_",
    "*=": "mul_",
    "/=": "div_",
    "==": "eq",
    "!=": "ne",
    "<": "lt",
    ">": "gt",
    "<=": "le",
    ">=": "ge",
    "%": "remainder",
    "&=": "bitwise_and_",
    "|=": "bitwise_or_",
}
"""C++'s operators that a tensor has, and the operators of ATen that they call."""
REGISTERS = {
    "TORCH_LIBRARY": 1,
    "TORCH_LIBRARY_FRAGMENT": 1,
    "TORCH_LIBRARY_IMPL": 2,
    "STABLE_TORCH_LIBRARY": 1,
    "STABLE_TORCH_LIBRARY_FRAGMENT": 1,
    "STABLE_TORCH_LIBRARY_IMPL": 2,
}
"""Macros that register operators, and how many arguments stand before the variable."""
