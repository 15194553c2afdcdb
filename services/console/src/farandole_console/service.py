"""The console: an index of every event of the mesh, shown flow by flow."""

from __future__ import annotations

from typing import Final

from farandole import ReadModel, Service
from farandole.flow.reading import HappeningReader
from farandole.settings import Settings
from farandole.wire_schemas import catalogue_of

from farandole_console.acting.actor import Actor
from farandole_console.acting.jobs import Jobs, working
from farandole_console.acting.mesh import Mesh
from farandole_console.dead_letters.boards import Boards, looking
from farandole_console.index import Index
from farandole_console.live.declared import Declarations, learning
from farandole_console.live.gatherer import Gatherer, gathering
from farandole_console.payloads.payloads import Payloads, payloads
from farandole_console.promises.lookout import Lookout, open_lookout
from farandole_console.promises.promises import Promises
from farandole_console.seen import SeenReader
from farandole_console.settings import ConsoleSettings
from farandole_console.tables import metadata

service: Final[Service] = Service("console", tables=metadata, read_model=ReadModel())
service.provide(ConsoleSettings)
service.provide(Index)
service.provide(Promises)
service.provide(Lookout, open_lookout)
service.provide(Gatherer, gathering)
service.provide(Declarations, learning)
service.provide(Jobs, working)
service.provide(Mesh)
service.provide(Actor)
service.provide(Payloads, payloads)
service.provide(Boards, looking)


def _reader(settings: Settings) -> SeenReader:
    return SeenReader(HappeningReader(catalogue_of(service, settings), cluster=settings.cluster))


service.provide(SeenReader, _reader)

# These register with the service, so they come after it.
from farandole_console.app import create_app  # noqa: E402
from farandole_console.observing import index  # noqa: E402
from farandole_console.promises.watching import watch  # noqa: E402
from farandole_console.retention import prune  # noqa: E402

__all__ = ["create_app", "index", "prune", "service", "watch"]
