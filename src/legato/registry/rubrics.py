"""The rubric of a judge in the registry, as people who review answers meet it."""

from legato.core.errors import InvalidRequest
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, Selector, checked_name, shown
from legato.judging.judge import Rubric
from legato.registry.judges import read_judge
from legato.registry.registry import Registry


def rubric_of(registry: Registry, judge: str, environment: str) -> Rubric:
    """Return the rubric that a judge's production label points to.

    Raises:
        NotFound: there is no such judge, or nothing has that label.
        InvalidRequest: it judges otherwise than by a rubric.
    """
    name = ObjectName(Kind.JUDGE, checked_name(judge))
    version = registry.read.version(name, Selector(label=DEFAULT_LABEL), environment)
    rubric = read_judge(registry.content(version)).rubric
    if rubric is None:
        told = f"{shown(name, version.digest)} has no rubric; people label by one"
        raise InvalidRequest(told, param="judge")
    return rubric
