"""Explains symbols that do not belong to torch: who owns them and why they are undefined."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation, Fails
from torch_abi_audit.explain.kinds.known_symbols import known_symbol
from torch_abi_audit.explain.symbols.older_copy import older_copy, was_found
from torch_abi_audit.explain.symbols.python_symbol import python_symbol
from torch_abi_audit.explain.torn_torch import REINSTALL, elsewhere, torn_torch
from torch_abi_audit.knowledge import cpython_abi, nvidia_functions
from torch_abi_audit.knowledge.names.cuda import is_cuda_function
from torch_abi_audit.knowledge.names.functions import Project, Provider, provider_of
from torch_abi_audit.knowledge.platforms import LINUX, WINDOWS
from torch_abi_audit.mangling import owner
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.kinds.known import Known
    from torch_abi_audit.explain.scene import Scene

_STANDARD = ((b"std",), (b"__gnu_cxx",), (b"__cxxabiv1",))
_BY_NAME = ("a symbol of ", "a function of ")
"""What is said of a C name whose beginning is that of a project."""
_RUNTIME_NAMES = ("__cxa_", "__gxx_", "_ZNSt", "_ZSt", "_ZNKSt", "_ZTISt", "_ZTVSt", "_Zn", "_Zd")


def foreign(base: Explanation, name: bytes, scene: Scene) -> Explanation:
    """Explain a symbol of CPython, CUDA, OpenMP, the C++ standard library or another project.

    Where nothing is said to fail, the answer has no causes of a failure.
    """
    answer = _foreign(base, name, scene)
    if not scene.is_question or answer.owner is None:
        return answer
    links = tuple(one for one in answer.advice if one.startswith("link "))
    answer = replace(answer, causes=(), why=(), unknown=(), advice=links)
    said = answer.is_a[0] if answer.is_a else ""
    listed = cpython_abi.is_cpython_name(name) or name.startswith((b"_Z", b"?")) or b":" in name
    if listed or not said.startswith(_BY_NAME):
        return answer
    if releases := nvidia_functions.cuda_releases(name.decode("utf-8", "replace")):
        majors = ", ".join(map(str, releases))
        return replace(answer, is_a=(*answer.is_a, f"declared by the headers of CUDA {majors}"))
    return replace(
        answer,
        is_a=(f"named like {said}", *answer.is_a[1:]),
        provider=None,
        advice=tuple(f"if it is one, {one}" for one in links),
        unknown=("whether there is one of this name: only the beginning of the name tells",),
    )


def _foreign(base: Explanation, name: bytes, scene: Scene) -> Explanation:
    text = name.decode("utf-8", "replace")
    if cpython_abi.is_cpython_name(name):
        return python_symbol(base, name, scene)
    if (known := known_symbol(text)) is not None:
        return _known(base, known, scene)
    declared = owner(name)
    if declared[:1] in _STANDARD or text.startswith(_RUNTIME_NAMES):
        return _standard(base, scene)
    provider = provider_of(text)
    if provider is None and is_cuda_function(text):
        provider = Provider(Project.CUDA, "the CUDA library that exports it", "CUDA")
    if provider is not None:
        return _provided(base, provider, scene)
    if len(declared) > 1:
        return _namespace(base, declared[0].decode("utf-8", "replace"), scene)
    return _nobody(base, scene)


def _known(base: Explanation, known: Known, scene: Scene) -> Explanation:
    """Explain a symbol of the table of known ones; a linker found no library that has it."""
    causes, why, advice = known.causes, known.why, known.advice
    if scene.linking and causes in ((Cause.OTHER_TORCH,), (Cause.WRONG_PYTHON,)):
        causes = (*causes[:1], Cause.NOT_LINKED)
        why = (*why, "no library on the linker's command line exports it")
    elif scene.linking and Cause.INCOMPLETE_BUILD not in causes[:1]:
        causes = (Cause.INCOMPLETE_BUILD, *(one for one in causes if one in _OF_A_BUILD))
        why = ("no library on the linker's command line exports it", *why)
        advice = ("link the library that has it when building the package", *advice)
    if scene.is_of_torch and causes == (Cause.OTHER_TORCH,):
        return torn_torch(replace(base, is_a=(known.is_a,), owner=known.owner), scene)
    if scene.is_of_torch:
        causes, advice = _of_torch_itself(causes), (*_for_torch(advice), f"or {REINSTALL}")
    if scene.expected_in:
        why = (f"{scene.expected_in} was found, and does not export it", *why)
    return replace(
        base,
        is_a=(known.is_a,),
        owner=known.owner,
        causes=causes,
        why=why,
        advice=advice,
        unknown=known.unknown,
    )


def _for_torch(advice: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        one.replace("the package's build", "the build of torch").replace("the package", "torch")
        for one in advice
    )


def _of_torch_itself(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The causes of a row as far as they apply to torch: it was not built for another torch."""
    if Cause.OTHER_COPY in causes:
        return (Cause.OTHER_COPY, Cause.MIXED)
    return tuple(one for one in causes if one is not Cause.OTHER_TORCH) or (Cause.MIXED,)


