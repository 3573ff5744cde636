"""Renders the answers of ``gpus`` as JSON: see ``gpus.schema.json``. Names are escaped."""

from __future__ import annotations

import json
from typing import Any

from torch_abi_audit.gpus.columns import concerned
from torch_abi_audit.knowledge.arch_names import capability
from torch_abi_audit.mangling import escape
from torch_abi_audit.report.audit.device_code import of_library, of_package
from torch_abi_audit.report.gpus.phrases import reason, systems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.gpus.answer import Answer, Library, Survey, Torch
    from torch_abi_audit.judges.arch_list import Adding
    from torch_abi_audit.model.gpus import Gpu, Run
    from torch_abi_audit.report.rendering import Detail

SCHEMA_VERSION = 1
"""Incremented when a key is removed or changes meaning, not when one is added."""


def render(found: Survey, _detail: Detail) -> str:
    """Return one package, or several and environments under ``packages``."""
    if len(found.packages) == 1 and found.directory is None:
        document = _package(found.packages[0])
    else:
        document = {
            "site_packages": None if found.directory is None else escape(found.directory),
            "packages": [_package(one) for one in found.packages],
        }
    return json.dumps({**document, "schema_version": SCHEMA_VERSION}, indent=2)


def _package(one: Answer) -> dict[str, Any]:
    return {
        "name": escape(one.name),
        "version": _optional(one.version),
        "root": escape(one.root),
        "error": _optional(one.error),
        "gpus": [_gpu(one.gpus[at], one.runs[at]) for at in concerned(one) if one.runs],
        "libraries": [_library(each, one) for each in one.libraries],
        "libraries_without_device_code": one.others,
        "unread": [{"name": escape(name), "error": escape(why)} for name, why in one.unread],
        "device_code": of_package(one.code),
        "torch": None if one.torch is None else _torch(one.torch, one),
        "to_add": None if one.adding is None else _adding(one.adding),
        "notes": list(map(escape, one.notes)),
    }


def _gpu(gpu: Gpu, run: Run) -> dict[str, Any]:
    number = capability(gpu.target)
    return {
        "target": gpu.target,
        "name": gpu.name,
        "compute_capability": None if number == gpu.target else number,
        "answer": run.answer,
        "used": list(run.used),
        "ptx_isa": run.ptx_isa,
    }


def _library(library: Library, one: Answer) -> dict[str, Any]:
    return {
        "name": escape(library.name),
        "device_code": of_library(library.code),
        "gpus": [
            {
                "target": gpu.target,
                "answer": run.answer,
                "used": list(run.used),
                "ptx_isa": run.ptx_isa,
                "lacking": [list(each.targets) for each in run.lacking],
                "reason": reason(library.code, run, gpu, systems(one)),
            }
            for at in concerned(one)
            for gpu, run in ((one.gpus[at], library.runs[at]),)
        ],
    }


def _torch(torch: Torch, one: Answer) -> dict[str, Any]:
    return {
        "release": torch.release,
        "builds": [
            {
                "platform": each.platform,
                "cuda": each.cuda,
                "targets": list(each.targets),
                "source": each.source,
            }
            for each in torch.builds
        ],
        "gpus": [
            {"target": one.gpus[at].target, "answer": torch.runs[at], "best": torch.best[at]}
            for at in concerned(one)
        ],
    }


def _adding(adding: Adding) -> dict[str, Any]:
    return {
        "TORCH_CUDA_ARCH_LIST": adding.arch_list,
        "added": list(adding.added),
        "since_cuda": adding.since,
        "before_cuda": adding.before,
        "left_out": [
            {
                "compute_capability": one.capability,
                "first_cuda": one.first,
                "dropped_in_cuda": one.dropped,
            }
            for one in adding.left_out
        ],
    }


def _optional(text: str | None) -> str | None:
    return None if text is None else escape(text)
