"""Renders a report in a format of ``formats.FORMATS``, importing only that renderer."""

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
    """Options of rendering; each format uses those that apply to it."""

    verbose: bool = False
    show_all: bool = False
    """For an environment, also show packages that do not use torch."""
    style: Style = PLAIN
    columns: int = 100
    """The width of the terminal, in characters."""
    room: int = 1 << 20
    """Maximum size of a Markdown document, in bytes."""


def render(verb: str, format_name: str, subject: object, detail: Detail) -> str:
    """Render the report of a verb in one of its formats, without a final newline.

    The text is empty if there is nothing to show, such as ``text`` for targets that were not found.
    """
    text: str = _renderer(verb, format_name).render(subject, detail)
    return text


def prepare(verb: str, format_names: Iterable[str]) -> None:
    """Import renderers before worker processes are forked, which share the imported modules."""
    for name in format_names:
        _renderer(verb, name)


def _renderer(verb: str, format_name: str) -> Any:  # noqa: ANN401 - a module
    return module(FORMATS[verb][format_name])