_OF_A_BUILD = (Cause.OTHER_TORCH, Cause.WRONG_PYTHON, Cause.OTHER_COPY)
"""Causes for which a linker may fail as well."""


def _provided(base: Explanation, provider: Provider, scene: Scene) -> Explanation:
    """Explain a symbol of a known library."""
    special = _SPECIAL.get(provider.project)
    answer = replace(
        base,
        is_a=(f"a symbol of {provider.title}{_MAKER.get(provider.project, '')}",),
        owner=provider.project,
        provider=provider.library,
    )
    if special is not None:
        return replace(
            answer,
            is_a=special.is_a or answer.is_a,
            causes=special.causes,
            why=tuple(one.format(provider.library) for one in special.why),
            advice=tuple(one.format(provider.library) for one in special.advice),
        )
    if was_found(scene) or (not scene.linking and scene.fails not in (None, Fails.EXTENSION)):
        return older_copy(answer, provider, scene)
    name = _library(provider, scene)
    if scene.linking:
        why = f"{name} is not on the linker's command line, or is older"
    else:
        why = f"what needs it is not linked to {name}, or an older copy is loaded"
    causes = [Cause.INCOMPLETE_BUILD, *([] if scene.linking else [Cause.OTHER_COPY])]
    if provider.project is Project.CUDA and not scene.linking:
        causes.append(Cause.CUDA_MAJOR)
    return replace(
        answer,
        provider=name,
        causes=tuple(causes),
        why=(why,),
        advice=(
            f"link {_option(provider, scene)} when building the package",
            *(() if scene.linking else elsewhere(scene)),
        ),
        unknown=()
        if scene.linking
        else (f"whether an older {name} is loaded: {scene.how_to_see}",),
    )


def _library(provider: Provider, scene: Scene) -> str:
    """The library as its system names it; its version is not known."""
    stem, so, _ = provider.library.partition(".so")
    if not so or scene.system is LINUX:
        return provider.library
    if scene.system is WINDOWS:
        return f"{stem.removeprefix('lib')}.lib" if scene.linking else stem.removeprefix("lib")
    return f"{stem}{scene.system.suffix}"


def _option(provider: Provider, scene: Scene) -> str:
    """What a linker is told to link a library."""
    if not provider.library.startswith("lib"):
        return provider.library
    if scene.system is WINDOWS:
        return f"{provider.option.removeprefix('-l')}.lib"
    return provider.option


_MAKER = {Project.CUDA: ", a library of NVIDIA"}

