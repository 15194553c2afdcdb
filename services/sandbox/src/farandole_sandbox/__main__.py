"""``python -m farandole_sandbox``: serve until told to stop.

Not by ``farandole.run``: the outside systems stand outside. They must answer while the brokers and Redis are away.
"""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from farandole import log
from farandole.errors import FarandoleError

from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import open_sandbox
from farandole_sandbox.settings import Settings, read_settings


async def serve(settings: Settings) -> None:
    """Open the sandbox and serve it until a signal comes."""
    async with open_sandbox(settings) as sandbox:
        config = uvicorn.Config(
            create_app(sandbox),
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        await uvicorn.Server(config).serve()


def main() -> None:
    """Serve; exit with 1 and a sentence when that cannot be done."""
    log.configure("WARNING", service="sandbox")
    try:
        asyncio.run(serve(read_settings()))
    except FarandoleError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is what a person at the terminal reads
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
