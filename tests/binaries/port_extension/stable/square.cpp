// The operator and its backward on the stable ABI: Python registers one as the gradient of the
// other. There is no torch::stable::mul, so multiplication goes through the dispatcher.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

namespace {

using torch::stable::Tensor;

Tensor mul(const Tensor& a, const Tensor& b) {
  StableIValue stack[2] = {torch::stable::detail::from(a), torch::stable::detail::from(b)};
  TORCH_ERROR_CODE_CHECK(
      torch_call_dispatcher("aten::mul", "Tensor", stack, TORCH_ABI_VERSION));
  return torch::stable::detail::to<Tensor>(stack[0]);
}

Tensor square(const Tensor& x) {
  return mul(x, x);
}

Tensor square_backward(const Tensor& grad, const Tensor& x) {
  Tensor once = mul(grad, x);
  return torch::stable::subtract(once, once, -1.0);
}

} // namespace

STABLE_TORCH_LIBRARY_IMPL(port_demo, CPU, m) {
  m.impl("square", TORCH_BOX(&square));
  m.impl("square_backward", TORCH_BOX(&square_backward));
}
