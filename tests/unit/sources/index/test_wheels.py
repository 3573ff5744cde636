from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.index_server import Index, serving
from tests.support.installs import ELF, contents, relatives, wheel
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources import Found, resolve
from torch_abi_audit.sources.index import remote_file
from torch_abi_audit.sources.index.wheels import Choice, wheels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOISE = os.urandom(600_000)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("TORCH_ABI_AUDIT_CACHE", str(tmp_path / "cache"))
    with serving(Index()) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        yield index


def publish(index: Index, tmp_path: Path, *names: str, size: int = 0) -> None:
    for name in names:
        files = {"demo/_C.abi3.so": ELF, "demo/data.bin": NOISE[:size], "demo/_D.so": ELF + b"d"}
        index.add("demo", wheel(tmp_path, files, name=name))


def found(target: str = "pypi:demo", **choice: object) -> list[Found]:
    return [
        one
        for one in wheels(target, Choice(**choice))  # type: ignore[arg-type]
        if isinstance(one, Found)
    ]


def versions(target: str = "pypi:demo", **choice: object) -> list[str | None]:
    return [one.version for one in found(target, **{"platform": "linux_x86_64", **choice})]


LINUX = "manylinux_2_28_x86_64"


def test_the_newest_release(index: Index, tmp_path: Path) -> None:
    publish(index, tmp_path, *(f"demo-{v}-cp38-abi3-{LINUX}" for v in ("1.9", "1.10", "2.0rc1")))
    (one,) = found(platform=LINUX)
    assert one.version == "1.10"
    assert one.name == one.distribution == "demo"
    assert one.root == f"pypi:demo-1.10-cp38-abi3-{LINUX}.whl"
    assert relatives(one) == ["demo/_C.abi3.so", "demo/_D.so"]
    assert contents(one.candidates[1]) == ELF + b"d"
    assert resolve("pypi:demo==1.9").version == "1.9"


@pytest.mark.parametrize(
    ("target", "version"),
    [
        ("pypi:demo<2", "1.10"),
        ("pypi:demo==1.9", "1.9"),
        ("pypi:Demo >=1,!=1.10", "1.9"),
        ("pypi:demo>=2.0rc1", "2.0rc1"),
        ("pypi:demo==2.0rc1", "2.0rc1"),
    ],
)
def test_specifiers(index: Index, tmp_path: Path, target: str, version: str) -> None:
    publish(index, tmp_path, *(f"demo-{v}-cp38-abi3-{LINUX}" for v in ("1.9", "1.10", "2.0rc1")))
    assert versions(target) == [version]


def test_html_pages(index: Index, tmp_path: Path) -> None:
    index.html = True
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}")
    assert versions() == ["1.0"]


@pytest.mark.parametrize("html", [False, True])
def test_yanked_releases_are_taken_when_pinned_alone(
    index: Index, tmp_path: Path, html: bool
) -> None:
    publish(index, tmp_path, *(f"demo-{v}-cp38-abi3-{LINUX}" for v in ("1.0", "2.0")))
    index.yanked = frozenset({f"demo-2.0-cp38-abi3-{LINUX}.whl"})
    index.html = html
    assert versions() == ["1.0"]
    assert versions("pypi:demo==2.0") == ["2.0"]


def test_platform_and_python(index: Index, tmp_path: Path) -> None:
    tags = (
        *(f"cp311-cp311-{LINUX}", "cp311-cp311-manylinux2014_aarch64", f"cp312-cp312-{LINUX}"),
        *("cp312-cp312-macosx_11_0_arm64", "cp312-cp312-win_amd64", "cp313-cp313t-win_amd64"),
        *("cp312-cp312-musllinux_1_2_x86_64", f"cp315-abi3t-{LINUX}"),
    )
    publish(index, tmp_path, *(f"demo-1.0-{tag}" for tag in tags))

    def taken(platform: str, python: str | None = None) -> str:
        (one,) = found(platform=platform, python=python)
        return one.tags[0]

    assert taken(LINUX, "3.12") == f"cp312-cp312-{LINUX}"
    assert taken("linux_aarch64", "3.11") == "cp311-cp311-manylinux2014_aarch64"
    assert taken("macosx_arm64", "3.12") == "cp312-cp312-macosx_11_0_arm64"
    assert taken("macosx_14_0_arm64", "3.12") == "cp312-cp312-macosx_11_0_arm64"
    assert taken("musllinux_1_2_x86_64", "3.12") == "cp312-cp312-musllinux_1_2_x86_64"
    assert taken("win_amd64", "3.13t") == "cp313-cp313t-win_amd64"
    assert taken(LINUX, "3.15") == f"cp315-abi3t-{LINUX}"
    with pytest.raises(TargetError, match="demo has no wheel for manylinux_2_17_x86_64 and Pyth"):
        taken("manylinux_2_17_x86_64", "3.12")
    with pytest.raises(TargetError, match="macosx_arm64, manylinux_aarch64, manylinux_x86_64"):
        taken("win_arm64")


