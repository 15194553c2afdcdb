"""``farandole topology``: who hears and who emits what, of what is installed here or of a mesh that runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from farandole.cli.acls import show_acls
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context, mesh, named
from farandole.cli.output import print_json, print_table, printable
from farandole.cli.topology_observed import show_observed
from farandole.cli.topology_papers import show_asyncapi
from farandole.errors import UsageError
from farandole.kafka.log_reader import LogReader
from farandole.topology import Emission, Hearing, Topology, announced_topology, drawing, installed_topology
from farandole.topology import svg as picture
from farandole.topology.announcing import announcements


def topology(
    *,
    service: Annotated[str, Parameter(help="Only what touches this service.")] = "",
    mermaid: Annotated[bool, Parameter(negative="", help="As a Mermaid flowchart.")] = False,
    dot: Annotated[bool, Parameter(negative="", help="As a Graphviz digraph.")] = False,
    svg: Annotated[bool, Parameter(negative="", help="As a picture, in SVG.")] = False,
    acls: Annotated[bool, Parameter(negative="", help="The least that each user needs on Kafka and in Redis.")] = False,
    commands: Annotated[bool, Parameter(negative="", help="With --acls: as a script that gives it.")] = False,
    remove: Annotated[bool, Parameter(negative="", help="With --acls: as a script that takes it back.")] = False,
    operator: Annotated[str, Parameter(help="With --acls: who mends (operator); may be a service, too.")] = "",
    reader: Annotated[str, Parameter(help="With --acls: who only looks (reader).")] = "",
    asyncapi: Annotated[
        bool, Parameter(negative="", help="As an AsyncAPI 3.0 document, of the mesh or --service.")
    ] = False,
    observed: Annotated[bool, Parameter(negative="", help="What differs from what lies on the topics.")] = False,
    out: Annotated[Path | None, Parameter(help="With --asyncapi: into this folder, a document a service too.")] = None,
    context: Context = "",
    home: Home = None,
    json: Json = False,
) -> int:
    """Show who emits and who hears each event; with --service also by which function, and where it stands.

    Of the services that are installed here; with --context or --home of a mesh, as its services announced themselves.
    """
    ways = ((json and not (acls or asyncapi or observed)), mermaid, dot, svg, acls, asyncapi, observed)
    if sum(ways) > 1:
        raise UsageError(
            "--json, --mermaid, --dot, --svg, --acls, --asyncapi and --observed are ways to show it",
            do="give one of them",
            code="E581",
        )
    if out is not None and not asyncapi:
        raise UsageError("--out is for the documents of --asyncapi", do="give --asyncapi with it", code="E627")
    if acls:
        show_acls(
            user=service,
            context=context,
            home=home,
            operator=operator,
            reader=reader,
            as_json=json,
            commands=commands,
            remove=remove,
        )
        return ExitCode.OK
    if commands or remove or operator or reader:
        raise UsageError("that says how to show permissions", do="give --acls with it", code="E624")
    everything = _found(context, home)
    found = _narrowed(everything, service)
    if observed:
        return show_observed(everything, mesh(context, home), service=service, as_json=json)
    if asyncapi:
        show_asyncapi(everything, service=service, folder=out, on_one_line=json)
        return ExitCode.OK
    if json:
        print_json(found)
    elif mermaid or dot or svg:
        sys.stdout.write(drawing.mermaid(found) if mermaid else drawing.dot(found) if dot else picture.svg(found))
    elif service:
        _show_service(found, service)
    else:
        _show_mesh(found)
    return ExitCode.OK


def _found(context: str, home: Home) -> Topology:
    if not named(context, home) and home is None:
        return installed_topology()
    found = announcements(LogReader(mesh(context, home).connection))
    if not found:
        raise UsageError(
            "no service has announced itself there",
            why="the topic _farandole.services is missing or empty",
            do="farandole topics apply   then start the services: each announces itself",
            code="E582",
        )
    return announced_topology(found)


def _narrowed(found: Topology, service: str) -> Topology:
    if not service:
        return found
    if found.service(service) is None:
        raise UsageError(
            f"there is no service {service}",
            why=f"there are {', '.join(one.name for one in found.services) or 'none'}",
            do="name one of them",
            code="E501",
        )
    return found.around(service)


def _show_mesh(found: Topology) -> None:
    rows = [
        (
            one.topic,
            one.name,
            ", ".join(found.emitters(one.fullname)) or "nobody",
            ", ".join(found.hearers(one.fullname)) or "nobody",
        )
        for one in found.events
    ]
    print_table(f"{len(found.services)} services", ("topic", "event", "emitted by", "heard by"), rows)
    observing = sorted({one.service for one in found.observations})
    if observing:
        print_table("", ("observe everything",), [(", ".join(observing),)])


def _show_service(found: Topology, service: str) -> None:
    hears = [
        (_name(found, one.event), ", ".join(found.emitters(one.event)) or "nobody", one.through.value, *_where(one))
        for one in found.hearings
        if one.service == service
    ]
    emits = [
        (_name(found, one.event), ", ".join(found.hearers(one.event)) or "nobody", one.through.value, *_where(one))
        for one in found.emissions
        if one.service == service
    ]
    print_table(f"{printable(service)} hears", ("event", "from", "through", "function", "at"), hears)
    print_table(f"{printable(service)} emits", ("event", "to", "through", "function", "at"), emits)


def _name(found: Topology, fullname: str) -> str:
    event = found.event(fullname)
    return event.name if event is not None else fullname


def _where(edge: Hearing | Emission) -> tuple[str, str]:
    return edge.place.function, f"{edge.place.beneath(Path.cwd())}:{edge.place.line}"
