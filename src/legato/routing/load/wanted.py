"""Whether a configuration has anything that depends on how busy deployments are."""

from legato.core.config import Config, Strategy
from legato.core.config_load import RateLimits

_BY_LOAD = frozenset({Strategy.LEAST_OUTSTANDING, Strategy.PEAK_EWMA})


def goes_by_load(config: Config) -> bool:
    """Tell whether load must be counted; where not, nothing of it runs."""
    return (
        config.load.heed_rate_limits
        or any(one.limits != RateLimits() for one in config.deployments)
        or any(route.strategy in _BY_LOAD for route in config.routes)
    )
