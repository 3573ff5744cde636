// Elementwise operators for the CPU, as extensions for the unstable C++ API write them.

#include <Python.h>
#include <ATen/Operators.h>
#include <torch/all.h>
#include <torch/library.h>

#include <vector>

extern "C" PyObject* PyInit__C(void) {
  static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C", NULL, -1, NULL};
  return PyModule_Create(&definition);  // importing it runs the registrations below
}

namespace fused {

namespace {

void check_input(const at::Tensor& t) {
  TORCH_CHECK(t.dtype() == at::kFloat, "expected float, got ", t.scalar_type());
  TORCH_INTERNAL_ASSERT(t.device().type() == at::DeviceType::CPU);
}

}  // namespace

// x * y + alpha
at::Tensor scale_shift_cpu(const at::Tensor& x, const at::Tensor& y, double alpha) {
  TORCH_CHECK(x.sizes() == y.sizes());
  check_input(x);
  check_input(y);
  at::Tensor x_flat = x.contiguous();
  at::Tensor y_flat = y.contiguous();
  at::Tensor out = torch::empty(x_flat.sizes(), x_flat.options());
  const float* xs = x_flat.data_ptr<float>();
  const float* ys = y_flat.data_ptr<float>();
  float* outs = out.data_ptr<float>();
  for (int64_t i = 0; i < out.numel(); i++) {
    outs[i] = xs[i] * ys[i] + alpha;
  }
  return out;
}

at::Tensor product_cpu(const at::Tensor& x, const at::Tensor& y) {
  TORCH_CHECK(x.sizes() == y.sizes(), "shapes differ");
  check_input(x);
  check_input(y);
  at::Tensor x_flat = x.contiguous();
  at::Tensor y_flat = y.contiguous();
  at::Tensor out = torch::empty(x_flat.sizes(), x_flat.options());
  const float* xs = x_flat.data_ptr<float>();
  const float* ys = y_flat.data_ptr<float>();
  float* outs = out.data_ptr<float>();
  for (int64_t i = 0; i < out.numel(); i++) {
    outs[i] = xs[i] * ys[i];
  }
  return out;
}

// Writes x + y to an argument.
void sum_into_cpu(const at::Tensor& x, const at::Tensor& y, at::Tensor& out) {
  TORCH_CHECK(x.sizes() == y.sizes());
  TORCH_CHECK(y.sizes() == out.sizes());
  check_input(x);
  check_input(y);
  check_input(out);
  TORCH_CHECK(out.is_contiguous(), "out must be contiguous");
  at::Tensor x_flat = x.contiguous();
  at::Tensor y_flat = y.contiguous();
  const float* xs = x_flat.data_ptr<float>();
  const float* ys = y_flat.data_ptr<float>();
  float* outs = out.data_ptr<float>();
  for (int64_t i = 0; i < out.numel(); i++) {
    outs[i] = xs[i] + ys[i];
  }
}

TORCH_LIBRARY(fused, m) {
  m.def("scale_shift(Tensor x, Tensor y, float alpha) -> Tensor");
  m.def("product(Tensor x, Tensor y) -> Tensor");
  m.def("sum_into(Tensor x, Tensor y, Tensor(a!) out) -> ()");
}

TORCH_LIBRARY_IMPL(fused, CPU, m) {
  m.impl("scale_shift", &scale_shift_cpu);
  m.impl("product", &product_cpu);
  m.impl("sum_into", &sum_into_cpu);
}

}  // namespace fused
