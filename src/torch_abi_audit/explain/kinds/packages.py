"""Texts of packages that compare torch, CUDA and Python with those that they were built for."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form, Rank
from torch_abi_audit.explain.kinds.patterns import REST

_LINE = r"(?:[^\n]{0,200}\n)?[^\n]{0,200}?"
_FITTING = "install the package's build for the installed torch, or rebuild it against that torch"

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "xformers with a CPU torch",
        forms=(
            Form(
                None,
                rf"was built for{_LINE}PyTorch (?P<a>[^\s(]{{1,60}}\+cu\d{{2,4}})[^\n(]{{0,80}}"
                r"\(you have (?P<b>[^)\n]{1,60}\+cpu)\)",
            ),
        ),
        subject=("xFormers built for torch {a}",),
        is_a=("a package whose library was built for CUDA, beside a torch without CUDA",),
        causes=(Cause.CPU_TORCH, Cause.OTHER_TORCH),
        why=("it was built for PyTorch {a}, and you have {b}",),
        advice=("install the CUDA build of torch: {a}",),
        about_torch=True,
        owner="the extension",
        source="facebookresearch/xformers xformers/_cpp_lib.py",
    ),
    ErrorKind(
        "xformers",
        forms=(
            Form(
                None,
                rf"was built for{_LINE}PyTorch (?P<a>[^\s(]{{1,80}})[^\n(]{{0,80}}"
                r"\(you have (?P<b>[^)\n]{1,80})\)"
                rf"(?:{_LINE}(?P<version>Python\s{{1,8}}[\w.+]{{1,40}} "
                r"\(you have [\w.+]{1,40}\)))?",
            ),
            Form(None, r"xFormers was built for a different version of PyTorch or Python"),
        ),
        subject=("xFormers built for torch {a}", "xFormers"),
        is_a=("a package whose library was built for another torch, CUDA or Python",),
        causes=(Cause.OTHER_TORCH, Cause.CUDA_MAJOR, Cause.WRONG_PYTHON),
        why=(
            "it wrote down what it was built for, and compares when its library does not load",
            "it was built for PyTorch {a}, and you have {b}",
            "{version}",
        ),
        advice=(
            "install the release of the package for the installed torch, or torch {a}",
            "or rebuild the package against the installed torch",
        ),
        about_torch=True,
        owner="the extension",
        source="facebookresearch/xformers xformers/_cpp_lib.py",
    ),
    ErrorKind(
        "two CUDA releases",
        forms=(
            Form(
                None,
                r"(?:PyTorch|torch) has CUDA [Vv]ersion[ =:]{1,4}(?P<a>[\d.]{0,8}\d)"
                + REST
                + r"CUDA [Vv]ersion[ =:]{1,4}(?P<b>[\d.]{0,8}\d)",
            ),
            Form(
                None,
                r"detected CUDA version \((?P<a>[\d.]{1,12})\) mismatches the version that was "
                r"used to compile\s{0,80}PyTorch \((?P<b>[\d.]{1,12})\)",
            ),
            Form(
                None,
                r"Installed CUDA version (?P<a>[\d.]{1,12}\d) does not match the version torch was "
                r"compiled with (?P<b>[\d.]{1,12}\d)",
            ),
            Form(
                None,
                r"(?:Cuda extensions are being compiled with a version of Cuda that does not "
                r"match|CUDA version mismatch: )[^\n]{0,200}?(?:binaries were compiled with Cuda "
                r"(?P<version>[\d.]{1,12}\d)|$)",
            ),
            Form(
                None,
                r"(?:PyTorch|torch) (?:was )?compiled (?:with|for) CUDA (?P<a>[\d.]{1,12}\d)"
                r"[^\n]{0,160}?(?:compiled|built) (?:with|for) CUDA (?P<b>[\d.]{1,12}\d)",
            ),
        ),
        subject=("CUDA {a} and CUDA {b}", "two CUDA releases"),
        is_a=("torch and the package (or the compiler) use different CUDA releases",),
        causes=(Cause.CUDA_MAJOR,),
        why=(
            "libraries of two CUDA major versions do not replace each other",
            "the text names CUDA {a} and CUDA {b}",
            "torch is built for CUDA {version}, and the toolkit (nvcc, CUDA_HOME) is of another",
        ),
        advice=(
            "install torch and the package for the same CUDA major version",
            "or compile with the CUDA toolkit that torch.version.cuda names",
        ),
        about_torch=True,
        source=(
            "pytorch torch/utils/cpp_extension.py (CUDA_MISMATCH_MESSAGE), pytorch/vision "
            "torchvision/extension.py, rusty1s/pytorch_scatter __init__.py"
        ),
    ),
    ErrorKind(
        "CUDA releases not named",
        forms=(
            Form(
                None,
                r"Detected that PyTorch and (?P<symbol>[\w-]{1,80}) were compiled with different "
                r"CUDA (?:major )?versions",
            ),
        ),
        subject=("{symbol}",),
        is_a=("a package that was built for another CUDA release than torch",),
        causes=(Cause.CUDA_MAJOR,),
        why=("both packages state the CUDA release that they were built with",),
        advice=("install torch and the package for the same CUDA release",),
        about_torch=True,
        owner="the extension",
        source="rusty1s/pytorch_scatter torch_scatter/__init__.py",
    ),
    ErrorKind(
        "no variant for this torch",
        forms=(
            Form(
                None,
                r"Cannot find DGL C\+\+ \w{1,40} library at "
                r"(?P<file>[^\n]{1,300}?(?P<version>\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)"
                r"[^\n/\\]{0,40}?\.(?:so|dylib|dll))",
            ),
            Form(
                None,
                r"(?:cannot|can't|could not|Could not|unable to|Unable to|failed to|Failed to) "
                r"find[^\n]{0,200}?(?<![^\s'\"])(?P<file>[\w./\\:-]{0,300}?(?:torch|pt)"
                r"[_-]?(?P<version>\d{1,2}\.\d{1,3}(?:\.\d{1,3})?)[\w.-]{0,40}?\.(?:so|dylib|dll|"
                r"pyd))",
            ),
            Form(
                None,
                r"(?:no|No) (?:build|prebuilt|matching|compatible) "
                r"variant[^\n]{0,200}?torch[ _=-]{0,2}(?P<version>\d{1,2}\.\d{1,3}(?:\.\d{1,3})?)",
            ),
            Form(
                None,
                r"Kernel[^\n]{0,120}? does not have (?:a )?(?:build variant|one of build variants)"
                r"[^\n]{0,80}?: (?P<version>[^\n]{1,200})",
            ),
            Form(
                None,
                r"Cannot find a build variant for this system in (?P<file>[^\s]{1,200})",
            ),
        ),
        subject=("{file}", "the package's library for torch {version}", "the package"),
        is_a=("a library that the package has in one copy for each torch, and not for this one",),
        causes=(Cause.OTHER_TORCH,),
        why=(
            "the package looks for a file named after the installed torch, {version}",
            "its wheel has files for the releases of torch that existed when it was built",
        ),
        advice=(
            "list the files beside it, and install a torch that one of them is named after",
            "or install a release of the package that is built for the installed torch",
        ),
        about_torch=True,
        owner="the extension",
        source=(
            "dmlc/dgl python/dgl/graphbolt/__init__.py, huggingface/kernels src/kernels/utils.py"
        ),
    ),
    ErrorKind(
        "another torch is expected",
        forms=(
            Form(
                None,
                r"(?:Expected|expects|requires) (?:PyTorch|torch) version `?(?P<a>[\w.+]{1,40}\w)"
                r"`?,? but (?:found|got|the installed version is)"
                r"[^\n\d]{0,40}(?P<b>[\w.+]{1,40}\w)",
            ),
            Form(
                None,
                r"(?:compiled|built) (?:with|for|against) (?:PyTorch|torch) (?:version )"
                r"?(?P<a>\d[\w.+]{1,40}\w)[^\n]{0,120}?(?:but|while|and)[^\n]{0,80}?(?:PyTorch|"
                r"torch)[^\n\d]{0,40}(?P<b>\d[\w.+]{1,40}\w)",
            ),
        ),
        subject=("torch {a} and torch {b}",),
        is_a=("a package for torch {a}, while torch {b} is installed",),
        causes=(Cause.OTHER_TORCH,),
        why=("the package says that it expects torch {a}", "it found torch {b}"),
        advice=(_FITTING, "or install torch=={a}"),
        about_torch=True,
        owner="the extension",
        source="intel/intel-extension-for-pytorch, pytorch/xla, torch_npu (their checks)",
    ),
    ErrorKind(
        "IPEX",
        forms=(
            Form(
                None,
                r"Intel\S{0,4} Extension for PyTorch\S{0,4} (?P<file>[\w.+]{1,40} )?needs to work "
                r"with PyTorch (?P<a>[\w.*]{1,20}\w|\d[\d.]{0,9}\*),? but PyTorch "
                r"(?P<b>[\w.+]{1,40}\w) is found",
            ),
        ),
        subject=("intel_extension_for_pytorch",),
        is_a=("a package for torch {a}, while torch {b} is installed",),
        causes=(Cause.OTHER_TORCH,),
        why=("the package says that it expects torch {a}", "it found torch {b}"),
        advice=(_FITTING, "or install a torch {a}"),
        about_torch=True,
        owner="the extension",
        source="intel/intel-extension-for-pytorch intel_extension_for_pytorch/__init__.py",
    ),
    ErrorKind(
        "bitsandbytes",
        forms=(
            Form(
                None,
                r"CUDA Setup failed despite (?:GPU|CUDA) being available",
            ),
            Form(
                None,
                r"(?:Configured|Required|CUDA) [^\n]{0,60}binary not found at "
                r"(?P<file>[^\n]{1,300}?libbitsandbytes_\w{1,20}\.(?:so|dll))",
            ),
            Form(
                None,
                r"Could not find the bitsandbytes CUDA binary at "
                r"(?P<file>[^\n]{1,300}?libbitsandbytes_\w{1,20}\.(?:so|dll))",
            ),
        ),
        subject=("{file}", "bitsandbytes"),
        is_a=("a library that bitsandbytes has in one copy for each CUDA release",),
        causes=(Cause.CUDA_MAJOR, Cause.CPU_TORCH),
        why=("its wheel has no copy for the CUDA release that torch.version.cuda names",),
        advice=(
            "install a release of bitsandbytes for that CUDA, or set BNB_CUDA_VERSION",
            "run python -m bitsandbytes for its own report",
        ),
        about_torch=True,
        owner="the extension",
        rank=Rank.CAUSE,
        source="bitsandbytes-foundation/bitsandbytes bitsandbytes/cextension.py",
    ),
)
