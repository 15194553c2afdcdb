"""``farandole flow`` asks the console, and says what it does where the console cannot tell.

The console is played by a server on the loopback that answers what it is told to; that the real one tells the same tree
as the topics is shown for a whole mesh in `tests/scenarios/test_every_flow_is_told_as_it_was.py`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from farandole.cli.console import console_at, named_console
from farandole.cli.flow import flow
from farandole.cli.flows import flows
from farandole.errors import UnavailableError, UsageError


class Played(HTTPServer):
    """A console that gives one answer to everything."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answer, self.status, self.asked = b"", 200, []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def played() -> Iterator[Played]:
    server = Played()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_what_the_console_tells_is_printed_without_what_would_move_the_cursor(played, capsys):
    played.answer = b"flow f-1\n\x1b[2Jorders"
    assert flow("a/b c", console=played.url) == 0
    assert played.asked == [("/api/flows/a%2Fb%20c?as=lines", None)]
    shown = capsys.readouterr().out
    assert "flow f-1" in shown
    assert "\x1b[2J" not in shown


def test_json_is_one_document_on_one_line(played, capsys):
    played.answer = b'{"flow":\n"f-1"}'
    assert flow("f-1", console=played.url, json=True) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"flow": "f-1"}


def test_the_token_comes_from_the_environment_and_follows_no_redirect(played, monkeypatch):
    monkeypatch.setenv("FARANDOLE_CONSOLE_TOKEN", "viewer-secret")
    played.status = 302
    with pytest.raises(UnavailableError) as caught:
        flow("f-1", console=played.url)
    assert caught.value.code == "E567"
    assert [token for _, token in played.asked] == ["Bearer viewer-secret"]
    assert "viewer-secret" not in str(caught.value)
    assert "viewer-secret" not in repr(named_console(played.url))


@pytest.mark.parametrize(("status", "code"), [(401, "E568"), (403, "E568"), (500, "E567"), (404, "E539")])
def test_a_named_console_that_cannot_tell_is_an_error_with_the_next_step(played, status, code):
    played.status = status
    with pytest.raises((UnavailableError, UsageError)) as caught:
        flow("f-1", console=played.url)
    assert caught.value.code == code
    assert caught.value.do


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://there", "http://", "http://ann:secret@there"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError) as caught:
        flow("f-1", console=url)
    assert caught.value.code == "E569"


@pytest.mark.parametrize("other", [{"scan": True}, {"follow": True}, {"context": "there"}])
def test_a_console_and_the_topics_exclude_one_another(other):
    with pytest.raises(UsageError) as caught:
        flow("f-1", console="http://127.0.0.1:1", **other)
    assert caught.value.code == "E560"


def test_a_home_that_is_named_outranks_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("FARANDOLE_URL_CONSOLE", "http://127.0.0.1:1")
    assert console_at(tmp_path) is None
    found = console_at(None)
    assert found is not None
    assert found.url == "http://127.0.0.1:1"


def test_stuck_flows_end_with_four(played, monkeypatch, capsys):
    monkeypatch.setenv("FARANDOLE_URL_CONSOLE", played.url)
    stuck = {"flow": "f-1", "key": "o-1", "expectation": "A > B", "stuck_since": "t", "last_type": "A", "why": "w"}
    played.answer = json.dumps({"flows": [stuck]}).encode()
    assert flows(stuck=True, json=True) == 4
    assert json.loads(capsys.readouterr().out) == {"stuck": [stuck]}
    played.answer = b'{"flows": []}'
    assert flows(stuck=True) == 0
