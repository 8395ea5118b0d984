import fcntl
from pathlib import Path

import pytest

from legato.app.checks.instance import (
    config_file_for,
    find_instance,
    lost_server,
    remember_config_file,
    running_server,
)
from legato.app.config.data_dir import DataDir


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataDir:
    monkeypatch.chdir(tmp_path)
    place = DataDir(tmp_path / "data")
    place.create()
    return place


def test_the_file_last_started_with_is_found_from_anywhere(data: DataDir, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.yaml"
    file.write_text("config_version: 1\nserver: {port: 4}\n")
    remember_config_file(data, file)
    (tmp_path / "legato.yaml").write_text("config_version: 1\n")
    instance = find_instance(data.root, None)
    assert instance.config_file == file
    assert instance.loaded.config.server.port == 4
    assert instance.database_url == data.database_url


def test_a_named_file_comes_first_and_legato_yaml_last(data: DataDir, tmp_path: Path) -> None:
    assert config_file_for(data, None) is None
    (tmp_path / "legato.yaml").write_text("config_version: 1\n")
    assert config_file_for(data, None) == Path("legato.yaml")
    assert config_file_for(data, tmp_path / "x.yaml") == tmp_path / "x.yaml"
    remember_config_file(data, None)
    assert config_file_for(data, None) == Path("legato.yaml")


def test_no_server_runs_where_none_has_written(data: DataDir) -> None:
    assert running_server(data) is None
    data.lock.touch()
    assert running_server(data) is None
    data.server_file.write_text(
        '{"url":"http://127.0.0.1:5","host":"127.0.0.1","port":5,"started_ns":1,"pid":7}'
    )
    with data.lock.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = running_server(data)
        assert found is not None
        assert found.port == 5
        assert lost_server(data) is None
    assert running_server(data) is None
    lost = lost_server(data)
    assert lost is not None
    assert lost.pid == 7
