"""Topology: who hears and who emits what, by which function, derived from what services declare."""

from farandole.topology.announcement import Announcement, announced_topology
from farandole.topology.edge import Emission, Hearing, Observation, Through
from farandole.topology.event_type import EventType
from farandole.topology.of_services import installed_topology, sheet_of, topology_of
from farandole.topology.sheet import DeclaredSheet, HandlerSheet, ObserverSheet, RetrySheet, ServiceSheet, TimerSheet
from farandole.topology.topology import Topology, topology_of_sheets

__all__ = [
    "Announcement",
    "DeclaredSheet",
    "Emission",
    "EventType",
    "HandlerSheet",
    "Hearing",
    "Observation",
    "ObserverSheet",
    "RetrySheet",
    "ServiceSheet",
    "Through",
    "TimerSheet",
    "Topology",
    "announced_topology",
    "installed_topology",
    "sheet_of",
    "topology_of",
    "topology_of_sheets",
]