def test_another_python_where_ours_has_no_wheel(index: Index, tmp_path: Path) -> None:
    publish(index, tmp_path, *(f"demo-1.0-cp3{minor}-cp3{minor}-{LINUX}" for minor in (7, 8)))
    (one,) = found(platform=LINUX)
    assert one.tags == (f"cp38-cp38-{LINUX}",)
    assert "this one is for 3.8" in one.notes[0]


def test_all_platforms(index: Index, tmp_path: Path) -> None:
    tags = (f"cp38-abi3-{LINUX}", "cp38-abi3-win_amd64", "cp38-abi3-macosx_11_0_arm64")
    publish(index, tmp_path, f"demo-0.9-cp38-abi3-{LINUX}", *(f"demo-1.0-{tag}" for tag in tags))
    assert sorted(one.tags[0] for one in found(all_platforms=True)) == sorted(tags)


def test_history(index: Index, tmp_path: Path) -> None:
    names = [f"demo-{version}-cp38-abi3-{LINUX}" for version in ("1.9", "1.10", "1.2")]
    publish(index, tmp_path, *names, "demo-1.3-cp38-abi3-win_amd64")
    assert versions(history=True) == ["1.2", "1.9", "1.10"]
    assert versions("pypi:demo>1.5", history=True) == ["1.9", "1.10"]


def test_what_is_not_there(index: Index, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"there is no project demo on http://127\.0\.0\.1"):
        found()
    source = tmp_path / "demo-1.0.tar.gz"
    source.write_bytes(b"x")
    index.add("demo", source)
    with pytest.raises(TargetError, match="no wheels: the index lists only other files"):
        found()
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}")
    with pytest.raises(TargetError, match=r"no wheel of demo matches demo>=2: the newest is 1\.0"):
        found("pypi:demo>=2")
    for target in ("pypi:", "pypi:demo[x]", "pypi:a b", "pypi:demo; python_version>'3'"):
        with pytest.raises(TargetError, match="pypi:"):
            found(target)


@pytest.mark.usefixtures("index")
def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(TargetError, match=r"^cannot reach 127\.0\.0\.1:9: "):
        found()


def test_a_large_file_is_read_in_parts(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_file, "WHOLE", 1000)
    monkeypatch.setattr(remote_file, "_TAIL", 2000)
    monkeypatch.setattr(remote_file, "_BLOCK", 500)
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}", size=500_000)
    (one,) = found(platform=LINUX)
    assert contents(one.candidates[0]) == ELF
    assert contents(one.candidates[1]) == ELF + b"d"
    assert len(index.ranged) > 1
    assert index.sent < 50_000  # the half megabyte of data was left where it is
    assert not (tmp_path / "cache").exists()


def test_a_server_without_ranges_fills_the_cache(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_file, "WHOLE", 1000)
    index.ranges = False
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}", size=5000)
    assert contents(found(platform=LINUX)[0].candidates[0]) == ELF
    before = len(index.requests)
    assert contents(found(platform=LINUX)[0].candidates[0]) == ELF
    assert len(index.requests) == before + 1  # the page alone
    assert len(list((tmp_path / "cache/wheels").iterdir())) == 1


def test_the_cache_is_bounded(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"demo-{minor}-cp38-abi3-{LINUX}" for minor in range(1, 5)]
    publish(index, tmp_path, *names, size=20_000)
    monkeypatch.setattr(remote_file, "CACHE_LIMIT", 50_000)
    assert len(found(platform=LINUX, history=True)) == 4
    assert len(list((tmp_path / "cache/wheels").iterdir())) == 2


def test_a_file_that_the_cache_lost_is_fetched_again(index: Index, tmp_path: Path) -> None:
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}")
    (one,) = found(platform=LINUX)
    for path in (tmp_path / "cache/wheels").iterdir():
        path.unlink()
    assert contents(one.candidates[0]) == ELF


