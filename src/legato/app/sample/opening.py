"""The sample as an instance of its own: its configuration, its folder, its database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from legato.app.checks.configuration import load
from legato.app.checks.instance import Instance
from legato.app.config.data_dir import DataDir
from legato.app.prices.pricing import priced_deployments, prices_of, unanswered
from legato.core.config import Config
from legato.core.price import Price
from legato.vault.secrets import new_secret

_CONFIG: Final = Path(__file__).with_name("sample.yaml")
_SECRETS: Final = ("HELPDESK", "LETTERS", "OFFERS", "REVIEW", "CLAIMS")


def sample_instance(folder: Path) -> Instance:
    """Return it; of the environment it knows nothing, and its keys' secrets nobody knows."""
    secrets = {f"SAMPLE_{name}": new_secret() for name in _SECRETS}
    return Instance(DataDir(folder), _CONFIG, load(_CONFIG, secrets))


def sample_prices(config: Config) -> Mapping[str, Price | None]:
    """Return the prices of its deployments, all of them its configuration's."""
    return prices_of(
        priced_deployments(config, lambda questions: unanswered(questions, "it is a sample"))
    )
