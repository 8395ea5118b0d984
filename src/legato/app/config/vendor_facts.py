"""Reading the operator's file of what vendors announced: every problem at once."""

from pathlib import Path as FilePath

from legato.app.config.problems import ConfigProblems, Path, Problem, suggestion
from legato.app.config.typing_check import check_types, convert
from legato.app.config.yaml_file import read_yaml
from legato.core.config import Config, Deployment
from legato.economics.configured import configured_price
from legato.replay.vendor import Fact, Facts, missing


def load_facts(file: FilePath, config: Config) -> list[Fact]:
    """Read and check a file of facts.

    Raises:
        ConfigProblems: with every problem found.
    """
    tree = read_yaml(file)
    problems = check_types(tree, Facts)
    if problems:
        raise ConfigProblems(problems, of="file of facts")
    facts: Facts = convert(tree, Facts)
    for index, fact in enumerate(facts.facts):
        path: Path = ("facts", index)
        for field, message, remedy in _wrong(fact, config):
            place = tree.place_of((*path, field))
            problems.append(Problem((*path, field), place, message, remedy))
    if problems:
        raise ConfigProblems(problems, of="file of facts")
    return facts.facts


def _wrong(fact: Fact, config: Config) -> list[tuple[str, str, str]]:
    names = [one.name for one in config.deployments]
    providers = [one.name for one in config.providers]
    found = [(field, message, "Say it, once.") for field, message in missing(fact)]
    for field, name in (("deployment", fact.deployment), ("replacement", fact.replacement)):
        if name is not None and name not in names:
            found.append((field, f"there is no {name!r}", suggestion(name, names)))
    if fact.replacement == fact.deployment:
        found.append(("replacement", "is what it replaces", "Name another deployment."))
    priced = Deployment(name="d", provider="p", model="m", price=fact.price)
    if fact.new is not None:
        priced = fact.new
        if fact.new.name in names:
            found.append(("new", f"{fact.new.name!r} is there already", "Name it otherwise."))
        if fact.new.provider not in providers:
            remedy = suggestion(fact.new.provider, providers)
            found.append(("new", f"there is no provider {fact.new.provider!r}", remedy))
    try:
        configured_price(priced)
    except ValueError as error:
        found.append(("price", str(error), "Mend the price."))
    return found
