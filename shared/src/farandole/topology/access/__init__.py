"""Access: the least that each user of a mesh needs, on Kafka and in Redis, derived from what services declare.

It is made of code that is installed, never of announcements: whoever may announce could announce itself more rights.
"""

from farandole.topology.access.grants import Grants, grants_of
from farandole.topology.access.permission import Act, Permission, Resource
from farandole.topology.access.redis_user import CLUSTER, RedisUser
from farandole.topology.access.script import granting, removing

__all__ = [
    "CLUSTER",
    "Act",
    "Grants",
    "Permission",
    "RedisUser",
    "Resource",
    "granting",
    "grants_of",
    "removing",
]
