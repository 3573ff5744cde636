"""Answers one question: an error's text, a symbol, a library, a row's label or a rule.

A text is read as it was meant, all its errors are found, one of them is chosen and explained where
it happened; the answer says who fails and lists what could not be determined. Pure: it reads only
the tables in ``data/``, and opens them when they are needed.
"""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import (
    Cause,
    Explanation,
    Installed,
    in_order,
    installed_torch,
)
from torch_abi_audit.explain.labels import label_or_rule
from torch_abi_audit.explain.scene import Scene
from torch_abi_audit.knowledge.platforms import usual_platform
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.reading.choice import Choice
    from torch_abi_audit.explain.reading.error_text import Clue, Errors
    from torch_abi_audit.explain.reading.pasted import Pasted
    from torch_abi_audit.model.gpus import Gpu

__all__ = ["Installed", "explain"]

_LIBRARY = re.compile(r"[\w@./+-]{1,400}?(?:\.so(?:\.[\w.]{1,40})?|\.dylib|\.dll|\.pyd)")
_NO_HEADER = "no stable headers"
_OF_DEVICES = "stable shim of a device"
_OF_COMPILERS = ("stable API not declared", _OF_DEVICES, _NO_HEADER)
"""Kinds of errors that name what a compiler does not find in torch's headers."""
_FAILED_BUILDS = ("build failed",)
_LONGEST_NAME = 1 << 14
"""Characters; mangled names of templates are long."""
_REPAIRS_TORCH = re.compile(r"[Rr]epairing (?:[^\s]{0,300}/)?torch-\d")
"""What auditwheel says when it begins with a wheel of torch itself."""


