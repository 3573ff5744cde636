"""C sources for libraries that import and export exactly the names that a test needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def source(
    imports: Iterable[str] = (), *, weak: Iterable[str] = (), exports: Iterable[str] = ()
) -> str:
    """A C file that calls ``imports`` and ``weak`` and defines ``exports``, mangled or not."""
    lines = []
    calls = []
    for number, name in enumerate(imports):
        lines.append(f'extern int i{number}(void) __asm__("{name}");')
        calls.append(f"i{number}()")
    for number, name in enumerate(weak):
        lines.append(f'extern int w{number}(void) __asm__("{name}") __attribute__((weak));')
        calls.append(f"(w{number} ? w{number}() : 0)")
    for number, name in enumerate(exports):
        lines.append(
            f'__attribute__((visibility("default"))) int e{number}(void) __asm__("{name}");'
        )
        lines.append(f"int e{number}(void) {{ return {number}; }}")
    lines.append(f"int caller_of_all(void) {{ return {' + '.join(calls) or '0'}; }}")
    return "\n".join(lines) + "\n"
