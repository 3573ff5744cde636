"""What ``pyproject.toml`` says about the tags of the wheel."""

from __future__ import annotations

from torch_abi_audit.port.source.findings import BuildFinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_WHY = "the wheel is tagged for one CPython; set it when nothing uses pybind11 or Python.h any more"


def examine(name: str, data: bytes) -> Iterator[BuildFinding]:
    """Yield what to change in a ``pyproject.toml`` whose backend compiles extensions.

    Args:
        name: Its name in the findings.
        data: Its contents.
    """
    import tomllib

    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        yield BuildFinding(name, None, "not understood: it is not TOML in UTF-8")
        return
    backend = str(_table(document, "build-system").get("build-backend", ""))
    tool = _table(document, "tool")
    requires = " ".join(map(str, _table(document, "build-system").get("requires", ())))
    if "torch" not in requires + str(_table(document, "project").get("dependencies", "")):
        return
    if backend.startswith("scikit_build_core"):
        settings = _table(tool, "scikit-build")
        if "py-api" not in _table(settings, "wheel") and "wheel.py-api" not in settings:
            yield BuildFinding(
                name, None, f"wheel.py-api is not set: {_WHY}", 'wheel.py-api = "cp310"', late=True
            )
    elif backend.startswith("mesonpy") and "limited-api" not in _table(tool, "meson-python"):
        yield BuildFinding(
            name,
            None,
            f"limited-api is not set: {_WHY}",
            "limited-api = true in [tool.meson-python]",
            late=True,
        )


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}
