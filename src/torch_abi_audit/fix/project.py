"""Puts the right requirement on torch into the text of a ``pyproject.toml``.

Only the requirements of ``[project]`` are changed, in place: comments and layout stay. Where the
requirement is declared somewhere else, the answer says so. What a project builds and develops with
(``[build-system]``, ``[dependency-groups]``) is its own choice, and left alone.
"""

from __future__ import annotations

import re

from torch_abi_audit.fix import requirements
from torch_abi_audit.fix.requirements import Judged, Why
from torch_abi_audit.knowledge.names.distribution import canonical, required
from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from tomlkit import TOMLDocument
    from tomlkit.items import Array, String

    from torch_abi_audit.model.torch_fit import TorchFit

_NO_DECISION = {
    Why.URL: "the URL decides which torch is installed",
    Why.UNREADABLE: "the requirement is not valid",
    Why.NOT_THERE: "it does not apply where the audited distribution is installed",
    Why.NOTHING_FITS: "the binaries fit none of the releases that it admits",
}
_NOT_REQUIRED = "it is not required, and which releases the binaries fit is not known"


@dataclass(frozen=True, slots=True)
class ByHand:
    """What somebody has to change or decide."""

    text: str
    """What it is about, as written: a requirement or a key."""
    why: str
    """One clause, without a full stop."""
    path: tuple[str | int, ...] = ()
    """Where it is in the document; empty for another file."""
    elsewhere: bool = False
    """Whether the requirement is in another file of the project."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A document, with the changes that were made."""

    text: str
    """The whole document; unchanged if there is nothing to do."""
    changes: tuple[tuple[str | None, str], ...] = ()
    """Each requirement before and after; None before for one that was added."""
    by_hand: tuple[ByHand, ...] = ()


def name_of(text: str, path: str) -> str | None:
    """The name of the project in a ``pyproject.toml``; None if it states none.

    Raises:
        SettingsError: it is not valid TOML.
    """
    document = _parsed(text, path)
    for table in (_table(document, "project"), _table(document, "tool", "poetry")):
        name = table.get("name")
        if isinstance(name, str):
            return str(name)
    return None


def fixed(text: str, path: str, fits: Sequence[TorchFit]) -> Fixed:
    """Return a ``pyproject.toml`` with the right requirement on torch.

    Args:
        text: The document.
        path: Its path, for errors.
        fits: What the audited distributions of the project fit, one for each wheel.

    Raises:
        SettingsError: it is not valid TOML.
    """
    document = _parsed(text, path)
    project = _table(document, "project")
    changes: list[tuple[str | None, str]] = []
    by_hand: list[ByHand] = []
    array = project.get("dependencies")
    lists: dict[tuple[str, ...], Any] = (
        {} if array is None else {("project", "dependencies"): array}
    )
    is_required = _names_torch(array)
    if not is_required:  # what an extra adds to the requirement of all admits no more
        optional = _table(document, "project", "optional-dependencies")
        lists = {("project", "optional-dependencies", name): one for name, one in optional.items()}
        is_required = any(map(_names_torch, lists.values()))
    for keys, each in lists.items():
        found = requirements.judged(_strings(each), fits)
        changes += _change(each, found)
        by_hand += _undecided(each, found, keys)
    if not is_required:
        poetry = _table(document, "tool", "poetry", "dependencies")
        if "torch" in poetry:
            by_hand += _of_poetry(poetry["torch"], fits)
        elif "dependencies" in project.get("dynamic", ()) or not project:
            by_hand.append(
                ByHand("dependencies", "the requirements are not in this file", elsewhere=True)
            )
        else:
            added = list(_added(project, fits))
            changes += added
            if not added:
                by_hand.append(ByHand("torch", _NOT_REQUIRED, ("project", "dependencies")))
    return Fixed(document.as_string() if changes else text, tuple(changes), tuple(by_hand))


