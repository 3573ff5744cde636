// The same operator on the stable ABI.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

namespace {

using torch::stable::Tensor;

Tensor scale(const Tensor& x, double by) {
  STD_TORCH_CHECK(x.scalar_type() == torch::headeronly::ScalarType::Float, "x must be float");
  STD_TORCH_CHECK(x.is_contiguous(), "x must be contiguous");
  Tensor out = torch::stable::empty_like(x);
  const float* from = x.const_data_ptr<float>();
  float* to = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    to[i] = from[i] * static_cast<float>(by);
  }
  return out;
}

} // namespace

STABLE_TORCH_LIBRARY(port_demo, m) {
  m.def("scale(Tensor x, float by) -> Tensor");
  m.def("ones(Tensor like) -> Tensor");
  m.def("square(Tensor x) -> Tensor");
  m.def("square_backward(Tensor grad, Tensor x) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(port_demo, CPU, m) {
  m.impl("scale", TORCH_BOX(&scale));
}
