"""What an instance would serve, for commands: they work without a database, too."""

from collections.abc import Callable

from legato.app.checks.instance import Instance
from legato.app.desks.stored_data import stored_data
from legato.app.models.served_models import ServedModels
from legato.core.errors import LegatoError


def served_now(instance: Instance, tell: Callable[[str], None]) -> ServedModels:
    """Return the file's deployments and routes with those live in the registry.

    `tell` gets in words what of the registry could not be had.
    """
    file = ServedModels(instance.loaded.config, {})
    if instance.database_url == instance.data.database_url and not instance.data.database.is_file():
        return file
    try:
        with stored_data(instance) as stored:
            served = stored.served(instance)
    except LegatoError as error:
        tell(f"Only the file's models are listed: {error.message}")
        return file
    for reason in served.withheld:
        tell(f"Not served as it is live: {reason}")
    return served
