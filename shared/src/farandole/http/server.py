"""Server: uvicorn inside a service's own event loop, leaving signals to the service."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp


class Server(uvicorn.Server):
    """A server that installs no signal handlers: the service decides when it stops."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield

    def stop(self, *, at_once: bool = False) -> None:
        """Take no new connection and end when the open requests are answered."""
        self.should_exit = True
        self.force_exit = at_once


def server(app: ASGIApp, *, host: str, port: int) -> Server:
    """Return a server that is ready to `serve`."""
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=10,
            server_header=False,
            # Who the client is, is who connects: a header that names another is for whoever asks for it to believe.
            proxy_headers=False,
        )
    )
