"""A report in a format of ``formats.FORMATS``. A renderer is imported when it is asked for."""

from __future__ import annotations

from torch_abi_audit.report.formats import FORMATS
from torch_abi_audit.report.style import PLAIN, Style
from torch_abi_audit.runtime.lazy_import import module
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is shown, and how; each format takes what it can use."""

    verbose: bool = False
    show_all: bool = False
    """Packages without torch, too, where an environment was audited."""
    style: Style = PLAIN
    room: int = 1 << 20
    """Bytes that a markdown document may take."""


def render(verb: str, format_name: str, subject: object, detail: Detail) -> str:
    """What a verb has to report, in one of its formats, without a final newline.

    Empty where the format has nothing to say: ``text`` on targets that name nothing.
    """
    text: str = _renderer(verb, format_name).render(subject, detail)
    return text


def prepare(verb: str, format_names: Iterable[str]) -> None:
    """Import the renderers of formats: cheaper than later, when a fork shares this one's memory."""
    for name in format_names:
        _renderer(verb, name)


def _renderer(verb: str, format_name: str) -> Any:  # noqa: ANN401 - a module
    return module(FORMATS[verb][format_name])
