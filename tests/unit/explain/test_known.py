"""What is known of symbols and libraries by their names alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.known_libraries import KNOWN_LIBRARIES, known_library
from torch_abi_audit.explain.kinds.known_symbols import KNOWN_SYMBOLS, known_symbol
from torch_abi_audit.knowledge import cpython_abi, torch_shims
from torch_abi_audit.knowledge.names.torch import is_runtime

if TYPE_CHECKING:
    from torch_abi_audit.explain.kinds.known import Known

# a symbol for each row, as the loader or the linker named it in a public thread
SYMBOLS = (
    ("__cudaRegisterLinkedBinary_54_tmpxft_000032bc_00000000_7_k", "device link"),
    ("iJIT_NotifyEvent", "MKL"),
    ("_THError", "1.11"),
    ("THCudaMalloc", "1.11"),
    ("THCState_getCurrentStream", "1.11"),
    ("__asan_report_load8", "sanitizer"),
    ("__gcov_init", "coverage"),
    ("___addtf3", "libgcc"),
    ("__udivti3", "libgcc"),
    ("__emutls_get_address", "libgcc"),
    ("__isoc23_strtol", "glibc 2.38"),
    ("__memcpy_chk", "musl"),
    ("fstat64", "musl"),
    ("PyUnicodeUCS4_FromString", "Python 2"),
    ("PyString_FromString", "Python 2"),
    ("_Py_RefTotal", "debug builds"),
    ("__svml_exp8", "Intel's compilers"),
    ("_ZN3tbb6detail2r117deallocate_memoryEPv", "oneTBB"),
    ("_ZN3tbb8internal13allocate_v3Em", "up to 2020"),
    ("__ZN4absl12lts_2024072212log_internal10LogMessagelsIiLi0EEERS2_RKT_", "20240722"),
    ("_ZN6google8protobuf7MessageD2Ev", "protobuf"),
    ("_ZN4gloo13EnforceNotMetC1EPKciS2_RKSs", "Gloo"),
    ("_ZN4sycl3_V15queueC1Ev", "SYCL"),
    ("_ZN5arrow6StatusD1Ev", "Arrow"),
    ("_ZTVN2cv3MatE", "OpenCV"),
    ("hipMalloc", "ROCm"),
    ("rsmi_init", "-lrocm_smi64"),
    ("amdsmi_init", "-lamd_smi"),
    ("hipblasLtCreate", "-lhipblaslt"),
    ("hipblasGetStream", "-lhipblas"),
    ("rocblas_sgemm", "-lrocblas"),
    ("hipfftExecC2C", "-lhipfft"),
    ("rocfft_setup", "-lrocfft"),
    ("hiprandCreateGenerator", "-lhiprand"),
    ("rocrand_generate", "-lrocrand"),
    ("hipsolverDnCreate", "-lhipsolver"),
    ("rocsolver_sgetrf", "-lrocsolver"),
    ("hipsparseLtInit", "-lhipsparselt"),
    ("hipsparseCreate", "-lhipsparse"),
    ("rocsparse_create_handle", "-lrocsparse"),
    ("hiprtcCompileProgram", "-lhiprtc"),
    ("miopenCreate", "-lMIOpen"),
    ("hsa_init", "-lhsa-runtime64"),
    ("roctxRangePushA", "-lroctx64"),
    ("roctracer_start", "-lroctracer64"),
    ("amd_comgr_create_data", "-lamd_comgr"),
    ("hipGetDevicePropertiesR0600", "ROCm 6"),
    ("cblas_gemm_s8u8s32", "older MKL"),
    ("mkl_blas_dgemm", "MKL"),
    ("cblas_sgemm", "BLAS"),
    ("av_frame_alloc", "FFmpeg"),
    ("ompi_mpi_comm_world", "MPI"),
    ("ucp_init_version", "UCX"),
    ("ffi_type_uint32", "system and conda"),
)
LIBRARIES = (
    ("libTHC.so.1", "0.1 to 0.3"),
    ("libATen.so.1", "0.2 to 0.4"),
    ("libcaffe2.so", "1.0 to 1.2"),
    ("libcaffe2_detectron_ops_gpu.so", "1.0 to 1.13"),
    ("torch_cuda_cu.dll", "1.8 to 1.13"),
    ("libtorch.so.1", "1.0 to 1.2"),
    ("libhip_hcc.so.3", "ROCm 3.3"),
    ("libavutil.so.56", "FFmpeg 4"),
    ("libavcodec.59.dylib", "FFmpeg 5"),
    ("avformat-60.dll", "FFmpeg 6"),
    ("libavutil.so.59", "FFmpeg 7"),
    ("libavutil.so.60", "FFmpeg 8"),
    ("libtbb.so.12", "2021 and later"),
    ("libtbb.so.2", "up to 2020"),
    ("libmkl_core.so.2", "MKL"),
    ("libiomp5.so", "OpenMP"),
    ("libsvml.so", "Intel's compilers"),
    ("libnvinfer.so.8", "TensorRT"),
    ("libascendcl.so", "CANN"),
    ("libatb.so", "CANN"),
    ("libmudnn.so", "MUSA"),
    ("libarrow.so.1700", "Arrow"),
    ("libabsl_log_internal_message.2407.0.0.dylib", "Abseil"),
    ("libtensorflow_framework.so.2", "TensorFlow"),
    ("libmpi.so.40", "Open MPI"),
    ("libmpi.so.12", "MPICH"),
    ("MSVCP140.dll".lower(), "Visual C++"),
    ("libomp140.x86_64.dll", "LLVM"),
    ("libGL.so.1", "libgl1"),
    ("libgthread-2.0.so.0", "libglib2.0-0"),
    ("libXrender.so.1", "libxrender1"),
    ("libjpeg.so.8", "libjpeg"),
    ("/usr/lib/libpng16.so.16", "libpng16"),
    ("libwebp.so.7", "libwebp7"),
    ("libsndfile.so.1", "libsndfile1"),
    ("libsox.so", "SoX"),
    ("libucp.so.0", "libucx0"),
    ("libibverbs.so.1", "libibverbs1"),
    ("libnuma.so.1", "libnuma1"),
    ("libaio.so.1", "libaio1"),
    ("libomp.dylib", "brew install libomp"),
    ("libcrypt.so.1", "libxcrypt"),
    ("libssl.so.1.1", "OpenSSL 1.1"),
    ("libffi.so.7", "libffi"),
    ("libhdf5.so.103", "HDF5"),
    ("libjvm.so", "JDK"),
)


def said(known: Known) -> str:
    return "\n".join((known.is_a, *known.why, *known.advice))


@pytest.mark.parametrize(("name", "words"), SYMBOLS)
def test_symbols(name: str, words: str) -> None:
    known = known_symbol(name)
    assert known is not None
    assert words in said(known)


@pytest.mark.parametrize(("name", "words"), LIBRARIES)
def test_libraries(name: str, words: str) -> None:
    known = known_library(name)
    assert known is not None
    assert words in said(known)


@pytest.mark.parametrize(
    "name",
    ["my_kernel", "cudaMalloc", "omp_get_num_threads", "PyList_New", "THPVariableClass", "THREADS",
     "THCPModule_init", "_ZN5torch3jit4loadEv", "_ZN2at6TensorD1Ev", "url_parse", "updateAll", "x"],
)  # fmt: skip
def test_other_symbols_are_not_known(name: str) -> None:
    assert known_symbol(name) is None


@pytest.mark.parametrize(
    "name",
    ["libc10.so", "libtorch_cpu.so", "libcudart.so.12", "libfoo.so.1", "libmpi_x.so.1", "_C.so",
     "libavutil.so", "libtbb.so.13", "libGLU.so.1", "libjpegli.so", "python311.dll", "libc.so.6"],
)  # fmt: skip
def test_other_libraries_are_not_known(name: str) -> None:
    assert known_library(name) is None


def test_every_row_of_symbols_has_an_example() -> None:
    unused = [row.names for row in KNOWN_SYMBOLS if not any(
        re.fullmatch(row.names, name) for name, _ in SYMBOLS)]  # fmt: skip
    assert not unused


@pytest.mark.parametrize("row", [*KNOWN_SYMBOLS, *KNOWN_LIBRARIES], ids=lambda row: row.is_a[:40])
def test_a_row_says_all(row: Known) -> None:
    groups = set(re.compile(row.names).groupindex)
    assert set(re.findall(r"{(\w+)}", said(row))) <= groups
    assert row.owner
    assert row.source
    assert row.causes
    assert Cause.UNKNOWN not in row.causes
    assert row.why
    assert not row.advice[0].startswith("or ")


def test_names_of_torch_and_python_are_left_to_their_tables() -> None:
    for name in (b"aoti_torch_check", b"torch_call_dispatcher"):
        assert torch_shims.shim(name) is not None
        assert known_symbol(name.decode()) is None
    for text in ("PyModule_Create2", "_PyThreadState_UncheckedGet", "PyObject_GetBuffer"):
        assert cpython_abi.is_cpython_name(text.encode())
        assert known_symbol(text) is None


def test_runtimes_beside_torch_are_asked_for_first() -> None:
    assert is_runtime("libgomp.so.1")
    assert known_library("libgomp.so.1") is None
