// An operator with an autograd function in C++.
#include <ATen/core/Tensor.h>
#include <ATen/ops/mul.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace {

at::Tensor square_backward(const at::Tensor& grad, const at::Tensor& x) {
  return at::mul(at::mul(grad, x), 2);
}

struct Square : torch::autograd::Function<Square> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x) {
    ctx->save_for_backward({x});
    return at::mul(x, x);
  }
  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* ctx, torch::autograd::variable_list grads) {
    return {square_backward(grads[0], ctx->get_saved_variables()[0])};
  }
};

at::Tensor square(const at::Tensor& x) {
  return Square::apply(x);
}

} // namespace

TORCH_LIBRARY_IMPL(port_demo, CompositeImplicitAutograd, m) {
  m.impl("square", &square);
  m.impl("square_backward", &square_backward);
}
