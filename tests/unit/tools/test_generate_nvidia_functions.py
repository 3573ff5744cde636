"""What the generator takes for a function of NVIDIA's."""

from __future__ import annotations

from tools.generate_nvidia_functions import declared

HEADER = """
/* cudaOld(int) is gone */ // cudaNever()
#define cublasCreate cublasCreate_v2
#define OTHER cublasCreate_v2
cublasStatus_t CUBLASWINAPI cublasCreate_v2(cublasHandle_t* handle);
extern __host__ cudaError_t CUDARTAPI cudaMalloc (void **devPtr, size_t size);
typedef enum cudaError cudaError_t;
int cudnn_thing(int);
"""


def test_declarations_and_both_names_of_renamed_functions() -> None:
    assert declared(HEADER) == {"cublasCreate", "cublasCreate_v2", "cudaMalloc"}
