"""Sources that use torch in the ways of real extensions, for damage."""

from __future__ import annotations

SAMPLES = (
    """#include <torch/extension.h>
#define CHECK_INPUT(x) \\
  TORCH_CHECK(x.is_contiguous(), #x " must be contiguous")
using namespace at;
namespace {
template <typename scalar_t>
void kernel(const scalar_t* a, scalar_t* out, int64_t n) {
  at::parallel_for(0, n, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) out[i] = a[i] * 2;
  });
}
}
Tensor doubled(const Tensor& a, c10::optional<Tensor> mask) {
  CHECK_INPUT(a);
  auto out = at::zeros({a.size(0), 2}, a.options().dtype(kFloat));
  if (mask.has_value()) out = out - mask.value().contiguous().view({-1, 2});
  AT_DISPATCH_FLOATING_TYPES_AND2(kHalf, at::kBFloat16, a.scalar_type(), "doubled", [&] {
    kernel<scalar_t>(a.data_ptr<scalar_t>(), out.data_ptr<scalar_t>(), a.numel());
  });
  return out[0].to(a.dtype());
}
TORCH_LIBRARY(example, m) { m.def("doubled(Tensor a) -> Tensor"); }
TORCH_LIBRARY_IMPL(example, CPU, m) { m.impl("doubled", &doubled); }
""",
    """#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAGuard.h>
namespace ext { namespace detail {
__global__ void add(at::PackedTensorAccessor32<float, 2, at::RestrictPtrTraits> a, float* p) {
  p[blockIdx.x * blockDim.x + threadIdx.x] += a[0][threadIdx.x];
}
struct Layer {
  explicit Layer(at::Tensor w) : weight_(w), size_{w.size(0)} {}
  at::Tensor weight_;
  int64_t size_;
#if defined(USE_ROCM)
  void run(at::Tensor x) {
#else
  void run(at::Tensor x, int n) {
#endif
    const at::cuda::OptionalCUDAGuard guard(device_of(x));
    cudaStream_t stream = at::cuda::getCurrentCUDAStream();
    add<<<1, 32, 0, stream>>>(x.packed_accessor32<float, 2, at::RestrictPtrTraits>(),
                              weight_.data_ptr<float>());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    auto [values, indices] = x.sort(0);
    TORCH_CHECK_EQ(values.sizes() == x.sizes(), true) << R"(raw ")" << '\\'';
  }
};
}}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("run", [](at::Tensor t) { return t; }); }
""",
)