@pytest.mark.slow
def test_two_runs_at_once(index: Index, tmp_path: Path) -> None:
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}", size=300_000)
    index.delay = 0.1
    script = (
        "from torch_abi_audit.sources.index.wheels import Choice, wheels\n"
        f"(one,) = wheels('pypi:demo', Choice({LINUX!r}))\n"
        "with one.candidates[0].open() as source: print(source.size)\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [run.communicate(timeout=60)[0] for run in runs] == [f"{len(ELF)}\n"] * 3
    assert len(list((tmp_path / "cache/wheels").iterdir())) == 1


def test_a_file_that_is_not_the_one_listed(index: Index, tmp_path: Path) -> None:
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}")
    index.lie = True
    with pytest.raises(TargetError, match=r"the sha256 of .* is not the one that the index lists"):
        found(platform=LINUX)
    assert list((tmp_path / "cache/wheels").iterdir()) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_server(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranges: bool
) -> None:
    monkeypatch.setattr(remote_file, "WHOLE", 1000)
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}", size=5000)
    index.cut, index.ranges = True, ranges
    with pytest.raises(TargetError, match="broke off"):
        found(platform=LINUX)
    cache = tmp_path / "cache/wheels"
    assert not cache.exists() or list(cache.iterdir()) == []


def test_one_broken_file_of_several_is_an_error_of_its_own(index: Index, tmp_path: Path) -> None:
    publish(index, tmp_path, *(f"demo-{v}-cp38-abi3-{LINUX}" for v in ("1.0", "2.0")))
    bad = tmp_path / f"demo-1.5-cp38-abi3-{LINUX}.whl"
    bad.write_bytes(b"no zip")
    index.add("demo", bad)
    got = list(wheels("pypi:demo", Choice(LINUX, history=True)))
    assert [type(one).__name__ for one in got] == ["Found", "TargetError", "Found"]


def test_a_slow_server(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}")
    index.delay = 0.3
    assert versions() == ["1.0"]
    monkeypatch.setenv("PIP_TIMEOUT", "0.1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(TargetError, match=r"cannot reach 127\.0\.0\.1"):
        found()


def test_a_server_that_is_busy_at_first(index: Index, tmp_path: Path) -> None:
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}")
    index.failures = 1
    assert versions() == ["1.0"]


def test_credentials_in_the_address(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.login = ("me", "s3cret@")
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}")
    with pytest.raises(TargetError, match=r"refuses access \(401\)") as refused:
        found()
    assert "s3cret" not in str(refused.value)
    monkeypatch.setenv("PIP_INDEX_URL", index.url.replace("//", "//me:s3cret%40@"))
    assert versions() == ["1.0"]


def test_credentials_in_a_netrc_file(index: Index, tmp_path: Path) -> None:
    index.login = ("me", "secret")
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    assert versions() == ["1.0"]


def test_a_proxy(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://index.invalid/simple")
    monkeypatch.setenv("PIP_PROXY", index.url.removesuffix("/simple"))
    with pytest.raises(TargetError, match="there is no project demo"):
        found()
    assert index.requests[0][0] == "http://index.invalid/simple/demo/"


def test_extra_indexes_find_links_and_file_indexes(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}")
    local = tmp_path / "links"
    local.mkdir()
    wheel(local, {"demo/_C.so": ELF}, name=f"demo-2.0-cp38-abi3-{LINUX}")
    wheel(local, {"demo/_C.so": ELF}, name=f"other-9.0-cp38-abi3-{LINUX}")
    monkeypatch.setenv("PIP_FIND_LINKS", str(local))
    assert versions() == ["2.0"]
    simple = tmp_path / "simple" / "demo"
    simple.mkdir(parents=True)
    third = wheel(simple, {"demo/_C.so": ELF}, name=f"demo-3.0-cp38-abi3-{LINUX}")
    page = f'<a href="{third.name}">{third.name}</a>'
    (simple / "index.html").write_text(page)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", (tmp_path / "simple").as_uri())
    assert versions() == ["3.0"]
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert versions() == ["2.0"]


def test_bytes_are_watched(index: Index, tmp_path: Path) -> None:
    publish(index, tmp_path, f"demo-1.0-cp38-abi3-{LINUX}", size=600_000)
    seen: list[tuple[int, int]] = []
    list(wheels("pypi:demo", Choice(LINUX), lambda _, done, total: seen.append((done, total))))
    size = next(iter(index.files["demo"].values())).stat().st_size
    assert seen[-1] == (size, size)
    assert len(seen) > 2
