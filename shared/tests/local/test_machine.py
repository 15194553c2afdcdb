"""What the embedded mesh finds on a machine, and how it says what it lacks."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from farandole.errors import LocalMeshError, UsageError
from farandole.local import aot, doctor, health, home, java, kafka_settings, kept_ports, ports, processes, redis
from farandole.local.java import Java
from farandole.local.kafka_settings import jvm
from farandole.testing import backend


def fake_java(folder: Path, version: str) -> Path:
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-20' >&2\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(("version", "feature"), [("25.0.2", 25), ("17.0.15", 17), ("1.8.0_402", 1), ("24-ea", 24)])
def test_a_java_is_asked_for_its_version(tmp_path: Path, version: str, feature: int) -> None:
    assert java.feature_version(fake_java(tmp_path, version)) == feature


def test_a_program_that_is_no_java_has_no_version(tmp_path: Path) -> None:
    assert java.feature_version(tmp_path / "nothing") is None
    assert java.feature_version(Path(sys.executable)) is None


def test_a_java_that_is_too_old_is_refused_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = fake_java(tmp_path, "11.0.1")
    monkeypatch.setenv("FARANDOLE_JAVA", str(old))
    with pytest.raises(LocalMeshError, match="no Java 17 or newer") as failure:
        java.find()
    assert f"{old} (Java 11)" in failure.value.why


def test_the_java_of_the_wheel_is_found_without_any_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FARANDOLE_JAVA", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    assert java.find().version >= 17


def test_an_old_java_is_given_no_flag_that_it_does_not_know(tmp_path: Path) -> None:
    flags = {
        version: jvm(Java(path=tmp_path / "java", version=version), jars=tmp_path, folder=tmp_path)
        for version in (17, 25)
    }
    assert "--sun-misc-unsafe-memory-access=allow" in flags[25]
    assert "--sun-misc-unsafe-memory-access=allow" not in flags[17]
    assert aot.used(flags[17], Java(path=tmp_path / "java", version=17)) == flags[17]


def test_an_aot_cache_is_used_once_it_is_there_and_only_for_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARANDOLE_CACHE", str(tmp_path))
    runtime = Java(path=tmp_path / "java", version=25)
    command = jvm(runtime, jars=tmp_path, folder=tmp_path / "one")
    assert aot.used(command, runtime) == command
    file = aot.file_for(command, runtime)
    file.parent.mkdir(parents=True)
    file.touch()
    assert f"-XX:AOTCache={file}" in aot.used(command, runtime)
    # Where the settings lie does not matter to it; the size of the heap does.
    assert aot.file_for(jvm(runtime, jars=tmp_path, folder=tmp_path / "two"), runtime) == file
    assert aot.file_for(jvm(runtime, jars=tmp_path, folder=tmp_path / "one", heap="1g"), runtime) != file


def test_free_ports_are_different_and_can_be_bound() -> None:
    found = ports.free(8)
    assert len(set(found)) == 8
    assert all(ports.bindable(port) for port in found)


def test_ports_are_kept_while_they_are_free_and_replaced_when_taken(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = kept_ports.choose(file, ("a", "b"))
    assert kept_ports.choose(file, ("a", "b")) == first
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first["a"]))
        taken.listen()
        second = kept_ports.choose(file, ("a", "b"))
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


async def test_a_port_where_nobody_listens_is_neither_listening_nor_ready() -> None:
    port = ports.free()[0]
    assert not await ports.listening(port)
    assert not await health.ready(port)
    assert not await redis.pong(port)


async def test_a_process_that_ended_and_was_not_reaped_is_not_alive(eventually: Any) -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    try:
        await eventually(lambda: not processes.alive(pid))
    finally:
        os.waitpid(pid, 0)  # noqa: ASYNC222 - it has ended


def test_the_doctor_says_what_is_wrong_and_what_to_do() -> None:
    assert doctor.python_version((3, 12)).ok
    assert not doctor.python_version((3, 10)).ok
    assert doctor.disk_space(50 * 1024**3).ok
    assert not doctor.disk_space(1024).ok
    evicting = doctor.redis_settings({"maxmemory-policy": "allkeys-lru", "appendonly": "yes"})
    assert not evicting.ok
    assert evicting.detail == "maxmemory-policy is allkeys-lru"
    away = doctor.redis_settings({}, "connection refused")
    assert (away.ok, away.detail) == (False, "connection refused")


def test_the_doctor_finds_absent_jars_without_fetching_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARANDOLE_CACHE", str(tmp_path / "cache"))
    found = doctor.jars_cached()
    assert not found.ok
    assert found.detail.startswith("0 of 38 jars")
    assert not (tmp_path / "cache").exists()


def test_settings_of_the_broker_hold_what_the_mesh_depends_on() -> None:
    told = kafka_settings.settings(port=1, controller_port=2)
    assert told["auto.create.topics.enable"] == "false"
    assert told["offsets.topic.replication.factor"] == 1
    assert told["broker.session.timeout.ms"] == 1500
    assert isinstance(told["message.max.bytes"], int)
    assert told["message.max.bytes"] > kafka_settings.LARGEST_EVENT


def test_the_backend_can_be_demanded_and_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARANDOLE_TEST_BACKEND", "local")
    assert str(backend.choose()) == "local (FARANDOLE_TEST_BACKEND=local)"
    monkeypatch.setenv("FARANDOLE_TEST_BACKEND", "podman")
    with pytest.raises(UsageError, match="podman"):
        backend.choose()


def test_without_a_docker_daemon_auto_takes_the_embedded_backend_and_docker_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("FARANDOLE_TEST_BACKEND", "auto")
    assert str(backend.choose()) == "local (no Docker daemon answers)"
    monkeypatch.setenv("FARANDOLE_TEST_BACKEND", "docker")
    with pytest.raises(UsageError, match="no Docker daemon answers"):
        backend.choose()


def test_a_launched_service_runs_only_once_its_gate_is_open(tmp_path: Path) -> None:
    (tmp_path / "slow_imports.py").write_text("print('imported', flush=True)\n")
    (tmp_path / "served.py").write_text("import sys; print('running', __name__, sys.argv, flush=True)\n")
    gate = tmp_path / "gate"
    command = [sys.executable, "-m", "farandole.local.launch", str(gate), "served", "slow_imports"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "imported\n"
        assert process.poll() is None
        gate.touch()
        assert process.stdout.readline().startswith("running __main__")
    assert process.returncode == 0


def test_a_secret_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    secret = home.webhook_secret(tmp_path)
    assert home.webhook_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "webhook.secret").stat().st_mode) == 0o600
