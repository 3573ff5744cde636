"""What the real loader of this machine does, to hold the simulation against.

A small program opens libraries in order and prints what ``dlopen`` answers, and after each step
the libraries that are open, in the order of the loader's list.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch_abi_audit.doctor.elf.simulation import ElfProcess
    from torch_abi_audit.doctor.process import Opened

PROGRAM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
static int show(struct dl_phdr_info *info, size_t size, void *data) {
    printf("open %s\n", info->dlpi_name);
    return 0;
}
int main(int count, char **words) {
    for (int each = 0; each < count; each++) {
        char *word = words[each];
        if (each) {
            int mode = word[0] == '+' ? RTLD_GLOBAL : RTLD_LOCAL;
            void *handle = dlopen(word + 1, RTLD_NOW | mode);
            printf("answer %s\n", handle ? "" : dlerror());
        }
        dl_iterate_phdr(show, 0);
        fflush(stdout);
    }
    return 0;
}
"""
NOT_COMPARED = ("", "linux-vdso.so.1")
"""Names in the loader's list of the program and of what the kernel adds."""


class Step(NamedTuple):
    """What became of one opening."""

    answer: str | None
    """The loader's words if it refused."""
    opened: tuple[str, ...]
    """Paths of the open libraries in order, without the loader itself."""


def build_program(out: Path, *flags: str) -> Path:
    """Compile the program that opens libraries."""
    out.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-x", "c", "-", "-o", str(out), *flags]
    subprocess.run(command, input=PROGRAM, text=True, check=True, capture_output=True)
    return out


def real(program: Path, steps: Sequence[str], environ: Mapping[str, str], home: Path) -> list[Step]:
    """What the loader does with each step: ``+`` or ``-`` for the scope, then a path or a name.

    A loader that ends the program gives its last words as the answer, and nothing is open then.
    """
    done = subprocess.run(
        [str(program), *steps],
        capture_output=True,
        text=True,
        check=False,
        env=dict(environ),
        cwd=home,
        errors="surrogateescape",
    )
    parts = done.stdout.split("answer ")
    found = [Step(None, _listed(parts[0].splitlines()))] if parts[0] else []
    for part in parts[1:]:
        answer, *lines = part.split("\n")
        found.append(Step(answer or None, _listed(lines)))
    if done.returncode:
        found.append(Step(_last_words(done), ()))
    return found


def _listed(lines: Sequence[str]) -> tuple[str, ...]:
    names = [line.removeprefix("open ") for line in lines if line.startswith("open ")]
    return tuple(name for name in names if name not in NOT_COMPARED and "/ld-linux" not in name)


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip() or f"signal {-done.returncode}"


def agree(one: ElfProcess, steps: Sequence[str], expected: Sequence[Step]) -> None:
    """Fail unless a simulated process answers each step, and has then open, what is expected."""
    found = _paths(one.opened)
    if one.failure is None:
        assert found == expected[0].opened
    for step, after in zip(steps, expected[1:] or expected, strict=False):
        failure = one.open(step[1:], everywhere=step[0] == "+")
        if failure is not None and failure.fatal:
            assert after.answer is not None
            assert failure.text in after.answer
            return
        answer = None if failure is None else failure.text
        assert (step, answer) == (step, after.answer)
        assert (step, _paths(one.opened)) == (step, after.opened)
    assert len(expected) == len(steps) + 1


def _paths(opened: Sequence[Opened]) -> tuple[str, ...]:
    return tuple(each.path for each in opened if "/ld-linux" not in each.path)