_SPECIAL = {
    Project.DRIVER: Explanation(
        "",
        "symbol",
        is_a=("a symbol of the NVIDIA driver, which no package contains",),
        causes=(Cause.OLD_DRIVER, Cause.INCOMPLETE_BUILD),
        why=("the installed driver is older than the function, or {0} is not linked",),
        advice=(
            "install a newer NVIDIA driver, or a build of the package for the installed one",
            "or link {0} when building the package",
        ),
    ),
    Project.OPENMP: Explanation(
        "",
        "symbol",
        is_a=("a symbol of an OpenMP runtime",),
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("the code was compiled with OpenMP but linked without it",),
        advice=("pass the flag used for compiling, such as -fopenmp, to the linker as well",),
    ),
}
"""The answers for symbols whose cause is known from their project alone."""


def _standard(base: Explanation, scene: Scene) -> Explanation:
    return replace(
        base,
        is_a=("a symbol of the C++ standard library",),
        owner="the C++ standard library",
        provider="libstdc++.so.6",
        causes=(Cause.INCOMPLETE_BUILD,)
        if scene.linking
        else (Cause.OLD_SYSTEM, Cause.OTHER_COPY)
        if scene.version
        else (Cause.OTHER_COPY, Cause.OLD_SYSTEM),
        why=(
            "it was linked without the C++ standard library: use g++ instead of gcc"
            if scene.linking
            else "the loaded libstdc++ is older than the compiler that built the package, or is "
            "another one than it was linked with",
        ),
        advice=("link with the C++ compiler",)
        if scene.linking
        else (
            "install a newer libstdc++ (conda: libstdcxx-ng), or a package built for older systems",
            *elsewhere(scene),
        ),
        unknown=()
        if scene.linking
        else ("which copy of libstdc++ the process loaded, if there are several",),
    )


def _namespace(base: Explanation, space: str, scene: Scene) -> Explanation:
    """Explain a symbol of a namespace that no known project has."""
    is_a = (f"a symbol of {space}, which is not part of torch: no torch release exports it",)
    if scene.is_of_torch or scene.expected_in:
        place = scene.expected_in or scene.file or "the loaded copy"
        return replace(
            base,
            is_a=is_a,
            owner=space,
            causes=(Cause.OTHER_COPY, Cause.MIXED),
            why=(
                (
                    f"what needs it was built with another release of {space} than the one that "
                    f"is loaded ({place})"
                ),
            ),
            advice=(
                REINSTALL
                if scene.is_of_torch
                else f"install releases of the two that were built for each other: {place}",
                *elsewhere(scene),
            ),
        )
    return replace(
        base,
        is_a=is_a,
        owner=space,
        causes=(Cause.INCOMPLETE_BUILD,),
        why=(
            (
                "the code that defines it was not compiled or linked, or is in a library that was "
                "not loaded"
            ),
        ),
        advice=(
            "add the source file or the library that defines it to the build, and rebuild",
            "in a CUDA extension, look for a .cu file that was not compiled",
        ),
        unknown=("which project the namespace belongs to",),
    )


def _nobody(base: Explanation, scene: Scene) -> Explanation:
    """Explain a name that belongs to no known project: the extension's own, most likely."""
    unknown = (
        (
            "which project the symbol belongs to: it is neither a C shim of torch nor a CPython "
            "symbol, and no known torch release exports it"
        ),
    )
    if scene.is_question:
        return replace(base, causes=(Cause.UNKNOWN,), unknown=unknown)
    if scene.is_of_torch or was_found(scene):
        return replace(
            base,
            causes=(Cause.OTHER_COPY, Cause.MIXED),
            why=("another copy of the library that exports it is loaded, of another release",),
            advice=(REINSTALL, *elsewhere(scene)),
            unknown=unknown,
        )
    return replace(
        base,
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("nobody else defines it, so a source file or a library was left out of the link",),
        advice=(
            "add the source file or the library that defines it to the build, and rebuild",
            (
                "in a CUDA extension, look for a .cu file that was not compiled, and for a "
                'function declared extern "C" on one side only'
            ),
        ),
        unknown=unknown,
    )