def explain(
    text: str,
    installed: Installed | None = None,
    python: str | None = None,
    platform: str | None = None,
    gpu: Gpu | None = None,
) -> Explanation:
    """Answer one question.

    Args:
        text: An error, a symbol, a library, a label or a rule.
        installed: The installed torch, if any.
        python: The Python of the environment, such as ``3.12``.
        platform: The index platform, if it is known; else the text decides.
        gpu: The GPU in question; else the text decides.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    asked = text.strip()
    answer = label_or_rule(asked) or _of_text(asked, Scene("", installed, python), platform, gpu)
    if gpu is not None and answer.device is None:
        idle = f"what {gpu.title} has to do with it: this is no error about a GPU"
        answer = replace(answer, unknown=(*answer.unknown, idle))
    return replace(answer, advice=in_order(answer.advice))


def _of_text(asked: str, scene: Scene, platform: str | None, gpu: Gpu | None) -> Explanation:
    """Read, find, choose, explain, and say who fails."""
    from torch_abi_audit.explain.kinds.kind import LIBRARY, SYMBOL, VERSION
    from torch_abi_audit.explain.reading.choice import choose  # these read the table of kinds
    from torch_abi_audit.explain.reading.error_text import errors
    from torch_abi_audit.explain.reading.pasted import read
    from torch_abi_audit.explain.torn_torch import left_over, stray

    pasted = read(asked)
    found = errors(pasted)
    if not found.clues:
        return _not_declared(pasted.text, scene, platform) or _of_name(asked, scene, platform)
    choice = choose(found.clues, pasted.text)
    there = _scene(choice.clue, found, pasted, scene, platform)
    answer = left_over(_of_choice(choice, there), there)
    if choice.clue.kind.name in (*_OF_COMPILERS, *_FAILED_BUILDS):
        there, answer = _named(choice, pasted, there, answer)
    if choice.clue.kind.name in (SYMBOL, LIBRARY, VERSION):
        answer = stray(answer, there)
    if choice.clue.kind.device is not None:
        from torch_abi_audit.explain.devices.answer import answered  # these read tables
        from torch_abi_audit.explain.devices.seen import seen

        found_there = seen(choice.clue, choice.clue.kind.device, pasted.text, gpu, there)
        answer = answered(answer, found_there, scene.installed)
    left = f"{found.unread} more places that look like errors: only some of so many are read"
    return replace(
        answer,
        kind="error",
        fails=answer.fails or there.fails,
        file=there.file,
        others=choice.others,
        unknown=(*answer.unknown, left) if found.unread else answer.unknown,
    )


def _named(
    choice: Choice, pasted: Pasted, scene: Scene, answer: Explanation
) -> tuple[Scene, Explanation]:
    """The answer with what is known of the name that a compiler does not find, if anything is."""
    from torch_abi_audit.explain.names.in_errors import not_found  # reads tables

    clue = choice.clue
    text = pasted.text if clue.kind.name in _FAILED_BUILDS else clue.text
    if clue.kind.name == _NO_HEADER and clue.file:
        text = f"{clue.file}: not found"
    known = not_found(text, scene)
    if known is None or (clue.kind.name == _OF_DEVICES and not known.nearby):
        return scene, answer
    return replace(scene, file=None), replace(known, pair=answer.pair)


def _not_declared(text: str, scene: Scene, platform: str | None) -> Explanation | None:
    """The answer to a compiler's message about a name that is like one of torch's."""
    from torch_abi_audit.explain.explanation import Fails
    from torch_abi_audit.explain.names.in_errors import not_found  # reads tables

    there = replace(scene, platform=platform or usual_platform(None))
    answer = not_found(text, there)
    if answer is None:
        return None
    pair = installed_torch(scene.installed)
    return replace(answer, kind="error", fails=Fails.EXTENSION, pair=pair)


def _scene(clue: Clue, found: Errors, pasted: Pasted, scene: Scene, platform: str | None) -> Scene:
    """Where an error happened, as its message and the traceback before it say."""
    from torch_abi_audit.explain.kinds.kind import LIBRARY, LINK
    from torch_abi_audit.explain.reading.frames import (
        follows_import,
        frames,
        imports_torch,
        innermost,
        shows_torch,
    )
    from torch_abi_audit.explain.reading.native import is_native
    from torch_abi_audit.explain.reading.place import platform_of
    from torch_abi_audit.explain.who import file_of, package_of, who

    around = frames(pasted.text, clue.start)
    source = innermost(around)
    file = file_of(clue, found.clues, pasted.text)
    of_torch = imports_torch(source) or follows_import(pasted.text, clue.start)
    message = " ".join(filter(None, (clue.text, file)))
    there = platform or platform_of(clue.system, message, pasted.text)
    flat = "flat namespace" in clue.text
    return replace(
        scene,
        platform=there,
        fails=who(clue, file, source, of_torch=of_torch),
        file=file,
        package=package_of(file, source),
        native=is_native(pasted.text, clue.text, file),
        expected_in=None if flat or clue.kind.name == LIBRARY else clue.library,
        version=clue.version,
        repairs_torch=_REPAIRS_TORCH.search(pasted.text) is not None,
        imported=shows_torch(pasted.text, around),
        linking=clue.kind.name == LINK,
        flat=flat,
    )


def _of_choice(choice: Choice, scene: Scene) -> Explanation:
    """Explain the chosen error by its kind."""
    from torch_abi_audit.explain.kinds.kind import (
        DEPENDENCY,
        LIBRARY,
        LINK,
        REPAIR,
        SYMBOL,
        VERSION,
    )
    from torch_abi_audit.explain.symbols.link_versions import link_versions

    clue = choice.clue
    name = clue.kind.name
    if name == LINK and (versions := link_versions(choice.together)):
        from torch_abi_audit.explain.symbols.system_version import system_version

        return system_version(versions, replace(scene, file=versions[-1].file))
    if name in (SYMBOL, LINK):
        from torch_abi_audit.explain.symbols.several import symbols  # reads tables

        return symbols([one.symbol for one in choice.together if one.symbol], scene)
    if name in (LIBRARY, DEPENDENCY) and clue.library:
        from torch_abi_audit.explain.libraries.library import dependency, library  # reads tables

        return (dependency if name == DEPENDENCY else library)(clue.library, scene)
    if name == VERSION:
        from torch_abi_audit.explain.symbols.system_version import system_version

        return system_version(choice.together, scene)
    if name == REPAIR:
        from torch_abi_audit.explain.repair_error import repair_failure  # reads tables

        named = dict.fromkeys(one.library for one in choice.together if one.library)
        return repair_failure(tuple(named), clue.system, of_torch_itself=scene.repairs_torch)
    from torch_abi_audit.explain.row import of_row

    return of_row(clue, scene)


def _of_name(asked: str, scene: Scene, platform: str | None) -> Explanation:
    """Explain a name: nothing failed, or the text does not say how."""
    there = replace(scene, platform=platform or usual_platform(None), is_question=True)
    if _LIBRARY.fullmatch(asked):
        from torch_abi_audit.explain.libraries.library import library  # reads tables
        from torch_abi_audit.explain.reading.place import platform_of

        return library(asked, replace(there, platform=platform or platform_of(None, asked, "")))
    if asked and "\n" not in asked and len(asked) <= _LONGEST_NAME:
        from torch_abi_audit.explain.names.name import name  # reads tables

        if (answer := name(asked, there, symbol=_is_symbol(asked))) is not None:
            return answer
    return Explanation(
        asked.partition("\n")[0][:200],
        "unknown",
        causes=(Cause.UNKNOWN,),
        unknown=("what this is: not a known error message, symbol, library, GPU, label or rule",),
        advice=("pass the line of the error that names a symbol, a library or a file",),
        pair=installed_torch(scene.installed),
    )


def _is_symbol(text: str) -> bool:
    return (
        text.startswith(("_Z", "__Z", "?"))
        or "::" in text
        or re.fullmatch(r"\w*(?:_|[a-z][A-Z])\w*", text) is not None
    )
