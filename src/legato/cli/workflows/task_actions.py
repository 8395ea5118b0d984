"""What `legato tasks` does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import yaml

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.flow.rulings import Person, Ruling, Verdict
from legato.storage.tasks.records import Task, Wanted
from legato.workflows.people.tasks import GONE, Tasks


@contextmanager
def _opened(data: Path, config_file: Path | None, org: str) -> Iterator[Tasks]:
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        yield stored.tasks(instance, org)


def list_tasks(
    *,
    data: Path,
    config_file: Path | None,
    org: str,
    account: str,
    state: str,
    count: int,
    as_json: bool,
    every: bool,
    **narrowed: str,
) -> None:
    """Print tasks."""
    named = (("account", account), ("delegate", account)) if account else ()
    wanted = Wanted(state="" if every else state, named=named, **narrowed)
    with _opened(data, config_file, org) as tasks:
        found = [(one, _subject(tasks, one)) for one in tasks.store.page(count, None, wanted)]
    if as_json:
        print_json([_plain(task) | {"subject": subject} for task, subject in found])
        return
    rows = [
        (one.id, time_text(one.created_at_ns), one.workflow, one.path, one.ask, one.state, subject)
        for one, subject in found
    ]
    print_table(("id", "asked", "workflow", "node", "asks to", "state", "subject"), rows)


def show(*, data: Path, config_file: Path | None, org: str, task_id: str, as_json: bool) -> None:
    """Print one whole."""
    with _opened(data, config_file, org) as tasks:
        task = tasks.store.get(task_id)
        question, asked = tasks.question(task), tasks.store.asked(task)
        said, happened = tasks.said(task), tasks.happened(task)
    if as_json:
        told = {"question": question, "asked": asked, "said": said, "events": happened}
        print_json(_plain(task) | msgspec.to_builtins(told))
        return
    click.echo(f"{task.id} {task.state} {task.port}".rstrip())
    click.echo(f"run {task.run_id} of {task.workflow}, node {task.path}")
    if task.deadline_ns is not None:
        click.echo(f"deadline {time_text(task.deadline_ns)}")
    content = GONE if question is None else yaml.safe_dump(_given(question), sort_keys=False)
    click.echo(content.rstrip())
    who = _given(asked.assignees)
    click.echo(f"asked: {yaml.safe_dump(who).strip() if who else 'whoever may decide tasks'}")
    rows = [(time_text(one.at_ns), one.person, one.verdict, one.comment) for one in said]
    rows += [
        (time_text(one.at_ns), one.person, f"{one.what} {one.whom}".rstrip(), one.comment)
        for one in happened
    ]
    if rows:
        print_table(("time", "by", "did", "comment"), sorted(rows))


def decide(
    *,
    task_id: str,
    verdict: str,
    author: str | None,
    comment: str,
    as_json: bool,
    given: str | None = None,
    port: str = "",
    **options: Any,
) -> None:
    """Say something that may decide one."""
    content = None if given is None else _read(given)
    with _opened(options["data"], options["config_file"], options["org"]) as tasks:
        if verdict == "edit" and tasks.store.get(task_id).ask == "form":
            verdict = "fill"
        ruling = Ruling(verdict=Verdict(verdict), port=port, data=content, comment=comment)
        task = tasks.decide(task_id, _person(author), ruling, "cli")
        given_so_far = len(tasks.store.votes(task))
    if as_json:
        print_json(_plain(task))
    elif task.state == "open":
        click.echo(
            f"task {task.id} stays open: {given_so_far} of {task.approvals_needed} have said"
        )
    else:
        click.echo(f"task {task.id} is {task.state}: {task.port}")


def delegate(
    *, task_id: str, whom: str, author: str | None, comment: str, as_json: bool, **options: Any
) -> None:
    """Let somebody else decide as well."""
    with _opened(options["data"], options["config_file"], options["org"]) as tasks:
        tasks.delegate(task_id, _person(author), whom, comment)
        task = tasks.store.get(task_id)
    print_json(_plain(task)) if as_json else click.echo(f"{whom} may decide {task_id} as well")


def remark(
    *, task_id: str, author: str | None, comment: str, as_json: bool, **options: Any
) -> None:
    """Keep a comment."""
    with _opened(options["data"], options["config_file"], options["org"]) as tasks:
        tasks.comment(task_id, _person(author), comment)
        task = tasks.store.get(task_id)
    print_json(_plain(task)) if as_json else click.echo(f"kept with {task_id}")


def _person(author: str | None) -> Person:
    who = operator(author)
    return Person(id=who, names=frozenset({who.partition(":")[2]}), overrides=True)


def _read(given: str) -> Any:
    try:
        text = Path(given[1:]).read_bytes() if given.startswith("@") else given.encode()
        return msgspec.json.decode(text)
    except OSError as error:
        raise InvalidRequest(f"--content: {error.strerror}: {given[1:]}", param="content") from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"--content: no JSON: {error}", param="content") from None


def _subject(tasks: Tasks, task: Task) -> str:
    question = tasks.question(task)
    return GONE if question is None else question.subject


def _plain(task: Task) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(task)
    del found["sealed"]
    for name in ("excluded", "not_by"):
        found[name] = msgspec.json.decode(found[name])
    return found


def _given(value: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return {name: one for name, one in plain.items() if one not in (None, "", [], {})}
