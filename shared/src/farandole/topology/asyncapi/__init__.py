"""AsyncAPI: a topology as AsyncAPI 3.0 documents."""

from farandole.topology.asyncapi.document import asyncapi
from farandole.topology.asyncapi.paper import Paper

__all__ = ["Paper", "asyncapi"]
