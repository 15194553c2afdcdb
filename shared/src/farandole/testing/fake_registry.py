"""FakeRegistry: the part of a schema registry that the mesh uses, in memory, behind real HTTP on the loopback.

The same tests run against it and against a real registry, so it cannot drift.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self, cast
from urllib.parse import unquote

from farandole.local.ports import LOOPBACK

FIRST_ID: Final = 4_001
"""Ids begin far from those of any lock, so that one is not taken for the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scripted:
    """An answer that is given to everything, whatever was asked."""

    status: int
    body: bytes = b"{}"
    location: str = ""


class FakeRegistry:
    """A registry. Use it as a context manager; thread-safe."""

    def __init__(self) -> None:
        self.schemas: dict[int, str] = {}
        """Every schema, by id. A test may put one in by hand."""
        self.levels: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        """How often each path was asked for."""
        self.authorised: list[str] = []
        """The credentials that came, as they came."""
        self.instead: Scripted | None = None
        """What is answered to everything, while it is set."""
        self._subjects: dict[str, list[int]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())

    @property
    def port(self) -> int:
        """The port on the loopback."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake registry", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, schema: object) -> int:
        """Take a schema by hand, whatever it is, and return its id."""
        with self._lock:
            return self._add(schema if isinstance(schema, str) else json.dumps(schema))

    def _add(self, text: str) -> int:
        known = {json.dumps(json.loads(one), sort_keys=True): number for number, one in self.schemas.items() if one}
        same = known.get(json.dumps(json.loads(text), sort_keys=True)) if text.startswith("{") else None
        number = same or max(self.schemas, default=FIRST_ID - 1) + 1
        self.schemas[number] = text
        return number

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Return the status and the document for a request."""
        match method, [unquote(part) for part in path.strip("/").split("/")]:
            case "GET", ["schemas", "ids", number]:
                text = self.schemas.get(int(number))
                return (200, {"schema": text}) if text is not None else _missing(40403, "Schema not found")
            case "PUT", ["config", subject]:
                self.levels[subject] = json.loads(body)["compatibility"]
                return 200, {"compatibility": self.levels[subject]}
            case "POST", ["subjects", subject]:
                return self._found(subject, json.loads(body)["schema"])
            case "POST", ["subjects", subject, "versions"]:
                return self._registered(subject, json.loads(body)["schema"])
            case _:
                return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}

    def _found(self, subject: str, text: str) -> tuple[int, Any]:
        if subject not in self._subjects:
            return _missing(40401, "Subject not found")
        same = [one for one in self._subjects[subject] if json.loads(self.schemas[one]) == json.loads(text)]
        return (200, {"subject": subject, "id": same[0]}) if same else _missing(40403, "Schema not found")

    def _registered(self, subject: str, text: str) -> tuple[int, Any]:
        schema = json.loads(text)
        known = self._subjects.setdefault(subject, [])
        if subject in self.levels and any(_breaks(schema, json.loads(self.schemas[one])) for one in known):
            return 409, {"error_code": 409, "message": "Schema being registered is incompatible with an earlier schema"}
        number = self._add(text)
        if number not in known:
            known.append(number)
        return 200, {"id": number}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._respond()

            def do_PUT(self) -> None:
                self._respond()

            def do_POST(self) -> None:
                self._respond()

            def _respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                with registry._lock:
                    registry.asked[self.path] += 1
                    if "authorization" in self.headers:
                        registry.authorised.append(self.headers["authorization"])
                    scripted = registry.instead
                    status, document = (0, None) if scripted else registry.answer(self.command, self.path, body)
                answer = scripted or Scripted(status=status, body=json.dumps(document).encode())
                self.send_response(answer.status)
                if answer.location:
                    self.send_header("location", answer.location)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's
                """Say nothing."""

        return Handler


def _missing(code: int, message: str) -> tuple[int, Any]:
    return 404, {"error_code": code, "message": message}


def _breaks(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Tell whether a field came or went without a default, which is as much of compatibility as a test needs."""
    before, after = _fields(old), _fields(new)
    changed = [before[name] for name in before.keys() - after.keys()]
    changed += [after[name] for name in after.keys() - before.keys()]
    return any("default" not in field for field in changed)


def _fields(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in cast("list[dict[str, Any]]", schema["fields"])}
