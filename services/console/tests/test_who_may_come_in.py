"""The console is shown to whoever may see it.

On the loopback of an embedded mesh that is everybody on the machine;
anywhere else one says who one is, by a token or through a proxy that is known by its address. A page of another site
can neither read the console nor make a browser act in it, and a name of somebody else's that leads to this machine
does not open it either.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from farandole.errors import StartError
from farandole.http.server import server
from farandole.settings import Settings
from farandole_console.access.door import Door
from farandole_console.access.failures import MOST_ADDRESSES, MOST_FAILURES, Failures
from farandole_console.access.policy import policy_of
from farandole_console.access.tokens import read_tokens
from farandole_console.access.visitor import Visitors
from farandole_console.frame.frame import Frame
from farandole_console.guard import Guard
from farandole_console.pages.login import local_path, login_page
from farandole_console.settings import ConsoleSettings
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr
from starlette.middleware import Middleware

VIEWER, OPERATOR = "v" * 24, "o" * 24
TOKENS = f"vera:viewer:{VIEWER} otto:operator:{OPERATOR}"


class Site:
    """The console's door with a page and an action behind it, opened from an address of one's choice."""

    def __init__(self, console: ConsoleSettings, settings: Settings | None = None) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        self.steady = 0.0
        self.acted = 0
        policy = policy_of(settings or Settings(), console)
        frame = Frame(policy.seal)
        visitors = Visitors(policy, failures=Failures(lambda: self.steady), now=lambda: self.now)
        door = Middleware(Door, policy=policy, visitors=visitors, frame=frame)
        self.app = FastAPI(openapi_url=None, middleware=[Middleware(Guard), door])
        self.app.include_router(login_page(frame, policy, visitors))

        @self.app.get("/")
        @self.app.get("/api/who")
        async def page(request: Request) -> Response:
            user = request.state.user
            shown = frame.page(request, "frame/problem.html", status=0, what="")
            return Response(f"{user.name} {user.role.word} {bytes(shown.body).decode()}")

        @self.app.post("/act")
        async def act() -> Response:
            self.acted += 1
            return Response("done")

    def browser(self, address: str = "127.0.0.1", host: str = "localhost") -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app, client=(address, 4711)), base_url=f"http://{host}"
        )


def sealed(page: httpx2.Response) -> str:
    found = re.search(r'name="sealed" value="([^"]*)"', page.text)
    return found[1] if found else ""


async def signed_in(browser: httpx2.AsyncClient, token: str, **more: str) -> httpx2.Response:
    form = {"token": token, "sealed": sealed(await browser.get("/login")), **more}
    return await browser.post("/login", data=form, headers={"origin": str(browser.base_url).rstrip("/")})


@pytest.fixture
def guarded() -> Site:
    return Site(ConsoleSettings(tokens=SecretStr(TOKENS)))


@pytest.fixture
async def browser(guarded: Site) -> AsyncIterator[httpx2.AsyncClient]:
    async with guarded.browser() as client:
        yield client


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "::", "console.example"])
def test_a_console_without_authentication_does_not_open_to_other_machines(host) -> None:
    with pytest.raises(StartError) as refused:
        policy_of(Settings(http_host=host), ConsoleSettings())
    assert refused.value.code == "E630"
    assert "FARANDOLE_CONSOLE_TOKENS" in str(refused.value)
    policy_of(Settings(http_host=host), ConsoleSettings(tokens=SecretStr(TOKENS)))


@pytest.mark.parametrize("said", ["x", "a:king:" + "s" * 24, "a:viewer:short", f"{TOKENS} vera:admin:{'x' * 24}"])
def test_tokens_that_cannot_be_used_are_refused_at_start_and_not_shown(said) -> None:
    with pytest.raises(StartError) as refused:
        policy_of(Settings(), ConsoleSettings(tokens=SecretStr(said)))
    assert refused.value.code == "E631"
    assert VIEWER not in str(refused.value)


@pytest.mark.parametrize("proxies", ["0.0.0.0/0", "::/0", "proxy.example", "10.0.0.7/33"])
def test_a_proxy_that_could_be_anybody_is_refused_at_start(proxies) -> None:
    with pytest.raises(StartError) as refused:
        policy_of(Settings(), ConsoleSettings(proxies=proxies, groups={"ops": "operator"}))
    assert refused.value.code == "E632"


async def test_whoever_is_on_the_machine_of_an_embedded_mesh_may_do_everything() -> None:
    async with Site(ConsoleSettings()).browser() as browser:
        assert " admin " in (await browser.get("/")).text


async def test_on_the_loopback_of_a_mesh_that_is_elsewhere_one_only_looks() -> None:
    site = Site(ConsoleSettings(), Settings(brokers="kafka.example:9093", security_protocol="SASL_SSL"))
    async with site.browser() as browser:
        page = await browser.get("/")
        assert " viewer " in page.text
        visit = re.search(r"farandole_visit=([^;]+)", page.headers["set-cookie"])
        assert visit
        answer = await browser.post("/act", headers={"origin": "http://localhost"})
        assert (answer.status_code, site.acted) == (403, 0)


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.nip.io", "169.254.169.254", ""])
async def test_a_name_of_somebody_elses_that_leads_here_opens_nothing(host) -> None:
    async with Site(ConsoleSettings()).browser() as browser:
        assert (await browser.get("/", headers={"host": host})).status_code == 421


async def test_a_stranger_sees_the_login_and_nothing_else(browser) -> None:
    page = await browser.get("/?a=b")
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=%2F%3Fa%3Db")
    assert (await browser.get("/api/who")).status_code == 401


async def test_a_token_opens_a_session_that_scripts_and_other_sites_do_not_get(browser, guarded) -> None:
    answer = await signed_in(browser, VIEWER, next="/flows")
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert VIEWER not in cookie
    assert "vera viewer" in (await browser.get("/")).text


async def test_a_session_ends_with_its_time_and_with_its_token(browser, guarded) -> None:
    await signed_in(browser, VIEWER)
    session = browser.cookies["farandole_session"]
    guarded.now += timedelta(hours=13)
    assert (await browser.get("/")).status_code == 303
    without_her = Site(ConsoleSettings(tokens=SecretStr(f"vera:viewer:{'n' * 24} otto:operator:{OPERATOR}")))
    async with without_her.browser() as other:
        other.cookies.set("farandole_session", session)
        assert (await other.get("/")).status_code == 303


async def test_a_session_that_was_touched_is_none(browser) -> None:
    await signed_in(browser, VIEWER)
    genuine = browser.cookies["farandole_session"]
    browser.cookies.clear()
    browser.cookies.set("farandole_session", genuine.replace("vera", "otto"))
    assert (await browser.get("/")).status_code == 303


async def test_who_signs_out_is_out(browser) -> None:
    await signed_in(browser, VIEWER)
    form = {"sealed": sealed(await browser.get("/"))}
    await browser.post("/logout", data=form, headers={"origin": "http://localhost"})
    assert (await browser.get("/")).status_code == 303


async def test_guessing_is_slowed_down_in_bounded_memory(browser, guarded) -> None:
    for _ in range(MOST_FAILURES):
        assert (await signed_in(browser, "wrong")).status_code == 401
    assert (await signed_in(browser, VIEWER)).status_code == 429
    async with guarded.browser("10.9.9.9") as elsewhere:
        assert (await signed_in(elsewhere, VIEWER)).status_code == 303
    guarded.steady += 61
    assert (await signed_in(browser, VIEWER)).status_code == 303
    failures = Failures(lambda: 0.0)
    for number in range(MOST_ADDRESSES + 500):
        failures.failed(str(number))
    assert len(failures) == MOST_ADDRESSES


@pytest.mark.parametrize(
    "said", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "", "/\n"]
)
def test_signing_in_leads_nowhere_else(said) -> None:
    assert local_path(said) == "/"


async def test_a_tool_says_its_token_with_each_request(guarded) -> None:
    async with guarded.browser() as tool:
        answer = await tool.get("/api/who", headers={"authorization": f"Bearer {OPERATOR}"})
        assert answer.text.startswith("otto operator")
        assert (await tool.post("/act", headers={"authorization": f"Bearer {OPERATOR}"})).text == "done"
        assert (await tool.post("/act", headers={"authorization": f"Bearer {VIEWER}"})).status_code == 403
        assert (await tool.post("/act", headers={"authorization": "Bearer wrong"})).status_code == 401
    assert guarded.acted == 1


PROXY = ConsoleSettings(proxies="10.0.3.7/32", groups={"ops": "operator", "all": "viewer"})
NAMED = {"x-auth-request-user": "anna", "x-auth-request-groups": "all, ops"}


@pytest.mark.parametrize(("address", "says"), [("10.0.3.7", "anna operator"), ("::ffff:10.0.3.7", "anna operator")])
async def test_a_proxy_names_who_signed_in_there(address, says) -> None:
    async with Site(PROXY).browser(address) as browser:
        assert (await browser.get("/", headers=NAMED)).text.startswith(says)


@pytest.mark.parametrize("address", ["10.0.3.8", "127.0.0.1", "not an address"])
async def test_the_header_of_a_proxy_says_nothing_from_elsewhere(address) -> None:
    async with Site(PROXY).browser(address) as browser:
        forwarded = {**NAMED, "x-forwarded-for": "10.0.3.7", "forwarded": "for=10.0.3.7"}
        assert (await browser.get("/", headers=forwarded)).status_code == 401


async def test_whose_groups_have_no_role_stays_outside() -> None:
    async with Site(PROXY).browser("10.0.3.7") as browser:
        assert (await browser.get("/", headers={**NAMED, "x-auth-request-groups": "guests"})).status_code == 401


SENT_BY_ANOTHER = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost.evil.example"},
    {"origin": "http://localhost", "sec-fetch-site": "cross-site"},
    {"origin": "http://localhost", "sec-fetch-site": "same-site"},
    {},
]


@pytest.mark.parametrize("headers", SENT_BY_ANOTHER)
async def test_a_page_of_another_site_changes_nothing_even_with_a_form_of_ours(headers) -> None:
    site = Site(ConsoleSettings())
    async with site.browser() as browser:
        await browser.get("/")
        form = {"sealed": seal_of(site, browser)}
        assert (await browser.post("/act", data=form, headers=headers)).status_code == 403
        assert site.acted == 0
        assert (await browser.post("/act", data=form, headers={"origin": "http://localhost"})).status_code == 200


async def test_a_form_that_was_given_to_another_browser_or_user_changes_nothing(guarded) -> None:
    ours = {"origin": "http://localhost"}
    async with guarded.browser() as mine, guarded.browser() as theirs:
        await signed_in(mine, OPERATOR)
        await signed_in(theirs, OPERATOR)
        stranger = sealed(await theirs.get("/"))
        for form in ({}, {"sealed": ""}, {"sealed": stranger}):
            assert (await mine.post("/act", data=form, headers=ours)).status_code == 403
        assert guarded.acted == 0
        form = {"sealed": sealed(await mine.get("/"))}
        assert (await mine.post("/act", data=form, headers=ours)).text == "done"


async def test_a_viewer_changes_nothing(browser, guarded) -> None:
    await signed_in(browser, VIEWER)
    form = {"sealed": sealed(await browser.get("/"))}
    answer = await browser.post("/act", data=form, headers={"origin": "http://localhost"})
    assert (answer.status_code, guarded.acted) == (403, 0)


async def test_a_form_that_is_too_long_is_not_read(browser, guarded) -> None:
    await signed_in(browser, OPERATOR)
    form = {"sealed": sealed(await browser.get("/")), "much": "x" * 300_000}
    answer = await browser.post("/act", data=form, headers={"origin": "http://localhost"})
    assert (answer.status_code, guarded.acted) == (413, 0)


async def test_pages_say_that_they_are_not_to_be_framed_kept_or_guessed_at(browser) -> None:
    headers = (await browser.get("/login")).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def seal_of(site: Site, browser: httpx2.AsyncClient) -> str:
    """What a form of this console would carry, for somebody who came by the loopback."""
    door = site.app.user_middleware[1].kwargs["policy"]
    return door.seal.mark("form", f"{browser.cookies['farandole_visit']}\x00{door.anybody.name}")


def test_a_secret_that_was_replaced_is_not_known_by_its_name() -> None:
    old, new = read_tokens(f"vera:viewer:{VIEWER}"), read_tokens(f"vera:viewer:{'n' * 24}")
    token = old.of_secret(VIEWER)
    assert token is not None
    assert old.of_name("vera", token.print) is token
    assert new.of_name("vera", token.print) is None


def test_the_server_lets_no_header_say_where_a_connection_comes_from() -> None:
    assert server(FastAPI(), host="127.0.0.1", port=0).config.proxy_headers is False
