"""The generator of the table of toolkits: what it makes of compilers and documents."""

from __future__ import annotations

import os
import stat
import tomllib
from typing import TYPE_CHECKING

import pytest

from tools import generate_cuda_toolkits, table_text
from tools.generate_cuda_toolkits import (
    SOURCE,
    TABLE,
    Assembler,
    Measured,
    architectures,
    document,
    documented,
    families,
    main,
    renamed,
)

if TYPE_CHECKING:
    from pathlib import Path

ASSEMBLER = """#!/bin/sh
case "$*" in
*--help*)
    echo "Allowed values:  'compute_100','sm_100','sm_100a',"; echo "  'sm_1"; echo "03','sm_100f'"
    exit 0;;
esac
for last; do :; done
case "$(cat "$last")" in
*"99.9"*)
    echo "x.ptx, line 1; fatal : Unsupported .version 99.9; current version is '8.8'" >&2; exit 1;;
*sm_99a*) case "$1" in *sm_100a) exit 0;; esac;;
*sm_100f*) case "$1" in *sm_100|*sm_103) exit 0;; esac;;
esac
echo "cannot be compiled" >&2
exit 1
"""


def measured(*targets: str, ptx: str = "8.0", **families: tuple[str, ...]) -> Measured:
    return Measured(ptx, frozenset(targets), families, {})


@pytest.mark.skipif(os.name != "posix", reason="the assembler of the test is a shell script")
def test_an_assembler_is_asked_what_it_knows(tmp_path: Path) -> None:
    program = tmp_path / "ptxas"
    program.write_text(ASSEMBLER)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert Assembler(program).measure({"sm_99a", "sm_100a"}) == Measured(
        "8.8",
        frozenset({"sm_100", "sm_100a", "sm_100f", "sm_103"}),
        {"sm_100f": ("sm_100", "sm_103")},
        {"sm_99a": "sm_100a"},
    )


@pytest.mark.skipif(os.name != "posix", reason="the assembler of the test is a shell script")
@pytest.mark.parametrize("script", ["#!/bin/sh\n", "#!/bin/sh\necho \"'sm_90'\"\n"])
def test_an_assembler_that_tells_nothing_is_an_error(tmp_path: Path, script: str) -> None:
    program = tmp_path / "ptxas"
    program.write_text(script)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(ValueError, match="does not tell"):
        Assembler(program).measure()


def test_the_first_and_the_last_toolkit_of_an_architecture() -> None:
    source = {"first": {"9.0": "60 70"}, "dropped": {"9.0": "20"}}
    toolkits = {
        "11.7": measured("sm_60", "sm_70"),
        "11.8": measured("sm_60", "sm_70", "sm_90"),
        "13.0": measured("sm_90", "sm_90a"),
    }
    assert architectures(source, toolkits) == {  # type: ignore[arg-type]
        "sm_20": "dropped=9.0",
        "sm_60": "first=9.0 dropped=13.0",
        "sm_70": "first=9.0 dropped=13.0",
        "sm_90": "first=11.8",
        "sm_90a": "first=13.0",
    }


def test_a_family_grows_with_newer_toolkits_and_never_shrinks() -> None:
    old, new = measured(sm_100f=("sm_100",)), measured(sm_100f=("sm_100", "sm_103"))
    assert families({"12.9": old, "13.0": new}) == {"sm_100f": "sm_100 sm_103"}
    with pytest.raises(ValueError, match="another family"):
        families({"12.9": new, "13.0": old})


def test_a_renamed_architecture() -> None:
    now = Measured("9.0", frozenset({"sm_110a"}), {}, {"sm_101a": "sm_110a"})
    assert renamed({"13.0": now, "13.1": now}) == {"sm_101": "sm_110"}


def test_a_source_that_contradicts_a_compiler_is_an_error() -> None:
    source = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match=r"CUDA 12\.8 has PTX 8\.9, and .* says 8\.7"):
        document(source, {"12.8": measured("sm_100", ptx="8.9")})
    with pytest.raises(ValueError, match="says None"):
        document(source, {"99.0": measured("sm_100")})


def test_the_committed_table_follows_the_documents(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check", "--source-only"]) == 0
    stale = tmp_path / "cuda_toolkits.tsv"
    stale.write_text(TABLE.read_text(encoding="utf-8").replace("570.26", "570.27"))
    monkeypatch.setattr(generate_cuda_toolkits, "TABLE", stale)
    assert main(["--check", "--source-only"]) == 1
    assert "linux=570.27" in capsys.readouterr().out


def test_every_published_compiler_since_11_7_was_measured() -> None:
    table = table_text.load(TABLE)
    source = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    stated = [one for one in documented(source)["toolkits"] if one != "12.7"]
    assert table.facts["measured"].split() == stated[stated.index("11.7") :]
