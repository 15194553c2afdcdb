"""The embedded mesh as its user meets it: one command up, every process watched, nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from farandole.errors import LocalMeshError
from farandole.local import doctor, home, interrupts, processes, state, status
from farandole.local.mesh import LocalMesh
from farandole.local.notice import Change, Notice
from farandole.local.services import ServiceProcess, discover, in_order
from redis import Redis as Client

pytestmark = [pytest.mark.mesh, pytest.mark.timeout(180)]

SERVICE = """
import http.server, json, os, sys

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" or self.path == "/env" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())

    def log_message(self, *_):
        pass

print("gate", os.path.exists(os.path.join(os.environ["FARANDOLE_HOME"], "provisioned")), flush=True)
address = os.environ["FARANDOLE_HTTP_HOST"], int(os.environ["FARANDOLE_HTTP_PORT"])
http.server.HTTPServer(address, Ready).serve_forever()
"""

UP = """
import asyncio, os, sys
from pathlib import Path
from farandole.local import interrupts
from farandole.local.mesh import LocalMesh
from farandole.local.notice import Change, Notice
from farandole.local.services import ServiceProcess

async def main():
    services = [ServiceProcess(name=name, module="ready_service") for name in ("orders", "payments")]
    mesh = LocalMesh(Path(sys.argv[1]), services=services, make_aot_cache=False)
    with interrupts.listening() as heard:
        await mesh.start()
        await mesh.ready()
        print("ready", flush=True)
        await heard.asked.wait()
        await mesh.drain(heard)

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "ready_service.py").write_text(SERVICE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A mesh that runs in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", UP, str(tmp_path / "home")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def pids_of(mesh: state.MeshState) -> list[int]:
    return [process.pid for process in mesh.processes if process.pid is not None]


async def until_all_healthy(folder: Path) -> None:
    async with asyncio.timeout(60):
        while not all((await status.healthy(status.read(folder))).values()):  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.1)


def environment_of(url: str) -> dict[str, str]:
    with urllib.request.urlopen(f"{url}/env", timeout=5) as answer:
        told: dict[str, str] = json.load(answer)
    return told


async def test_a_mesh_that_is_interrupted_while_it_starts_ends_in_order(tmp_path: Path) -> None:
    told: list[Notice] = []
    provisioning = asyncio.Event()

    async def provision(_: str) -> None:
        provisioning.set()
        await asyncio.Event().wait()

    mesh = LocalMesh(
        tmp_path / "home",
        services=[ServiceProcess(name="orders", module="ready_service")],
        provision=provision,
        tell=told.append,
        make_aot_cache=False,
    )
    with interrupts.listening() as heard:
        starting = asyncio.ensure_future(mesh.start_unless(heard))
        await provisioning.wait()
        pids = pids_of(mesh.state())
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(interrupts.Interrupted):
            await starting
    assert len(pids) == 3
    assert await processes.gone(pids, within=timedelta(seconds=1)) == ()
    changes = [(one.name, one.change) for one in told]
    assert {name for name, change in changes if change is Change.STOPPED} == {"kafka", "redis", "orders"}
    assert Change.FORCED not in [change for _, change in changes]


async def test_a_mesh_provisions_before_its_services_run_and_tells_each_where_everything_is(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    provisioned: list[str] = []
    prepared: list[bool] = []

    async def provision(bootstrap: str) -> None:
        admin = AdminClient({"bootstrap.servers": bootstrap})
        admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result(20)
        provisioned.append(bootstrap)

    def while_booting() -> None:
        assert provisioned == []
        prepared.append(threading.current_thread() is not threading.main_thread())

    services = [
        ServiceProcess(name="erp-link", module="ready_service"),
        ServiceProcess(name="orders", module="ready_service"),
    ]
    mesh = LocalMesh(folder, services=services, provision=provision, while_booting=while_booting, make_aot_cache=False)
    async with mesh:
        await mesh.ready()
        told = environment_of(mesh.url("orders"))
        assert provisioned == [mesh.bootstrap]
        assert prepared == [True]
        assert told["FARANDOLE_BROKERS"] == mesh.bootstrap
        assert told["FARANDOLE_REDIS_URL"] == mesh.redis_url
        assert told["FARANDOLE_CLUSTER"] == mesh.cluster_id
        assert told["FARANDOLE_DATABASE_URL"] == f"sqlite:///{folder}/stores/orders.db"
        assert told["FARANDOLE_URL_ERP_LINK"] == mesh.url("erp-link")
        assert told["FARANDOLE_URL_ORDERS"] == f"http://{told['FARANDOLE_HTTP_HOST']}:{told['FARANDOLE_HTTP_PORT']}"
        assert told["FARANDOLE_HOME"] == str(folder)
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/=]{32}", told["FARANDOLE_WEBHOOK_SECRET"])
        assert stat.S_IMODE((folder / "webhook.secret").stat().st_mode) == 0o600
        assert told["FARANDOLE_WEBHOOK_SECRET"] not in (folder / state.FILE).read_text()
        assert "gate True" in (folder / "logs" / "orders.log").read_text()
    assert state.read(folder) is None


async def test_every_process_that_is_killed_comes_back_where_it_was(
    up: subprocess.Popen[str], tmp_path: Path, eventually: Any
) -> None:
    folder = tmp_path / "home"
    before = status.read(folder)
    with Client.from_url(before.redis_url) as client:
        client.set("kept", "yes")

    for pid in pids_of(before):
        os.kill(pid, signal.SIGKILL)

    def all_again() -> bool:
        now = status.read(folder)
        return len(pids_of(now)) == 4 and not set(pids_of(now)) & set(pids_of(before))

    await eventually(all_again)
    after = status.read(folder)
    assert [process.url for process in after.processes] == [process.url for process in before.processes]
    assert all(process.restarts >= 1 for process in after.processes)
    assert after.cluster_id == before.cluster_id
    await until_all_healthy(folder)
    with Client.from_url(after.redis_url) as client:
        assert client.get("kept") == b"yes"


