// Tensor factories on the stable ABI.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

namespace {

using torch::stable::Tensor;

Tensor ones(const Tensor& like) {
  Tensor out = torch::stable::new_zeros(like, like.sizes());
  Tensor one = torch::stable::full(like.sizes(), 1.0, like.scalar_type());
  return torch::stable::copy_(out, one);
}

} // namespace

STABLE_TORCH_LIBRARY_IMPL(port_demo, CPU, m) {
  m.impl("ones", TORCH_BOX(&ones));
}
