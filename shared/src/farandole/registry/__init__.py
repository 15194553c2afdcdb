"""Registry: schemas of a Confluent-compatible schema registry, found by the id on the wire."""

from farandole.registry.client import Registry, check_url, connect
from farandole.registry.foreign import read_foreign
from farandole.registry.id_map import IdMap, MappedId
from farandole.registry.source import Lookup, RegistrySource

__all__ = ["IdMap", "Lookup", "MappedId", "Registry", "RegistrySource", "check_url", "connect", "read_foreign"]