async def test_nothing_is_left_when_the_mesh_is_killed_and_the_next_one_starts_with_its_data(
    up: subprocess.Popen[str], tmp_path: Path, eventually: Any
) -> None:
    folder = tmp_path / "home"
    mesh = status.read(folder)
    with Client.from_url(mesh.redis_url) as client:
        client.set("kept", "yes")
    pids = pids_of(mesh)
    assert len(pids) == 4

    up.kill()
    up.wait(10)
    await eventually(lambda: not any(processes.alive(pid) for pid in pids), within=15)
    assert status.running(folder) is None

    async with LocalMesh(folder, services=[], make_aot_cache=False) as again:
        assert again.cluster_id == mesh.cluster_id
        with Client.from_url(again.redis_url) as client:
            assert client.get("kept") == b"yes"


async def test_a_mesh_can_be_started_right_after_another_was_killed(up: subprocess.Popen[str], tmp_path: Path) -> None:
    mesh = status.read(tmp_path / "home")
    up.kill()
    up.wait(10)
    async with LocalMesh(tmp_path / "home", services=[], make_aot_cache=False) as again:
        assert again.bootstrap == mesh.bootstrap


async def test_a_second_mesh_in_the_same_home_is_refused_and_the_first_goes_on(
    up: subprocess.Popen[str], tmp_path: Path
) -> None:
    folder = tmp_path / "home"
    with pytest.raises(LocalMeshError, match=r"runs in .* already") as failure:
        await LocalMesh(folder, services=[], fresh=True).start()
    assert str(up.pid) in failure.value.why
    assert all((await status.healthy(status.read(folder))).values())


async def test_down_drains_and_stops_every_process(up: subprocess.Popen[str], tmp_path: Path) -> None:
    mesh = status.read(tmp_path / "home")
    await status.stop(tmp_path / "home")
    assert up.wait(10) == 0
    assert not any(processes.alive(pid) for pid in pids_of(mesh))
    with pytest.raises(LocalMeshError, match="no mesh runs"):
        status.read(tmp_path / "home")


async def test_fresh_clears_what_an_earlier_mesh_left(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    async with LocalMesh(folder, services=[], make_aot_cache=False) as first:
        cluster, secret = first.cluster_id, home.webhook_secret(folder)
        with Client.from_url(first.redis_url) as client:
            client.set("kept", "yes")
    (folder / "stores" / "orders.db").write_text("rows")

    async with LocalMesh(folder, services=[], fresh=True, make_aot_cache=False) as second:
        assert second.cluster_id != cluster
        assert home.webhook_secret(folder) != secret
        assert list((folder / "stores").iterdir()) == []
        with Client.from_url(second.redis_url) as client:
            assert client.dbsize() == 0


async def test_a_folder_of_somebody_else_is_never_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter-1.txt").write_text("years of work")
    with pytest.raises(LocalMeshError, match="not the home of a mesh"):
        await LocalMesh(folder, services=[], fresh=True).start()
    assert [entry.name for entry in folder.iterdir()] == ["chapter-1.txt"]


async def test_a_failing_provision_stops_what_had_started(tmp_path: Path, eventually: Any) -> None:
    pids: list[int] = []

    async def provision(_: str) -> None:
        pids.extend(pids_of(state.read(tmp_path / "home") or pytest.fail("no state")))
        raise LocalMeshError("the topics could not be made")

    with pytest.raises(LocalMeshError, match="could not be made"):
        await LocalMesh(tmp_path / "home", services=[], provision=provision).start()
    assert len(pids) == 2
    await eventually(lambda: not any(processes.alive(pid) for pid in pids))
    assert not home.taken(tmp_path / "home")


async def test_a_service_that_does_not_get_ready_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = ServiceProcess(name="payments", module="no_such_module_here")
    async with LocalMesh(tmp_path / "home", services=[broken], make_aot_cache=False) as mesh:
        with pytest.raises(LocalMeshError, match="payments not ready") as failure:
            await mesh.ready(within=timedelta(seconds=3))
    assert "no_such_module_here" in failure.value.why


async def test_the_doctor_finds_a_running_mesh_well_and_an_evicting_redis_ill(
    up: subprocess.Popen[str], tmp_path: Path
) -> None:
    mesh = status.read(tmp_path / "home")
    found = await asyncio.to_thread(doctor.check, tmp_path / "home")
    assert [check for check in found if not check.ok] == []
    assert {"java", "jars", "kafka answers", "redis answers", "orders ready", "payments process"} <= {
        c.name for c in found
    }

    with Client.from_url(mesh.redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    ill = [check for check in await asyncio.to_thread(doctor.check, tmp_path / "home") if not check.ok]
    assert [check.name for check in ill] == ["redis settings"]
    assert "allkeys-lru" in ill[0].detail
    assert "noeviction" in ill[0].do


def test_services_start_in_the_order_of_their_priority() -> None:
    found = [ServiceProcess(name=n, module=n, priority=p) for n, p in (("a", 0), ("b", 2), ("c", 0), ("d", 5))]
    assert [service.name for service in in_order(found)] == ["d", "b", "a", "c"]


def test_the_installed_services_are_found_by_their_entry_points() -> None:
    found = {service.name: service for service in discover(first=("orders",))}
    assert found["orders"].module == "farandole_orders"
    assert found["orders"].preload == "farandole_orders.service"
    assert found["orders"].priority > found["payments"].priority
