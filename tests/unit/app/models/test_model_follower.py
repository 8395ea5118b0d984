from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from legato.app.models.model_follower import ModelFollower
from legato.app.models.served_models import ServedModels
from legato.core.config import Config
from legato.core.errors import StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

SERVED = ServedModels(Config(), {})


class Reader:
    """Tells of something new once, then of a database that is away, then of something new."""

    def __init__(self) -> None:
        self.looks = 0

    def load(self) -> ServedModels | None:
        self.looks += 1
        if self.looks in {2, 3}:
            raise StorageUnavailable("away")
        if self.looks == 4:
            raise RuntimeError("a defect")
        return SERVED


async def directly(work: Callable[[], Any]) -> Any:
    return work()


async def test_what_was_read_stays_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("legato.core.watching.POLL_S", 0.0)
    reader: Any = Reader()
    taken: list[ServedModels] = []
    following = asyncio.ensure_future(ModelFollower(reader, taken.append, directly).follow())
    while reader.looks < 6:
        await asyncio.sleep(0)
    following.cancel()
    assert taken[:2] == [SERVED, SERVED]
    told = [one.message for one in caplog.records]
    assert told.count("models can't be refreshed") == 1


class ReaderOfNews:
    """Tells of a change at each look; which deployments have no price then is given."""

    def __init__(self, *unpriced: tuple[str, ...]) -> None:
        self._unpriced = iter(unpriced)

    def load(self) -> ServedModels | None:
        return ServedModels(Config(), {}, unpriced=next(self._unpriced))


async def test_an_unpriced_deployment_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    reader: Any = ReaderOfNews(("a",), ("a", "b"), ("b",), ("a", "b"))
    follower = ModelFollower(reader, lambda _: None, directly)
    for _ in range(4):
        await follower.load()
    told = [vars(one)["deployment"] for one in caplog.records]
    assert told == ["a", "b", "a"]
