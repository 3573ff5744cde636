"""Explanations of errors reported on three systems, and of symbols, labels and rules."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.explain.explanation import Cause, Explanation, Installed
from torch_abi_audit.explain.kinds import KINDS
from torch_abi_audit.explain.kinds.kind import DEPENDENCY, LINK, REPAIR, SYMBOL, ErrorKind
from torch_abi_audit.explain.libraries.library import library
from torch_abi_audit.explain.question import explain
from torch_abi_audit.explain.reading.error_text import errors
from torch_abi_audit.explain.reading.pasted import read
from torch_abi_audit.explain.row import FIELDS
from torch_abi_audit.explain.scene import Scene
from torch_abi_audit.judges import JUDGES
from torch_abi_audit.knowledge.platforms import usual_platform
from torch_abi_audit.report.rendering import Detail, render

if TYPE_CHECKING:
    from torch_abi_audit.explain.reading.error_text import Clue

STRING = "ENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
FLASH = "ImportError: /v/flash_attn_2_cuda.cpython-310-x86_64-linux-gnu.so: undefined symbol: "
NOT_FOUND = "cannot open shared object file: No such file or directory"

# text, the installed torch, the most likely cause, and what else the answer must say
ERRORS: tuple[tuple[str, Installed | None, Cause, tuple[str, ...]], ...] = (
    # Dao-AILab/flash-attention#1832, #975: the C++11 form of std::string, torch 2.6.0
    (FLASH + f"_ZN3c105ErrorC2ENS_14SourceLocation{STRING}", Installed("2.6.0", "12.4"),
     Cause.OTHER_TORCH, ("c10::Error::Error(", "2.7.0", "libc10.so",
                         "2.6.0 (CUDA 12.4), does not export it", "pre-C++11 ABI")),
    # Dao-AILab/flash-attention#1832: torch 2.8.0 has SetDevice(signed char, bool)
    (FLASH + "_ZN3c104cuda9SetDeviceEa", Installed("2.8.0+cu128", "12.8"),
     Cause.OTHER_TORCH, ("c10::cuda::SetDevice(signed char)", "libc10_cuda.so",
                         "c10::cuda::SetDevice(signed char, bool)")),
    # Dao-AILab/flash-attention#1612: std::optional took c10::optional's place
    (FLASH + "_ZN2at4_ops5zeros4callEN3c108ArrayRefINS2_6SymIntEEENS2_8optionalINS2_10ScalarTypeEEE"
     "NS6_INS2_6LayoutEEENS6_INS2_6DeviceEEENS6_IbEE", Installed("2.7.0", "12.6"),
     Cause.OTHER_TORCH, ("at::_ops::zeros::call", "std::optional<c10::ScalarType>",
                         "torch::stable::full")),
    # what breaks most wheels of 2.8 and 2.9 on 2.10
    (FLASH + "_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_ib", Installed("2.10.0", "12.8"),
     Cause.OTHER_TORCH, ("2.4.0 to 2.9.1", "unsigned int", "STD_CUDA_CHECK")),
    # the same with a CPU build
    (FLASH + "_ZN3c104cuda20CUDACachingAllocator9allocatorE", Installed("2.13.0+cpu"),
     Cause.CPU_TORCH, ("libc10_cuda.so", "2.13.0+cpu (without CUDA), does not export it")),
    # torchtext 0.18.0: the pre-C++11 ABI of std::string
    (("OSError: /v/torchtext/lib/libtorchtext.so: undefined symbol: "
     "_ZN3c105ErrorC2ENS_14SourceLocationESs"), Installed("2.8.0", "12.8"),
     Cause.OLD_STRING, ("_GLIBCXX_USE_CXX11_ABI", "libc10.so")),
    # a shim newer than the installed torch
    ("OSError: /v/lib/libtorchaudio.abi3.so: undefined symbol: torch_dtype_float4_e2m1fn_x2",
     Installed("2.10.0", "12.8"), Cause.OTHER_TORCH,
     ("since torch 2.11.0", "TORCH_TARGET_VERSION", "install torch 2.11.0")),
    # a function whose source was not compiled in: Dao-AILab/flash-attention#2219 and many more
    ("ImportError: /v/_C.so: undefined symbol: _Z7my_gemmN2at6TensorES0_", None,
     Cause.INCOMPLETE_BUILD, ("nobody else defines it",)),
    ("ImportError: /v/_C.so: undefined symbol: _ZN5flash21mha_fwd_splitkv_sm100ERN2at6TensorE",
     None, Cause.INCOMPLETE_BUILD, ("a symbol of flash, which is not part of torch",)),
    # header-only names, which no library exports
    ("ImportError: /v/_C.so: undefined symbol: _ZN5torch6stable6DeviceC1EPKc", None,
     Cause.INCOMPLETE_BUILD, ("header-only",)),
    # pytorch/extension-cpp#127: stable extension loaded without torch
    (f"ImportError: libtorch_cuda.so: {NOT_FOUND}", Installed("2.11.0", "13.0"),
     Cause.IMPORT_ORDER, ("import torch before",)),
    # pytorch/pytorch#110074
    (f"ImportError: libc10_cuda.so: {NOT_FOUND}", Installed("2.13.0+cpu"),
     Cause.CPU_TORCH, ("only CUDA builds",)),
    # libraries that torch 1.13 had and no later release
    (f"ImportError: libtorch_cuda_cu.so: {NOT_FOUND}", None, Cause.OTHER_TORCH,
     ("only torch 1.8 to 1.13 has",)),
    (f"ImportError: libc10-e03523b3.so: {NOT_FOUND}", None, Cause.INCOMPLETE_BUILD,
     ("a copy of one of torch's libraries",)),
    # runtimes in torch's wheels
    (f"ImportError: libgomp.so.1: {NOT_FOUND}", Installed("2.13.0+cpu"), Cause.IMPORT_ORDER,
     ("torch's wheels bundle", "import torch before", "2.13.0+cpu")),
    (f"ImportError: libgfortran.so.5: {NOT_FOUND}", None, Cause.IMPORT_ORDER,
     ("torch's wheels bundle",)),
    # CUDA libraries other than the runtime and cuBLAS
    (f"OSError: libnppicc.so.13: {NOT_FOUND}", Installed("2.10.0", "12.8"), Cause.CUDA_MAJOR,
     ("one of NVIDIA's CUDA libraries", "its major version is 13", "such as torch==2.15.0")),
    (f"OSError: libnvjpeg.so.12: {NOT_FOUND}", None, Cause.CUDA_MAJOR, ("CUDA 12",)),
    (f"OSError: libcufft.so.11: {NOT_FOUND}", None, Cause.CUDA_MAJOR,
     ("its own major version is 11", "it belongs to CUDA 12", "import torch before",
      "nvidia-cufft-cu12")),
    (f"OSError: libcudart.so.11.0: {NOT_FOUND}", None, Cause.CUDA_MAJOR,
     ("no known torch release on the package index is built for CUDA 11 on Linux",)),
    # pypa/auditwheel#499, pytorch/ao#2891 (in a JSON log), pytorch/pytorch#149471
    (('ValueError: Cannot repair wheel, because required library "libtorch_cpu.so" could not be '
      "located"), None, Cause.NOT_EXCLUDED,
     ("libtorch_cpu.so comes from torch", "auditwheel repair --exclude libc10.so",
      "--exclude libtorch_cpu.so --exclude libtorch_python.so dist/*.whl")),
    (('Error: `ValueError: Cannot repair wheel, because required library \\"libcudart.so.13\\" '
      "could not be located`"), None, Cause.NOT_EXCLUDED,
     ("--exclude libcudart.so.13", "--exclude libtorch_cuda.so", "by its nvidia requirements")),
    (("2025-03-18T08:45:20.3678843Z ValueError: Cannot repair wheel, because required library "
      '"libarm_compute.so" could not be located'), None, Cause.NOT_EXCLUDED,
     ("torch's wheels contain libarm_compute.so", "--exclude libtorch_cpu.so")),
    # OpenNMT/CTranslate2#1919
    (('ValueError: Cannot repair wheel, because required library "libctranslate2.so.4" could not '
      "be located"), None, Cause.NOT_FOUND, ("comes from nobody else", "LD_LIBRARY_PATH")),
    # pytorch/pytorch#85007; matthew-brett/delocate#271
    (("ERROR:delocate.libsana:\n@rpath/libtorch_python.dylib not found:\n  Needed by: /private/w/"
      "functorch/_C.cpython-310-darwin.so\n  Search path:\n    @loader_path\n"
      "ERROR:delocate.libsana:\n@rpath/libc10.dylib not found:\n  Needed by: /private/w/functorch/"
      "_C.cpython-310-darwin.so\n"), None, Cause.NOT_EXCLUDED,
     ("libc10.dylib comes from torch", "delocate must find", "DYLD_LIBRARY_PATH=",
      "delocate-wheel -w wheelhouse --exclude libc10.dylib")),
    ("ERROR:delocate.libsana:@rpath/libSquare.dylib not found, requested by /d/libCube.dylib",
     None, Cause.NOT_FOUND, ("libSquare.dylib comes from nobody else",)),
    ("delocate.libsana.DelocationError: Could not find all dependencies.", None,
     Cause.NOT_EXCLUDED, ("--exclude libtorch.dylib",)),
    # delvewheel 1.13 (_dll_utils, _wheel_repair)
    ("FileNotFoundError: Unable to find library: torch_cpu.dll", None, Cause.NOT_EXCLUDED,
     ("delvewheel repair --exclude c10.dll", "torch_cpu.dll comes from torch")),
    ("    c10.dll (Error: Not Found)\n    zlib1.dll (Error: Not Found)", None,
     Cause.NOT_EXCLUDED, ("zlib1.dll comes from nobody else", "--add-path")),
    # the driver's functions, which no CUDA library exports
    ("ImportError: /v/_C.so: undefined symbol: cuGetErrorString", None, Cause.OLD_DRIVER,
     ("the NVIDIA driver", "libcuda.so.1")),
    ("ImportError: /v/_C.so: undefined symbol: nvmlInit_v2", None, Cause.OLD_DRIVER,
     ("libnvidia-ml.so.1",)),
    ("ImportError: /v/_C.so: undefined symbol: cuFileRead", None, Cause.INCOMPLETE_BUILD,
     ("a symbol of cuFile", "-lcufile")),
    # what a system, a driver or a device's toolkit has
    (f"OSError: libnvidia-ml.so.1: {NOT_FOUND}", None, Cause.NOT_INSTALLED, ("NVIDIA driver",)),
    (f"ImportError: libGL.so.1: {NOT_FOUND}", None, Cause.NOT_INSTALLED, ("package manager",)),
    (f"ImportError: libamdhip64.so.6: {NOT_FOUND}", None, Cause.NOT_INSTALLED, ("ROCm build",)),
    (f"ImportError: libsycl.so.8: {NOT_FOUND}", None, Cause.NOT_INSTALLED, ("XPU build",)),
    (("Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by "
      "/v/_C.so)"), None, Cause.WRONG_MACHINE, ("musllinux",)),
    (f"OSError: libpython3.11.so.1.0: {NOT_FOUND}", None, Cause.WRONG_PYTHON, ("libpython",)),
    (f"OSError: libavutil.so.58: {NOT_FOUND}", None, Cause.NOT_INSTALLED, ("FFmpeg 6",)),
    # pytorch/pytorch#131284, xformers on CUDA 13
    (f"OSError: libcudart.so.12: {NOT_FOUND}", Installed("2.15.0", "13.0"), Cause.CUDA_MAJOR,
     ("torch==2.10.0", "2.15.0 (CUDA 13.0)")),
    # another Python's private name
    ("ImportError: /v/_C.cpython-311-x86_64-linux-gnu.so: undefined symbol: _PyGen_Send",
     None, Cause.WRONG_PYTHON, ("CPython",)),
    # an old system
    (("ImportError: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.32' not found (required by "
     "/v/flash_attn_2_cuda.so)"), None, Cause.OLD_SYSTEM, ("GLIBC_2.32",)),
    # pytorch/pytorch#84339: macOS, flat namespace
    (("ImportError: dlopen(/v/ext.cpython-38-darwin.so, 0x0002): symbol not found in flat "
     "namespace (__ZNK2at10TensorBase8data_ptrIlEEPT_v)"), None, Cause.INCOMPLETE_BUILD,
     ("at::TensorBase::data_ptr<long>() const", "write int64_t")),
    # pytorch/extension-cpp#1: solved by importing torch first
    (("ImportError: dlopen(/v/lltm_cpp.cpython-36m-darwin.so, 2): Symbol not found: "
     "_THPVariableClass\n  Referenced from: /v/lltm_cpp.cpython-36m-darwin.so\n"
     "  Expected in: flat namespace\n in /v/lltm_cpp.cpython-36m-darwin.so"), None,
     Cause.IMPORT_ORDER, ("libtorch_python.dylib", "import torch before")),
    # macOS, two-level: where the symbol was expected
    (("ImportError: dlopen(/v/_C.so, 0x0002): Symbol not found: "
     "__ZN3c106detail14torchCheckFailEPKcS2_jS2_\n  Referenced from: <0A1B> /v/_C.so\n"
     "  Expected in: <2C3D> /v/torch/lib/libc10.dylib"), None, Cause.OTHER_TORCH,
     ("libc10.dylib was found, and does not export it", "macosx_arm64")),
    (("ImportError: dlopen(/v/_C.so, 0x0002): tried: '/v/_C.so' (mach-o file, but is an "
     "incompatible architecture (have 'x86_64', need 'arm64'))"
     ), None, Cause.WRONG_MACHINE, ("need 'arm64'",)),
    (("ImportError: dlopen(/v/_C.so, 2): Library not loaded: @rpath/libc10.dylib\n"
     "  Referenced from: /v/_C.so\n  Reason: image not found"), None, Cause.IMPORT_ORDER,
     ("one of torch's libraries",)),
    # facebookresearch/pytorch3d#1872: Windows names nothing
    ("ImportError: DLL load failed while importing _C: The specified procedure could not be found.",
     Installed("2.13.0+cpu"), Cause.OTHER_TORCH, ("Windows does not say", "--with")),
    # pytorch/pytorch#26800: solved by importing torch first
    ("ImportError: DLL load failed: The specified module could not be found.", None,
     Cause.IMPORT_ORDER, ("Windows does not say",)),
    (("The procedure entry point ?torchCheckFail@detail@c10@@YAXPEBD0I0@Z could not be located in "
     "the dynamic link library C:\\v\\torch_stable\\_C.pyd."), None, Cause.OTHER_TORCH,
     ("win_amd64", "c10.dll")),
    ("OSError: [WinError 193] %1 is not a valid Win32 application", None, Cause.WRONG_MACHINE, ()),
    # torch's own words
    (("RuntimeError: Detected that PyTorch and torch_sparse were compiled with different CUDA "
     "versions. PyTorch has CUDA Version=12.1 and torch_sparse has CUDA Version=11.7. Please "
     "reinstall"), None, Cause.CUDA_MAJOR, ("CUDA 12.1", "CUDA 11.7")),
    ("AttributeError: '_OpNamespace' 'torchvision' object has no attribute 'nms'", None,
     Cause.EARLIER, ("registers it",)),
    ("ImportError: dynamic module does not define module export function (PyInit__C)", None,
     Cause.WRONG_PYTHON, ("torch.ops.load_library",)),
)  # fmt: skip


def clue(text: str) -> Clue | None:
    found = errors(read(text)).clues
    return found[-1] if found else None


def missing(name: str, system: str, installed: Installed | None = None) -> Explanation:
    return library(name, Scene(usual_platform(system), installed))


def shown(answer: Explanation, format_name: str) -> str:
    return render("explain", format_name, answer, Detail())


def everything(answer: Explanation) -> str:
    return shown(answer, "text")


@pytest.mark.parametrize(("text", "installed", "cause", "words"), ERRORS)
def test_errors(
    text: str, installed: Installed | None, cause: Cause, words: tuple[str, ...]
) -> None:
    answer = explain(text, installed, "3.12")
    assert answer.kind == "error"
    assert answer.causes[0] is cause
    said = everything(answer)
    for word in words:
        assert word in said, word
    assert answer.advice or answer.unknown
    document = json.loads(shown(answer, "json"))
    assert document["causes"][0] == cause
    assert shown(answer, "markdown").count("\n- ") >= len(answer.advice)


def test_there_are_enough_of_every_system() -> None:
    systems = [found.system for text, *_ in ERRORS if (found := clue(text)) is not None]
    assert len(ERRORS) >= 20
    assert min(systems.count(one) for one in ("linux", "macos", "windows")) >= 4


def test_a_symbol_by_itself_is_no_failure() -> None:
    answer = explain("_ZN3c106detail14torchCheckFailEPKcS2_jS2_")
    assert (answer.kind, answer.owner, answer.provider) == ("symbol", "libtorch", "libc10.so")
    assert answer.causes == ()
    assert answer.history is not None
    assert answer.history.missing == ()
    assert "STD_TORCH_CHECK" in answer.advice[0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "c10::detail::torchCheckFail(char const*, char const*, unsigned int, char const*)",
            "_ZN3c106detail14torchCheckFailEPKcS2_jS2_",
        ),
        ("at::_ops::relu::call", "_ZN2at4_ops4relu4callERKNS_6TensorE"),
        (
            "at::TensorBase::__dispatch_contiguous(c10::MemoryFormat) const",
            "_ZNK2at10TensorBase21__dispatch_contiguousEN3c1012MemoryFormatE",
        ),
        (
            "c10::Error::Error(c10::SourceLocation, std::string)",
            "_ZN3c105ErrorC1ENS_14SourceLocationESs",
        ),
        ("c10::Dispatcher::~Dispatcher()", "_ZN3c1010DispatcherD1Ev"),
    ],
)
def test_demangled_names_are_found(text: str, name: str) -> None:
    assert explain(text).symbol == name


def test_where_a_symbol_went() -> None:
    answer = explain("_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_ib")
    assert answer.history is not None
    assert answer.history.releases[-1] == "2.9.1"
    assert answer.history.missing[0] == "2.10.0"
    assert answer.history.cuda
    assert any("unsigned int" in one for one in answer.history.instead)
    said = everything(answer)
    assert "exported by:   torch 2.4.0 to 2.9.1 (linux_x86_64, CUDA builds only)" in said
    assert "necessary for loading, not sufficient" in said


def test_a_shim() -> None:
    answer = explain("torch_call_dispatcher")
    assert answer.owner == "libtorch's C shim"
    assert answer.is_a[0] == "a C function of the LibTorch Stable ABI, since torch 2.10.0"
    assert answer.provider == "libtorch_cpu.so"


def test_at_link_time_nothing_was_loaded() -> None:
    answer = explain(
        "a.o: undefined reference to `c10::detail::torchCheckFail(char const*, "
        "char const*, unsigned int, char const*)'"
    )
    assert answer.causes == (Cause.NOT_LINKED,)
    assert "-lc10" in answer.advice[0]


@pytest.mark.parametrize("label", ["STABLE", "unstable", "[NO-TORCH]", "abi3-tagged-no-capi"])
def test_labels(label: str) -> None:
    answer = explain(label)
    assert answer.kind == "label"
    assert answer.is_a
    assert answer.causes == ()


def test_rules() -> None:
    by_id, by_name = explain("t101"), explain("unstable-torch-symbols")
    assert by_id == by_name
    assert by_id.kind == "rule"
    assert by_id.subject == "T101 unstable-torch-symbols"
    assert by_id.advice[0].startswith("Move the calls")


@pytest.mark.parametrize("text", ["hello", "it does not work", "Segmentation fault (core dumped)"])
def test_what_is_not_understood_is_said(text: str) -> None:
    answer = explain(text)
    assert answer.causes == (Cause.UNKNOWN,)
    assert answer.unknown


def test_unknown_names_are_not_guessed() -> None:
    answer = explain("undefined symbol: _ZN3c1020never_was_in_any_oneEv")
    assert answer.causes == (Cause.OTHER_TORCH,)
    assert any("nightly" in one for one in answer.unknown)
    own = explain("x.so: undefined symbol: some_c_name")
    assert own.causes == (Cause.INCOMPLETE_BUILD,)
    assert own.unknown
    assert explain("some_c_name").causes == (Cause.UNKNOWN,)
    newer = explain("x.so: undefined symbol: torch_call_dispatcher", Installed("2.99.0"))
    assert "is not one of the known releases" in newer.pair[0]


@pytest.mark.slow
def test_hostile_texts_end() -> None:
    for text in (
        "undefined symbol: " + "_ZN" * 30000,
        "Symbol not found: " * 5000,
        "(" * 60000,
        "undefined symbol: _Z\x1b[31m",
        "x" * 200000,
    ):
        answer = explain(text)
        assert "\x1b" not in everything(answer)


def test_clues() -> None:
    found = clue("Error relocating /v/a.so: _ZN3c105ErrorD1Ev: symbol not found")
    assert found is not None
    assert (found.kind.name, found.symbol) == (SYMBOL, "_ZN3c105ErrorD1Ev")
    assert found.file == "/v/a.so"
    found = clue("/v/a.so: undefined symbol: _ZSt3foov, version GLIBCXX_3.4.29")
    assert found is not None
    assert found.version == "GLIBCXX_3.4.29"
    assert clue("all is well") is None


@pytest.mark.parametrize(
    "text", ["undefined reference to `;'", "undefined symbol: .", 'Error loading " .dll"']
)
def test_an_error_that_names_nothing_has_an_answer(text: str) -> None:
    assert explain(text).kind in {"error", "unknown"}


@pytest.mark.parametrize("row", KINDS, ids=lambda row: row.name)
def test_a_row_names_only_what_its_forms_find(row: ErrorKind) -> None:
    groups = {name for _, form in row.forms for name in re.compile(form).groupindex}
    sentences = (*row.subject, *row.is_a, *row.why, *row.advice, *row.unknown)
    fields = {field for one in sentences for field in re.findall(r"{(.*?)}", one)}
    assert fields <= groups | {*FIELDS, "subject"}
    if row.name in {REPAIR, DEPENDENCY}:
        assert "library" in groups
    elif row.name == LINK:
        assert "symbol" in groups
    elif row.name not in groups:
        always = [set(re.compile(form).groupindex) for _, form in row.forms]
        assert set(re.findall(r"{(.*?)}", row.subject[-1])) <= set.intersection(*always)


@pytest.mark.parametrize("label", [label for judge in JUDGES for label in judge.labels])
def test_every_label_of_every_judge_has_an_answer(label: str) -> None:
    assert explain(label).kind == "label"


@pytest.mark.parametrize(
    ("installed", "build"),
    [
        (Installed("2.13.0+cu130", "13.0"), "2.13.0+cu130 (CUDA 13.0)"),
        (Installed("2.13.0+cpu"), "2.13.0+cpu (without CUDA)"),
        (Installed("2.13.0", stated=False), "2.13.0 (unknown build)"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "x.so: undefined symbol: _ZN3c104cuda9SetDeviceEa",
        "x.so: undefined symbol: torch_call_dispatcher",
        f"ImportError: libc10.so: {NOT_FOUND}",
        f"ImportError: libtorch_cuda_cu.so: {NOT_FOUND}",
        f"OSError: libcudart.so.12: {NOT_FOUND}",
        "ImportError: DLL load failed: The specified procedure could not be found.",
        "ImportError: DLL load failed: The specified module could not be found.",
        "PyTorch has CUDA Version=12.1 and torch_sparse has CUDA Version=11.7",
    ],
)
def test_the_installed_torch_is_always_named_with_its_build(
    text: str, installed: Installed, build: str
) -> None:
    (sentence,) = explain(text, installed).pair
    assert sentence.startswith("the installed torch")
    assert build in sentence


def test_a_cuda_build_is_not_blamed_for_being_none() -> None:
    text = "x.so: undefined symbol: _ZN3c104cuda9SetDeviceEa"
    assert explain(text, Installed("2.8.0+cu128", "12.8")).causes == (Cause.OTHER_TORCH,)
    assert explain(text, Installed("2.8.0+cpu")).causes == (Cause.OTHER_TORCH, Cause.CPU_TORCH)
    assert explain(text, Installed("2.7.1+cpu")).causes == (Cause.CPU_TORCH,)


def test_a_symbol_that_moved_to_another_library() -> None:
    answer = explain(
        "_ZN3c1010Dispatcher27callWithDispatchKeySlowPathIvJRKN2at6TensorENS_6SymIntEEEET_RKNS_19"
        "TypedOperatorHandleIFS7_DpT0_EEERNS2_13StepCallbacksENS_14DispatchKeySetERKNS_14Kernel"
        "FunctionESA_"
    )
    assert any(
        one.startswith("it moved from libtorch_cpu.so to libtorch_python.so in 2.")
        for one in answer.why
    )
    assert "moved:" in everything(answer)


@pytest.mark.parametrize(
    "text",
    [
        "x.so: undefined symbol: _ZNK2at6Tensor8data_ptrIfEEPT_v",
        "_ZNK2at6Tensor8data_ptrIfEEPT_v",
        "x.so: undefined symbol: _ZN3c106detail14torchCheckFailEPKcS2_jS2_",
    ],
)
def test_the_first_advice_is_no_alternative(text: str) -> None:
    first, *_ = explain(text).advice
    assert not first.startswith("or ")


def test_a_cuda_library_on_windows() -> None:
    sentence = "no known torch release on the package index is built for CUDA 12 on Windows"
    assert sentence in missing("cudart64_12.dll", "windows").why


@pytest.mark.parametrize(
    "name",
    [
        *("libcudnn.so.8", "libcudnn_graph.so.9", "libnccl.so.2", "libcusparseLt.so.0"),
        *("libnvshmem_host.so.3", "libnvToolsExt.so.1", "cudnn64_9.dll"),
    ],
)
def test_a_version_of_its_own_is_not_that_of_cuda(name: str) -> None:
    answer = missing(name, "windows" if name.endswith(".dll") else "linux")
    assert Cause.IMPORT_ORDER in answer.causes
    assert not any("its major version" in text for text in answer.why)


def test_a_library_of_the_cuda_of_the_installed_torch() -> None:
    answer = missing("libcudart.so.12", "linux", Installed("2.13.0+cu126", "12.6"))
    assert answer.causes == (Cause.IMPORT_ORDER,)
    assert answer.advice[0].startswith("import torch before")
    assert not any("torch==" in text or "major version" in text for text in answer.advice)
    other = missing("libcudart.so.12", "linux", Installed("2.13.0+cu130", "13.0"))
    assert other.causes[0] is Cause.CUDA_MAJOR


@pytest.mark.parametrize(
    "name", ["libnppicc.so.13", "libnvjpeg.so.12", "libnvblas.so.12", "libcutensor.so.2"]
)
def test_cuda_libraries_that_torch_does_not_load(name: str) -> None:
    advice = missing(name, "linux").advice
    assert not any("import torch" in text for text in advice)
    assert any("nvidia-" in text or "cutensor-cu" in text for text in advice)


@pytest.mark.parametrize(
    "name",
    [
        *("libcudart.so.12", "libcublasLt.so.12", "libnvrtc-builtins.so.12.9", "libcupti.so.12"),
        *("libnvJitLink.so.13", "nvrtc64_120_0.dll"),
    ],
)
def test_cuda_libraries_that_torch_loads(name: str) -> None:
    assert any("import torch before" in text for text in missing(name, "linux").advice)
