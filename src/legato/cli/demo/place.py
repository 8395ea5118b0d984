"""The demo's folder: its configuration, the model's weights, and fresh keys."""

import socket
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from legato.app.checks.configuration import load, storage_secret
from legato.app.checks.instance import Instance, running_server
from legato.app.config.data_dir import DataDir
from legato.app.desks.stored_data import StoredData, stored_data
from legato.cli.demo.premium import Premium
from legato.cli.demo.settings import EVERYDAY, LOCAL_MODEL, configuration, is_ours
from legato.cli.governance.key_actions import CreatedKey, WantedKey, create_key
from legato.core.errors import OperatorError
from legato.providers.local.catalogue import known
from legato.providers.local.weights import Phase, is_stored
from legato.providers.local.weights import pull as pull_weights

_HUB_CACHE: Final = Path(".cache", "huggingface", "hub")
_MADE_BY: Final = ("made-by", "legato-demo")
_BUDGET_USD: Final = "0.50"
YOURS: Final = ("you", "first-steps")


class Keys(msgspec.Struct, frozen=True):
    """The secrets of this run by (team, feature), and one for the person who watches."""

    teams: dict[tuple[str, str], str]
    yours: str


def prepare_folder(folder: Path, premium: Premium, port: int) -> Instance:
    """Write the configuration into a folder that is new or a demo's own.

    Raises:
        OperatorError: the folder holds something else, or can't be written.
    """
    data = DataDir(folder.absolute())
    file = data.root / "legato.yaml"
    try:
        if (file.exists() and not is_ours(file)) or (data.database.exists() and not file.exists()):
            raise OperatorError(f"{folder} is not a demo's: name another folder with --data")
        data.create()
        file.write_text(configuration(premium, _free(port)))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"{folder} can't be used: {reason}. Name another place with --data."
        raise OperatorError(message) from error
    # Without the environment: a LEGATO_ variable is meant for somebody's real instance.
    return Instance(data, file, load(file, {}, secrets=storage_secret))


def bring_weights(console: Console, data: DataDir) -> None:
    """Have the local model's weights in the folder, verified.

    Raises:
        WeightsUnusable: they are nowhere here and can't be fetched.
    """
    weights = known(LOCAL_MODEL)
    if is_stored(weights, data.root):
        return  # the model server checks the hash itself when it loads them
    columns = (TextColumn("[progress.description]{task.description}"), BarColumn())
    with Progress(*columns, DownloadColumn(), console=console, transient=True) as progress:
        tasks: dict[Phase, TaskID] = {}

        def report(phase: Phase, done: int, total: int | None) -> None:
            if phase not in tasks:
                name = f"{weights.title}: {phase.value}"
                tasks[phase] = progress.add_task(name, total=total)
            progress.update(tasks[phase], completed=done, total=total)

        pull_weights(weights, data.root, hub_cache=Path.home() / _HUB_CACHE, progress=report)


def make_keys(instance: Instance, purposes: list[tuple[str, str]]) -> Keys:
    """Make one key for each team's feature, by the code of `legato keys create`.

    Those of an earlier demo in this folder end, an older Legato's too. Each may spend half a
    dollar a day, so that a real premium provider can't become dear.
    """
    _revoke_earlier(instance)
    teams = {
        (team, feature): _key(instance, team, feature, models="*").secret
        for team, feature in purposes
    }
    return Keys(teams, _key(instance, *YOURS, models=EVERYDAY).secret)


def _key(instance: Instance, team: str, feature: str, *, models: str) -> CreatedKey:
    wanted = WantedKey(
        team=team,
        feature=feature,
        models=models,
        tags=("=".join(_MADE_BY),),
        budget_usd=_BUDGET_USD,
        window="day",
    )
    return create_key(instance, wanted)


def _revoke_earlier(instance: Instance) -> None:
    if not instance.data.database.exists():
        return
    if running_server(instance.data) is None:
        with closing(StoredData(instance.database_url)) as stored:
            stored.upgrade()  # as the server would, which is started next
    name, value = _MADE_BY
    with stored_data(instance) as stored:
        keys = stored.keys()
        for record in keys.list():
            if record.spec.tags.get(name) == value:
                keys.revoke(record.id)


def _free(port: int) -> int:
    """Return the port if nobody listens there, else 0: the server then takes any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
