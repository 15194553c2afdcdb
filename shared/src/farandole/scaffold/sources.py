"""Sources: the Python of a new service's package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from farandole.scaffold.blueprint import Blueprint

WIDTH: Final = 120


def files(made: Blueprint) -> dict[str, str]:
    """Return the modules of the package, by their path below the service's folder."""
    home = f"src/{made.package}"
    texts = {
        "__init__.py": f'"""The service {made.name}."""\n',
        "py.typed": "",
        "__main__.py": _main(made),
        "service.py": _service(made),
        "answering.py": _answering(made),
    }
    if made.store:
        texts["tables.py"] = _tables(made)
    if made.depends_on:
        texts["settings.py"] = _settings(made)
        texts[f"{_system(made)}.py"] = _protocol(made)
        texts[f"{_system(made)}_http.py"] = _adapter(made)
    return {f"{home}/{path}": text for path, text in texts.items()}


def imported(module: str, names: Iterable[str]) -> str:
    """Return an import as the formatter lays it out."""
    several = sorted(names, key=str.lower)
    line = f"from {module} import {', '.join(several)}"
    return (
        line if len(line) <= WIDTH else f"from {module} import (\n" + "".join(f"    {one},\n" for one in several) + ")"
    )


def system_class(made: Blueprint) -> str:
    """Return the name of the Protocol of the outside system."""
    return "".join(word.capitalize() for word in made.depends_on.split("-"))


def settings_class(made: Blueprint) -> str:
    """Return the name of the class of settings."""
    return "".join(word.capitalize() for word in made.name.split("-")) + "Settings"


def _system(made: Blueprint) -> str:
    return made.depends_on.replace("-", "_")


def _main(made: Blueprint) -> str:
    return f'''"""``farandole-{made.name}``: runs the service {made.name} as a process."""

from __future__ import annotations

from farandole import run

from {made.package}.service import service


def main() -> None:
    """Run the service until it is told to stop."""
    run(service)


if __name__ == "__main__":
    main()
'''


def _service(made: Blueprint) -> str:
    own = [f"from {made.package}.answering import answer"]
    provided, needs = "", ""
    if made.depends_on:
        name = _system(made)
        own += [
            f"from {made.package}.{name} import {system_class(made)}",
            f"from {made.package}.{name}_http import connect",
            f"from {made.package}.settings import {settings_class(made)}",
        ]
        provided = f"service.provide({settings_class(made)})\nservice.provide({system_class(made)}, connect)\n"
        needs = f'depends_on="{made.depends_on}", '
    if made.store:
        own.append(f"from {made.package}.tables import metadata")
    tables = ", tables=metadata" if made.store else ""
    listed = "\n".join(sorted(own, key=lambda one: one.split()[1]))
    return f'''"""The service {made.name}: what it hears, and what it is given."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole import Backoff, Service
from farandole_events import {made.hears}

{listed}

PATIENT: Final = Backoff(first=timedelta(seconds=1), factor=4, attempts=6)

service: Final = Service("{made.name}"{tables})
{provided}service.on({made.hears}, {needs}retry=PATIENT)(answer)
'''


def _answering(made: Blueprint) -> str:
    library = (["Clock", "UnitOfWork"] if made.store else []) + (["Delivery"] if made.depends_on else [])
    heads = ["from __future__ import annotations\n"]
    heads += [imported("farandole", library)] if library else []
    heads.append(imported("farandole_events", [one for one in (made.hears, made.emits) if one]))
    own = []
    if made.depends_on:
        own.append(f"from {made.package}.{_system(made)} import {system_class(made)}")
    if made.store:
        own.append(f"from {made.package}.tables import answers")
    about = f"answers {made.hears} with {made.emits}" if made.emits else f"takes {made.hears} in, and answers nothing"
    head = f'"""The handler of {made.name}.\n\nIt {about}.\n"""\n\n' + "\n".join(heads) + "\n"
    head += "\n" + "\n".join(sorted(own, key=lambda one: one.split()[1])) + "\n" if own else ""
    return f"{head}\n\n{_handler(made)}"


def _handler(made: Blueprint) -> str:
    answer = made.emits or "None"
    answer += " | None" if made.emits and made.store else ""
    parameters = [f"event: {made.hears}"]
    parameters += [f"system: {system_class(made)}", "delivery: Delivery"] if made.depends_on else []
    parameters += ["clock: Clock", "work: UnitOfWork"] if made.store else []
    listed = parameters[0] if len(parameters) == 1 else "\n" + "".join(f"    {one},\n" for one in parameters)
    body = _stored(made) if made.store else _pure(made)
    return f"async def answer({listed}) -> {answer}:\n{body}"


