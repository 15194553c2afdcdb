"""User: who sent a request, and what he may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from farandole_console.access.role import Role

Means = Literal["token", "proxy", "loopback"]


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """``name`` is what the audit topic will say. ``means`` is how it is known; who came by ``loopback`` proved nothing.

    ``visit`` tells this browser from others; forms are sealed with it. It is empty for a tool that sent a token.
    """

    name: str
    role: Role
    means: Means
    visit: str = ""

    def may(self, role: Role) -> bool:
        """Tell whether he may do what that role may."""
        return self.role >= role
