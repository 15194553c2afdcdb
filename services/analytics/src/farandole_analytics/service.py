"""The analytics service, as the mesh knows it.

It consumes with Faust, not with handlers: importing this must stay cheap, since the command line imports every service.
"""

from __future__ import annotations

from typing import Final

from farandole import Service

service: Final = Service("analytics")
