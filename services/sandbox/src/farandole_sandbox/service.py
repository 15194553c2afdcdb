"""The sandbox as a service of the mesh: it hears no event, it only serves HTTP."""

from __future__ import annotations

from farandole.service import Service

from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import Sandbox, open_sandbox
from farandole_sandbox.settings import Settings, read_settings

service = Service("sandbox")
service.provide(Settings, read_settings)
service.provide(Sandbox, open_sandbox)
service.http(create_app)
