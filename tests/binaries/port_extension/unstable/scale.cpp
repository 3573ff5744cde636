// A CPU operator with checks and a factory, as extensions have been written for years.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

namespace {

at::Tensor scale(const at::Tensor& x, double by) {
  TORCH_CHECK(x.scalar_type() == at::kFloat, "x must be float");
  TORCH_CHECK(x.is_contiguous(), "x must be contiguous");
  at::Tensor out = at::empty_like(x);
  const float* from = x.data_ptr<float>();
  float* to = out.data_ptr<float>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    to[i] = from[i] * static_cast<float>(by);
  }
  return out;
}

} // namespace

TORCH_LIBRARY(port_demo, m) {
  m.def("scale(Tensor x, float by) -> Tensor");
  m.def("ones(Tensor like) -> Tensor");
  m.def("square(Tensor x) -> Tensor");
  m.def("square_backward(Tensor grad, Tensor x) -> Tensor");
}

TORCH_LIBRARY_IMPL(port_demo, CPU, m) {
  m.impl("scale", &scale);
}
