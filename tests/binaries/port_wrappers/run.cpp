// Calls generated helpers, and returns the results: see test_port_wrappers.py.
#include "helpers.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

namespace {

using torch::headeronly::MemoryFormat;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

std::vector<Tensor> kept;

void keep(const Tensor& one) { kept.push_back(one); }
void keep(const std::vector<Tensor>& some) { kept.insert(kept.end(), some.begin(), some.end()); }
void keep(double one) { kept.push_back(torch::stable::full({1}, one, ScalarType::Double)); }
void keep(int64_t one) { keep(static_cast<double>(one)); }
void keep(bool one) { keep(one ? 1.0 : 0.0); }
void keep(ScalarType one) { keep(static_cast<double>(one)); }

template <typename... T>
void keep(const std::tuple<T...>& some) {
  std::apply([](const auto&... one) { (keep(one), ...); }, some);
}

std::vector<Tensor> run(
    const Tensor& a,
    const Tensor& b,
    const Tensor& i,
    const Tensor& m,
    const Tensor& s,
    const Tensor& p,
    const Tensor& w) {
  kept.clear();
  const auto none = std::nullopt;
  const std::vector<int64_t> one{1, 1}, nil{0, 0}, three{3};
  const Tensor q = dispatched::conv2d(p, w);
  const torch::stable::Device cpu(torch::headeronly::DeviceType::CPU);
#include "calls.inc"
  return std::move(kept);
}

Tensor wrong(const Tensor& a) { return dispatched::permute(a, {0, 0}); }

}  // namespace

STABLE_TORCH_LIBRARY(port_wrappers, m) {
  m.def(
      "run(Tensor a, Tensor b, Tensor i, Tensor m, Tensor s, Tensor p, Tensor w) -> Tensor[]");
  m.def("wrong(Tensor a) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(port_wrappers, CPU, m) {
  m.impl("run", TORCH_BOX(&run));
  m.impl("wrong", TORCH_BOX(&wrong));
}