def _pure(made: Blueprint) -> str:
    if not made.emits:
        return (
            f'    """Take in one {made.hears}.\n\n'
            "    It keeps nothing. A service that keeps rows or asks an outside system needs a store.\n"
            '    """\n    del event\n'
        )
    return (
        f'    """Answer one {made.hears}. It may run again for the same event, and must then answer the same."""\n'
        f"    return {made.emits}({made.key}=event.{made.key})\n"
    )


def _stored(made: Blueprint) -> str:
    asks = (
        "    reference = await system.ask(event." + made.key + ", idempotency_key=delivery.event_id)\n"
        if made.depends_on
        else ""
    )
    values = [f'        "{made.key}": event.{made.key},', '        "answered_at": clock.now(),']
    values += ['        "reference": reference,'] if made.depends_on else []
    after = (
        "."
        if not asks
        else ".\n\n    The system is asked before the row is written: the transaction begins with the row.\n    "
    )
    lines = [
        f'    """Answer one {made.hears}, once for each {made.key}{after}"""\n{asks}    row = {{',
        *values,
        "    }",
    ]
    if not made.emits:
        return "\n".join(
            [*lines, "    await work.execute(work.insert(answers).values(row).on_conflict_do_nothing())", ""]
        )
    given = [f"        {made.key}=event.{made.key},"] + (["        reference=reference,"] if made.depends_on else [])
    return "\n".join(
        [
            *lines,
            f"    key = answers.c.{made.key}",
            "    insert = work.insert(answers).values(row).on_conflict_do_nothing().returning(key)",
            "    if (await work.execute(insert)).first() is None:",
            "        return None",
            f"    return {made.emits}(",
            *given,
            "    )",
            "",
        ]
    )


def _tables(made: Blueprint) -> str:
    reference = '    Column("reference", Text, nullable=False),\n' if made.depends_on else ""
    return f'''"""The table of {made.name}: what was answered, one row each."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import Column, MetaData, Table, Text

metadata: Final = MetaData()

answers: Final = Table(
    "answers",
    metadata,
    Column("{made.key}", Text, primary_key=True),
    Column("answered_at", Moment, nullable=False),
{reference})
'''


def _settings(made: Blueprint) -> str:
    upper = made.module.upper()
    return f'''"""Settings: what the environment says about {made.depends_on}."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from farandole.outside import ANSWER_WITHIN, CONNECT_WITHIN
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class {settings_class(made)}(BaseSettings):
    """The environment, read once at start. Durations are seconds or ISO 8601 (``PT10S``)."""

    model_config = SettingsConfigDict(
        env_prefix="FARANDOLE_{upper}_",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
    )

    url: str = Field(default="http://127.0.0.1:8099")
    connect_within: Duration = Field(default=CONNECT_WITHIN, gt=timedelta(0))
    answer_within: Duration = Field(default=ANSWER_WITHIN, gt=timedelta(0))
'''


def _protocol(made: Blueprint) -> str:
    name = system_class(made)
    return f'''"""{name}: what this service asks of {made.depends_on}, whoever made it."""

from __future__ import annotations

from typing import Protocol


class {name}(Protocol):
    """An outside system. Does what is asked once for each idempotency key, then repeats its answer.

    May raise farandole.outside.OutsideAwayError (ask again, with the same key) or OutsideRefusedError (asking again
    cannot help). Safe for concurrent use.
    """

    async def ask(self, about: str, *, idempotency_key: str) -> str:
        """Ask for something; return what the system calls it."""
        ...
'''


def _adapter(made: Blueprint) -> str:
    name, settings = system_class(made), settings_class(made)
    own = sorted(
        (f"from {made.package}.{_system(made)} import {name}", f"from {made.package}.settings import {settings}")
    )
    return f'''"""{made.depends_on} over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from farandole.outside import OutsideRefusal, OutsideSystem, outside_system

{own[0]}
{own[1]}


class _Answer(msgspec.Struct, frozen=True):
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Http{name}:
    """Asks {made.depends_on} over HTTP."""

    def __init__(self, system: OutsideSystem) -> None:
        self._system = system

    async def ask(self, about: str, *, idempotency_key: str) -> str:
        """See the Protocol."""
        try:
            answer = await self._system.post("/requests", {{"about": about}}, _Answer, idempotency_key=idempotency_key)
        except OutsideRefusal as refused:
            raise self._system.unexpected(refused.refusal) from refused
        return answer.reference


@asynccontextmanager
async def connect(
    settings: {settings},
) -> AsyncGenerator[{name}]:
    """Give the system at the address of the settings, and close its connections in the end."""
    async with outside_system(
        "{made.depends_on}",
        settings.url,
        connect_within=settings.connect_within,
        answer_within=settings.answer_within,
    ) as system:
        yield Http{name}(system)
'''
