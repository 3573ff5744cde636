"""Renders load matrices as JSON: an audit with the keys of the load matrix."""

from __future__ import annotations

from torch_abi_audit.model.reports import EnvironmentReport
from torch_abi_audit.report.audit.json import format_json
from torch_abi_audit.runtime.records import late_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.report.loads.answers import Answers
    from torch_abi_audit.report.rendering import Detail


def render(answers: Answers, _detail: Detail) -> str:
    """Return one package, or an envelope for several packages or an environment."""
    if len(answers.packages) == 1 and answers.directory is None:
        return format_json(answers.packages[0])
    directory = None if answers.directory is None else late_path(answers.directory)
    return format_json(EnvironmentReport(directory, answers.packages))
