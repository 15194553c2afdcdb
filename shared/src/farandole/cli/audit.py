"""``farandole audit``: what became of every event, per service, and which are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import Parameter

from farandole import installed
from farandole.audit import Report, audit
from farandole.audit.finding import Finding
from farandole.audit.report import ALWAYS_SHOWN
from farandole.audit.standing import Standing
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context, mesh
from farandole.cli.output import print_json, print_table, say
from farandole.contexts import Target
from farandole.errors import UnavailableError, UsageError
from farandole.service import Service

MOST_SHOWN = 50


def command(
    *,
    watch: Annotated[bool, Parameter(negative="", help="Audit again and again; tell each finding once.")] = False,
    interval: Annotated[float, Parameter(help="Seconds between two audits of a watch.")] = 15.0,
    service: Annotated[tuple[str, ...], Parameter(negative="", help="Only this service; may be repeated.")] = (),
    since: Annotated[float | None, Parameter(help="Only events of the last so many hours.")] = None,
    context: Context = "",
    home: Home = None,
    json: Json = False,
) -> int:
    """Show what became of every event of each service, and name those that are lost or stranded.

    in = done + retrying + parked + dead + in flight + waiting, from Kafka, the ledger and the databases. It reads only,
    also beside a mesh that is busy. Ends with 4 where something is wrong, with 5 where something does not answer.
    """
    services = [installed.service(name) for name in service] or [*installed.services()]
    if interval <= 0 or (since is not None and since <= 0):
        raise UsageError("--interval and --since take a positive number", code="E503")
    rounds = _Rounds(services, mesh(context, home, services), since=since, as_json=json)
    if not watch:
        return ExitCode.OK if asyncio.run(rounds.once()) else ExitCode.CHECK_FAILED
    asyncio.run(rounds.on_and_on(timedelta(seconds=interval)))
    return ExitCode.OK


class _Rounds:
    """Audits of the same mesh, each finding told once."""

    def __init__(self, services: Sequence[Service], target: Target, *, since: float | None, as_json: bool) -> None:
        self._services = services
        self._target = target
        self._since = None if since is None else timedelta(hours=since)
        self._as_json = as_json
        self._told: set[tuple[str, str, str]] = set()

    async def once(self) -> bool:
        """Audit, show, and return whether all is well."""
        report = await self._audit()
        if self._as_json:
            print_json(report.document())
        else:
            _show(report, report.findings)
        return report.is_good

    async def on_and_on(self, interval: timedelta) -> None:
        """Audit again and again, until interrupted; what does not answer is asked again in the next round."""
        while True:
            try:
                self._show_news(await self._audit())
            except UnavailableError as error:
                say(str(error))
            await asyncio.sleep(interval.total_seconds())

    async def _audit(self) -> Report:
        since = None if self._since is None else datetime.now(UTC) - self._since
        return await audit(self._target, self._services, since=since, tell=say)

    def _show_news(self, report: Report) -> None:
        news = [one for one in report.findings if one.identity not in self._told]
        # What is mended and breaks again is news again.
        self._told = {one.identity for one in report.findings}
        if self._as_json:
            print_json({**report.document(), "findings": news, "told_before": len(report.findings) - len(news)})
        elif news or not report.findings:
            _show(report, news)
        else:
            say(f"{report.at:%H:%M:%S} {len(report.findings)} findings, all told before")


def _show(report: Report, findings: Sequence[Finding]) -> None:
    columns = [*ALWAYS_SHOWN]
    columns += [one for one in Standing if one not in columns and any(b.standings.get(one) for b in report.balances)]
    rows = []
    for balance in report.balances:
        counts = [str(balance.standings.get(one, 0)) for one in columns]
        rows.append((balance.service, balance.told, "=", *counts, "even" if balance.is_even else "NOT EVEN"))
    head = ("service", "in", "=", *(one.value for one in columns), "")
    print_table(f"audit at {report.at:%H:%M:%S} UTC, {report.seconds:.1f} s", head, rows)
    if findings:
        lines = [_line(one) for one in findings[:MOST_SHOWN]]
        print_table("what is wrong", ("what", "service", "event", "where", "why", "do"), lines)
    if len(findings) > MOST_SHOWN:
        say(f"… and {len(findings) - MOST_SHOWN} more; --json names them all")


def _line(one: Finding) -> tuple[str, ...]:
    named = f"{one.type.rpartition('.')[2]} {one.event_id}" if one.event_id else one.key and f"key {one.key}"
    return (one.kind, one.service, named, one.where, one.what, one.do)
