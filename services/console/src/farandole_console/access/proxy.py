"""Proxy: who signed in at a proxy in front of the console, as that proxy says it in a header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from farandole.errors import StartError

from farandole_console.access.role import Role, role_of
from farandole_console.access.user import User

LONGEST_NAME: Final = 200
LONGEST_GROUPS: Final = 8_000
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy:
    """The proxies that are believed, the headers in which they speak, and what each group of people may do.

    A header that comes from anywhere else says nothing: anybody can send one.
    """

    networks: Sequence[Network]
    user_header: str
    groups_header: str
    roles: Mapping[str, Role]

    def is_trusted(self, address: str) -> bool:
        """Tell whether a connection comes from one of the proxies."""
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        return any(ip in network for network in self.networks)

    def user_of(self, address: str, headers: Mapping[str, str]) -> User | None:
        """Return whom the proxy names. None where it is none of ours, names nobody, or no group of his has a role."""
        name = headers.get(self.user_header, "").strip()
        if not self.is_trusted(address) or not name or not name.isprintable() or len(name) > LONGEST_NAME:
            return None
        groups = {one.strip() for one in headers.get(self.groups_header, "")[:LONGEST_GROUPS].split(",")}
        role = max((role for group, role in self.roles.items() if group in groups), default=None)
        return None if role is None else User(name=name, role=role, means="proxy")


def read_proxy(networks: str, *, user_header: str, groups_header: str, groups: Mapping[str, str]) -> Proxy | None:
    """Read the settings of a proxy; None where no network is named. Raises StartError."""
    said = networks.replace(",", " ").split()
    if not said:
        return None
    try:
        read = [ip_network(one) for one in said]
    except ValueError as bad:
        raise _unfit(f"FARANDOLE_CONSOLE_PROXIES: {bad}") from bad
    if any(one.prefixlen == 0 for one in read):
        raise _unfit("FARANDOLE_CONSOLE_PROXIES names every address there is, and anybody can send a header")
    roles = {group: role_of(word) for group, word in groups.items()}
    known = {group: role for group, role in roles.items() if role is not None}
    if not known or len(known) < len(roles):
        raise _unfit("FARANDOLE_CONSOLE_GROUPS has to give each group the role viewer, operator or admin")
    return Proxy(networks=read, user_header=user_header.lower(), groups_header=groups_header.lower(), roles=known)


def _unfit(why: str) -> StartError:
    return StartError(
        "the proxy in front of the console cannot be believed",
        why=why,
        do="set FARANDOLE_CONSOLE_PROXIES to its addresses (10.0.3.7/32) and FARANDOLE_CONSOLE_GROUPS to "
        '{"mesh-operators": "operator"}',
        code="E632",
    )
