"""Texts of torch about a library that it could not load, and about itself."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form, Rank

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "torch's source folder",
        forms=(
            Form(
                None,
                r"It appears that PyTorch has loaded the `torch/_C` folder",
            ),
            Form(
                None,
                r"No module named '(?P<symbol>torch\._C(?:\.\w{1,80})?)'",
            ),
            Form(None, r"cannot import name '\w{1,80}' from 'torch\._C'"),
        ),
        subject=("torch",),
        is_a=("a torch without its compiled part, torch/_C",),
        causes=(Cause.MIXED, Cause.WRONG_PYTHON, Cause.INCOMPLETE_BUILD),
        why=(
            (
                "a folder named torch is found first, such as the source tree in the current "
                "directory, or the files of two releases or Pythons are mixed"
            ),
        ),
        advice=(
            "run Python from another directory, and look at torch.__file__",
            "or uninstall torch until pip finds none, remove the folder, and install it again",
        ),
        owner="torch",
        source="pytorch torch/__init__.py",
    ),
    ErrorKind(
        "no compiled module",
        forms=(
            Form(
                None,
                r"No module named '(?P<symbol>[\w.]{1,200}\.(?:_C\w{0,40}|_ext|\w{0,60}(?:_cuda|"
                r"_cpu|_hip|_ext|_kernels?|_cpp|_ops)))'",
            ),
            Form(
                None,
                r"No module named '(?P<symbol>\w{0,60}(?:_cuda|_cuda_\w{1,40}|_ext|_kernels?|_cpp|"
                r"_C))'",
            ),
            Form(
                None,
                r"cannot import name '(?P<symbol>_C\w{0,40}|csrc|_ext\w{0,20}|_kernels?|_backend|"
                r"\w{0,40}_(?:cuda|hip|ext|kernels?|cpp|ops)(?:_\w{1,20})?)' from (?:partially "
                r"initialized "
                r"module )?'(?P<file>[\w.]{1,200})'",
            ),
        ),
        subject=("{symbol}",),
        is_a=("the compiled part of a package, which is not there for this Python",),
        causes=(Cause.INCOMPLETE_BUILD, Cause.WRONG_PYTHON, Cause.CPU_TORCH),
        why=(
            (
                "the package was installed without compiling it, or without CUDA, or the suffix "
                "of the file names another Python{here}"
            ),
            "or a folder of its source tree, without the compiled file, was found first",
        ),
        advice=(
            "run Python outside of the package's source tree",
            (
                "or look for the file beside the package's modules, and reinstall the package for "
                "this Python and torch (pip install --no-build-isolation for source packages)"
            ),
        ),
        rank=Rank.CONSEQUENCE,
        owner="the extension",
        source="CPython Lib/importlib/_bootstrap.py, rusty1s/pytorch_scatter#170",
    ),
    ErrorKind(
        "torchcodec",
        forms=(Form(None, r"Could not load libtorchcodec\b"),),
        subject=("libtorchcodec",),
        is_a=("torchcodec's message around errors of the loader, one for each FFmpeg release",),
        causes=(Cause.EARLIER,),
        why=(
            (
                'the cause is the error before each "Could not load this library": a missing '
                "libavutil means that this FFmpeg is not installed, which is normal for all but one"
            ),
            "an undefined symbol means that torchcodec was built for another torch",
        ),
        advice=(
            'pass the text from "[start of libtorchcodec loading traceback]" on',
            "or run torch-abi-audit explain --with torchcodec - to see which torch it fits",
            (
                "install FFmpeg with shared libraries: conda install -c conda-forge ffmpeg, or the "
                'system\'s package; on Windows a "full-shared" build'
            ),
        ),
        rank=Rank.CONSEQUENCE,
        about_torch=True,
        owner="the extension",
        source="pytorch/torchcodec src/torchcodec/_internally_replaced_utils.py",
    ),
    ErrorKind(
        "could not load",
        forms=(
            Form(
                None,
                r"Could not load this library: "
                r"(?P<file>[^\n]{1,400}?\.(?:so[\d.]{0,20}|dylib|dll|pyd))\b",
            ),
            Form(None, r"Could not load this library: (?P<file>[^\s{]\S{0,400})"),
            Form(None, r"Could not load the library '(?P<file>[^'\n]{1,400})'"),
        ),
        subject=("{file}", "the library"),
        is_a=("a library of operators that torch could not load",),
        causes=(Cause.EARLIER,),
        why=("it is a second message: the error before it, of the loader, names the cause",),
        advice=(
            "look at the error that precedes it",
            (
                "or see what is missing: on Linux, ldd FILE with torch/lib in LD_LIBRARY_PATH; "
                "elsewhere, torch-abi-audit -v FILE"
            ),
            "or run torch-abi-audit explain --with PACKAGE - to see which torch the package fits",
        ),
        unknown=("why it did not load: this line does not say",),
        rank=Rank.CONSEQUENCE,
        about_torch=True,
        owner="the extension",
        source="pytorch torch/_ops.py (load_library)",
    ),
)