def dynamic_files(text: str, path: str) -> tuple[str, ...]:
    """The files from which setuptools reads the requirements of a project, as it names them.

    Raises:
        SettingsError: it is not valid TOML.
    """
    dynamic = _table(_parsed(text, path), "tool", "setuptools", "dynamic", "dependencies")
    files = dynamic.get("file", ())
    return (str(files),) if isinstance(files, str) else tuple(map(str, files))


def _parsed(text: str, path: str) -> TOMLDocument:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise SettingsError(f"{path}: {error}") from error


def _table(document: object, *keys: str) -> Mapping[str, Any]:
    """A table of the document; an empty one if it does not exist."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _strings(array: object) -> list[str]:
    return [str(one) for one in array if isinstance(one, str)] if isinstance(array, list) else []


def _names_torch(array: object) -> bool:
    return any(required(one) == "torch" for one in _strings(array))


def _change(array: Array, found: Judged) -> Iterator[tuple[str, str]]:
    for at, one in enumerate(array):
        if isinstance(one, str) and str(one) in found.new:
            new = found.new[str(one)]
            yield str(one), new
            array[at] = _quoted(new, one)


def _quoted(text: str, like: object) -> String:
    """A string in the quotes of another, as far as the text allows."""
    import tomlkit
    from tomlkit.items import String

    literal = isinstance(like, String) and like.as_string().startswith("'")
    return tomlkit.string(text, literal=(literal or '"' in text) and "'" not in text)


def _undecided(array: Array, found: Judged, keys: tuple[str, ...]) -> Iterator[ByHand]:
    for at, one in enumerate(array):
        if str(one) in found.by_hand:
            yield ByHand(str(one), _NO_DECISION[found.by_hand[str(one)]], (*keys, at))


def _of_poetry(value: object, fits: Sequence[TorchFit]) -> Iterator[ByHand]:
    """What Poetry's own table should say, if it does not; its constraints are its own language."""
    constraint = value.get("version", "") if isinstance(value, dict) else value
    wanted = requirements.proposal(fits)
    text = _as_specifiers(str(constraint))
    if text is not None:
        found = requirements.judged([f"torch{text}"], fits)
        if not found.new and not found.by_hand:
            return
        wanted = next(iter(found.new.values()), wanted)
    if wanted is not None:
        yield ByHand(
            f"torch = {str(constraint)!r}",
            f"Poetry's table should say {wanted.removeprefix('torch')!r}",
            ("tool", "poetry", "dependencies", "torch"),
        )


def _as_specifiers(constraint: str) -> str | None:
    """Poetry's ``^2.9`` and ``~2.9`` as ``>=2.9,<3`` and ``>=2.9,<2.10``; None if it is another.

    https://python-poetry.org/docs/dependency-specification/
    """
    if constraint.strip() == "*":
        return ""
    if re.fullmatch(r"\s*(?:(?:>=|<=|>|<|!=|==|~=)[^,|\s]+\s*,?\s*)+", constraint):
        return constraint.strip()
    match = re.fullmatch(r"\s*([\^~])\s*(\d+(?:\.\d+)*)\s*", constraint)
    if match is None or match[2].startswith("0"):
        return None
    numbers = [int(each) for each in match[2].split(".")]
    place = 0 if match[1] == "^" or len(numbers) == 1 else 1
    above = [*numbers[:place], numbers[place] + 1]
    return f">={match[2]},<{'.'.join(map(str, above))}"


def _added(project: Mapping[str, Any], fits: Sequence[TorchFit]) -> Iterator[tuple[None, str]]:
    """Add the requirement to the list: in its place if the list is sorted, or else at the end."""
    import tomlkit

    new = requirements.proposal(fits)
    if new is None:
        return
    if "dependencies" not in project:
        project["dependencies"] = tomlkit.array()  # type: ignore[index]  # a table of tomlkit
    array = project["dependencies"]
    names = [required(one) for one in _strings(array)]
    place = len(names)
    if len(names) > 1 and names == sorted(names):
        place = sum(name < canonical("torch") for name in names)
    array.insert(place, new)
    yield None, new
