"""Texts of torch and pybind11 about what is registered: operators, classes, namespaces."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form, Rank

_NOT_THERE = (
    "the library that registers it was not built, was not loaded, or failed to load: some "
    "packages hide that first error"
)

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "operator registered twice",
        forms=(
            Form(None, r"Tried to register an operator \((?P<symbol>[\w:.]{1,200})"),
            Form(
                None,
                r"Tried to register multiple (?:kernels|catch-all kernels|backend fallbacks) ",
            ),
        ),
        subject=("{symbol}", "an operator"),
        is_a=("an operator that two libraries register, or one library that was loaded twice",),
        causes=(Cause.TWICE,),
        why=(
            "two installed packages, or two builds of one, define the same operator",
            "or a library was opened under two paths, or a module was imported again",
        ),
        advice=(
            "compare the two places of registration that the message names",
            "remove the second copy, or restart Python instead of importing again",
            "in an extension of your own, use a namespace of its own in TORCH_LIBRARY",
        ),
        source="pytorch aten/src/ATen/core/dispatch/Dispatcher.cpp",
    ),
    ErrorKind(
        "namespace registered twice",
        forms=(
            Form(
                None,
                r"Only a single TORCH_LIBRARY can be used to register the namespace "
                r"(?P<symbol>[\w.]{1,200})",
            ),
        ),
        subject=("TORCH_LIBRARY({symbol})",),
        is_a=("a namespace of operators that a second library, or a second copy, defines",),
        causes=(Cause.TWICE,),
        why=(
            "TORCH_LIBRARY may define the namespace {symbol} once in a process",
            (
                "two packages use the same namespace, one library was opened under two paths, or "
                "torch was imported again after a first import that failed"
            ),
        ),
        advice=(
            (
                "compare the two places of registration that the message names: rename one "
                "namespace, or use TORCH_LIBRARY_FRAGMENT in all but one"
            ),
            "or remove the second copy of the library",
            "if both places are the same, restart Python, and solve the first error of torch",
        ),
        source="pytorch aten/src/ATen/core/dispatch/Dispatcher.cpp (registerLibrary)",
    ),
    ErrorKind(
        "class registered twice",
        forms=(
            Form(
                None,
                r"(?:Custom class with name|Class) (?P<symbol>[\w.:]{1,200}) is already "
                r"registered\. Ensure that registration with torch::class_",
            ),
            Form(None, r"(?:Type|File|Key) is already registered: (?P<symbol>[^\s]{1,200})"),
            Form(
                None,
                r"generic_type: (?:type|cannot initialize type) \"(?P<symbol>[^\"\n]{1,200})\"(?: "
                r"is already registered|: an object with that name is already defined)",
            ),
        ),
        subject=("{symbol}",),
        is_a=("a type that two libraries register, or one library that was loaded twice",),
        causes=(Cause.TWICE,),
        why=("one library was opened under two paths, or two extensions bind the same C++ type",),
        advice=(
            "remove the second copy of the library, or restart Python instead of importing again",
            "in pybind11 modules, bind a shared type with py::module_local()",
        ),
        source=(
            "pytorch aten/src/ATen/core/custom_class.cpp, caffe2/serialize; pybind11 "
            "include/pybind11/pybind11.h, detail/generic_type"
        ),
    ),
    ErrorKind(
        "not built for CUDA",
        forms=(
            Form(
                None,
                r"Could not run '(?P<symbol>[\w:.]{1,200})' with arguments from the "
                r"'(?P<version>(?:Sparse|Quantized|Nested\w{0,20})?(?:CUDA|HIP|XPU|MPS|"
                r"PrivateUse1))' backend",
            ),
        ),
        subject=("{symbol}",),
        is_a=("an operator whose library has no kernel for {version} tensors",),
        causes=(Cause.INCOMPLETE_BUILD, Cause.CPU_TORCH),
        why=(
            (
                "the library is loaded, but is a build without {version}: a CPU wheel with a "
                "torch for that device, or a build where the compiler did not see the device"
            ),
        ),
        advice=(
            "install the package's build for the installed torch and its CUDA release",
            "or rebuild it with FORCE_CUDA=1 and CUDA_HOME set",
            "or move the tensors to the CPU",
        ),
        about_torch=True,
        owner="the extension",
        source="pytorch aten/src/ATen/core/dispatch/OperatorEntry.cpp (reportError)",
    ),
    ErrorKind(
        "not built for the CPU",
        forms=(
            Form(
                None,
                r"Could not run '(?P<symbol>[\w:.]{1,200})' with arguments from the "
                r"'(?P<version>\w{1,60})' backend",
            ),
        ),
        subject=("{symbol}",),
        is_a=("an operator whose library has no kernel for {version} tensors",),
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("the library registers the operator for other devices or kinds of tensors only",),
        advice=("look at the list of backends that the message ends with, and move the tensors",),
        owner="the extension",
        source="pytorch aten/src/ATen/core/dispatch/OperatorEntry.cpp (reportError)",
    ),
    ErrorKind(
        "torchvision's operators",
        forms=(
            Form(None, r"operator (?P<symbol>torchvision::\w{1,80}) does not exist"),
            Form(None, r"Couldn't load custom C\+\+ ops"),
        ),
        subject=("{symbol}", "the package's operators"),
        is_a=("operators whose library did not load: the package hid the error",),
        causes=(Cause.OTHER_TORCH, Cause.EARLIER),
        why=(
            (
                "torchvision and packages that copy its code continue when their library fails to "
                "load; it is mostly built for another torch, or for another CUDA build of it"
            ),
        ),
        advice=(
            "install torch and torchvision of releases that belong together, from one index",
            "to see the first error, set TORCHVISION_WARN_WHEN_EXTENSION_LOADING_FAILS=1",
            "or run torch-abi-audit explain --with torchvision - to see which torch it fits",
        ),
        rank=Rank.CONSEQUENCE,
        about_torch=True,
        owner="the extension",
        source="pytorch/vision torchvision/extension.py",
    ),
    ErrorKind(
        "no operator",
        forms=(
            Form(
                None, r"'_OpNamespace' '(?P<library>\w+)' object has no attribute '(?P<symbol>\w+)'"
            ),
            Form(None, r"operator (?P<symbol>[\w.]{1,200}::[\w.]{1,200}) does not exist"),
            Form(None, r"Could not find schema for:? (?P<symbol>[\w:.]{1,400})"),
            Form(None, r"No such operator:? (?P<symbol>[\w.]{1,200}::[\w.]{1,200})"),
            Form(None, r"Unknown builtin op: (?P<symbol>[\w:.]{1,400}\w)"),
            Form(None, r"The underlying op of '(?P<symbol>[\w:.]{1,400})' has no overload name"),
            Form(None, r"Could not find any similar ops to (?P<symbol>[\w:.]{1,400}\w)"),
        ),
        subject=("{symbol}", "an operator"),
        is_a=("an operator that no library has registered in this process",),
        causes=(Cause.EARLIER, Cause.INCOMPLETE_BUILD),
        why=(_NOT_THERE,),
        advice=(
            "import the package that registers it, and look at the first error that it prints",
            "run torch-abi-audit -v PACKAGE to check that the library is there and can be read",
        ),
        unknown=("which library registers it",),
        rank=Rank.CONSEQUENCE,
        source=(
            "pytorch torch/_ops.py, aten/src/ATen/core/dispatch/Dispatcher.cpp, "
            "torch/csrc/jit/runtime/register_special_ops.cpp"
        ),
    ),
    ErrorKind(
        "no class",
        forms=(
            Form(
                None,
                r"Tried to instantiate class '(?P<symbol>[\w.]{1,200})', but it does not exist",
            ),
            Form(None, r"Unknown type name '__torch__\.torch\.classes\.(?P<symbol>[\w.]{1,200})'"),
            Form(None, r"Can't find class id in custom class type map for (?P<symbol>\S{1,200})"),
        ),
        subject=("{symbol}",),
        is_a=("a class that no library has registered with torch in this process",),
        causes=(Cause.EARLIER, Cause.INCOMPLETE_BUILD),
        why=(_NOT_THERE,),
        advice=("import the package that registers it, and look at the first error it prints",),
        rank=Rank.CONSEQUENCE,
        source="pytorch torch/csrc/jit/python/init.cpp, aten/src/ATen/core/ivalue_inl.h",
    ),
)
