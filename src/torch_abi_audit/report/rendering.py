"""Every format by name. A renderer is imported when its format is asked for."""

from __future__ import annotations

from torch_abi_audit.report.style import PLAIN, Style
from torch_abi_audit.runtime.lazy_import import module
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from torch_abi_audit.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is shown, and how; each format takes what it can use."""

    verbose: bool = False
    show_all: bool = False
    """Packages without torch, too, where an environment was audited."""
    style: Style = PLAIN
    room: int = 1 << 20
    """Bytes that a markdown document may take."""


_HOMES = {
    "text": "text",
    "json": "json",
    "sarif": "sarif",
    "junit": "junit",
    "github": "github",
    "markdown": "markdown",
    "gitlab": "gitlab",
}


def render(format_name: str, outcome: Outcome, detail: Detail) -> str:
    """An outcome in a format of ``destination.FORMATS``, without a final newline.

    Empty where the format has nothing to say: ``text`` on targets that name nothing.
    """
    text: str = _renderer(format_name).format_outcome(outcome, detail)
    return text


def prepare(format_names: Iterable[str]) -> None:
    """Import the renderers of formats: cheaper than later, when a fork shares this one's memory."""
    for name in format_names:
        _renderer(name)


def _renderer(format_name: str) -> Any:  # noqa: ANN401 - a module
    return module(f"report.audit.{_HOMES[format_name]}")
