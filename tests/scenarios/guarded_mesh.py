"""GuardedMesh: services with a user each, on a broker and a Redis that ask who is there and refuse what is not granted.

The administrator comes by the plain listener and Redis's default user; users come by SASL/SCRAM and a password, and may
do at first nothing. What they are given is what the script of ``farandole topology --acls --commands`` says when a real
shell runs it: stand-ins of ``kafka-acls.sh`` and ``valkey-cli`` write down their words, which are then done.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create
from farandole.local import health, ports
from farandole.local.broker import Broker
from farandole.local.child import Child, Command, tail
from farandole.local.redis import Redis
from farandole.local.services import ServiceProcess, Surroundings, database_url, database_variable, discover
from farandole.mesh_topics import installed_topics
from farandole.topology.access import Act, Grants, granting
from farandole.topology.access.script import password_variable
from redis.asyncio import Redis as Client

PASSWORD = "a-password-of-a-test"
ASKS_WHO = """
listener.security.protocol.map=CLIENT:PLAINTEXT,PROXIED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
advertised.listeners=CLIENT://127.0.0.1:{plain},PROXIED://127.0.0.1:{users}
listener.name.proxied.sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.proxied.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
TELLS_REFUSALS = "logger.refusals.name = kafka.authorizer.logger\nlogger.refusals.level = info\n"
REFUSAL = re.compile(r"Principal = User:(\S+) is Denied operation = (\w+) .* on resource = (\w+):\w+:(\S+) for request")
WORDS = "#!/bin/sh\nfor word do printf '%s\\0' \"$word\" >> '{words}'; done; printf '\\n' >> '{words}'\n"

Refusal = tuple[str, str, str, str]
"""Who was refused which operation on a resource of which kind and name, by the broker's own log."""


class AuthorisedBroker(Broker):
    """The embedded broker with KRaft's authoriser, whose refusals are in its log."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, proxy=1)

    def _prepare(self) -> Command:
        command = super()._prepare()
        with (self.home / "server.properties").open("a", encoding="utf-8") as file:
            file.write(ASKS_WHO.format(plain=self.port, users=self.proxied_port))
        with (self.home / "log4j2.properties").open("a", encoding="utf-8") as file:
            file.write(TELLS_REFUSALS)
        return command


class GuardedMesh:
    """Broker, Redis, and the services that a test starts. An async context manager; leaving ends all of it."""

    def __init__(self, home: Path, grants: Callable[[str], Grants]) -> None:
        """``grants`` is asked with the cluster's id."""
        self.home = home
        self.broker = AuthorisedBroker(home / "kafka")
        self.redis = Redis(home / "redis")
        self._grants = grants
        self._ends = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "stores").mkdir()
        self._ends.push_async_callback(self.broker.stop)
        await self.broker.start()
        self._ends.push_async_callback(self.redis.stop)
        await self.redis.start()
        self.admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, "log_level": 0})
        self.redis_admin = Client.from_url(self.redis.url)
        self._ends.push_async_callback(self.redis_admin.aclose)
        await create(Connection(bootstrap=self.broker.bootstrap, client_id="t"), installed_topics())
        self.grants = self._grants(self.broker.cluster_id)
        await asyncio.to_thread(self._make_users)
        await self.run(granting(self.grants))
        names = [one.name for one in discover()]
        self.surroundings = Surroundings(
            home=self.home,
            bootstrap=f"127.0.0.1:{self.broker.proxied_port}",
            redis_url=self.redis.url,
            cluster_id=self.broker.cluster_id,
            webhook_secret="whsec_" + "QUFB" * 8,
            http_ports=dict(zip(names, ports.free(len(names)), strict=True)),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._ends.aclose()

    def _make_users(self) -> None:
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        wanted = [UserScramCredentialUpsertion(user, info, PASSWORD.encode()) for user in self.grants.users]
        for made in self.admin.alter_user_scram_credentials(wanted).values():
            made.result(20)

    def as_user(self, user: str, **more: object) -> dict[str, Any]:
        """Return the properties of a user's Kafka client."""
        return {
            "bootstrap.servers": self.surroundings.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": user,
            "sasl.password": PASSWORD,
            "log_level": 0,
            **more,
        }

    def redis_url(self, user: str) -> str:
        """Return the address of Redis with a user's name and password."""
        return self.redis.url.replace("redis://", f"redis://{user}:{PASSWORD}@")

    def environment(self, user: str) -> dict[str, str]:
        """Return what tells a process of the library who it is."""
        return {
            "FARANDOLE_BROKERS": self.surroundings.bootstrap,
            "FARANDOLE_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "FARANDOLE_SASL_MECHANISM": "SCRAM-SHA-256",
            "FARANDOLE_SASL_USERNAME": user,
            "FARANDOLE_SASL_PASSWORD": PASSWORD,
            "FARANDOLE_REDIS_URL": self.redis_url(user),
        }

    async def start(self, names: Sequence[str]) -> None:
        """Start services, each as its own user, and wait until they are ready."""
        gate = self.home / "gate"
        gate.touch()
        for service in discover():
            if service.name in names:
                own = ServiceProcess(name=service.name, module=service.module, env=self.environment(service.name))
                child = Child(
                    Command(
                        argv=own.argv(gate),
                        env=self.surroundings.environment(own, os.environ),
                        cwd=self.home,
                        log=self.log(service.name),
                    )
                )
                self._ends.push_async_callback(child.stop)
        for name in names:
            at = self.surroundings.http_ports[name]
            await until(lambda at=at: health.ready(at), f"{name} is not ready", lambda name=name: tail(self.log(name)))

    def log(self, name: str) -> Path:
        """Return the file that a service writes to."""
        return self.home / f"{name}.log"

    def refusals(self) -> set[Refusal]:
        """Return what the broker has refused so far."""
        return {found.groups() for found in REFUSAL.finditer(self.broker.log.read_text("utf-8"))}  # type: ignore[misc]

    async def refused(self, *expected: Refusal) -> None:
        """Wait until the broker has said that it refused all of this."""

        async def told() -> bool:
            return set(expected) <= self.refusals()

        await until(told, "not refused", lambda: sorted(set(expected) - self.refusals()))

    async def command(self, user: str, *arguments: str, ends: int = 0) -> str:
        """Run a command of the library as a user; return what it printed."""
        env = {**os.environ, **self.environment(user), "NO_COLOR": "1", "FARANDOLE_CLUSTER": self.broker.cluster_id}
        env |= {database_variable(name): database_url(self.home, name) for name in self.surroundings.http_ports}
        argv = [sys.executable, "-c", "from farandole.cli import main; main()", *arguments]
        done = await asyncio.to_thread(
            subprocess.run, argv, env=env, cwd=self.home, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == ends, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    async def run(self, script: str) -> None:
        """Run a script of grants with a shell, and do what it says."""
        for words in await asyncio.to_thread(self._words, script):
            if words[0] == "ACL":
                await self.redis_admin.execute_command(*words)
            else:
                await asyncio.to_thread(self._do, words)

    def _words(self, script: str) -> list[list[str]]:
        written, stand_in = self.home / "words", self.home / "stand-in.sh"
        written.write_text("")
        stand_in.write_text(WORDS.format(words=written))
        stand_in.chmod(0o700)
        env = {**os.environ, "KAFKA_ACLS": str(stand_in), "VALKEY_CLI": str(stand_in)}
        env |= {password_variable(user): PASSWORD for user in self.grants.users}
        ran = subprocess.run(["/bin/sh"], input=script, env=env, capture_output=True, text=True, check=True, timeout=30)
        assert (ran.stdout, ran.stderr) == ("", "")
        assert PASSWORD not in script + written.read_text()
        return [line.split("\0")[:-1] for line in written.read_text().splitlines()]

    def _do(self, words: Sequence[str]) -> None:
        bindings = list(bindings_of(words))
        if "--remove" in words:
            asked = self.admin.delete_acls([as_filter(one) for one in bindings])
            assert all(found.result(20) for found in asked.values()), words
        else:
            for made in self.admin.create_acls(bindings).values():
                made.result(20)


def bindings_of(words: Sequence[str]) -> Iterable[AclBinding]:
    """Read the arguments of kafka-acls.sh."""
    options = [(one, words[at + 1]) for at, one in enumerate(words[:-1]) if one.startswith("--")]
    given = dict(options)
    for operation in (value for option, value in options if option == "--operation"):
        for kind, name in ((option[2:], value) for option, value in options if option in {"--topic", "--group"}):
            yield AclBinding(
                ResourceType[kind.upper()],
                name,
                ResourcePatternType[given["--resource-pattern-type"].upper()],
                given["--allow-principal"],
                "*",
                AclOperation[Act(operation).name],
                AclPermissionType.ALLOW,
            )


def as_filter(one: AclBinding) -> AclBindingFilter:
    """Return the filter that finds just this."""
    return AclBindingFilter(
        one.restype, one.name, one.resource_pattern_type, one.principal, one.host, one.operation, one.permission_type
    )


async def until(holds: Callable[[], Any], otherwise: str, why: Callable[[], object], *, within: float = 60) -> None:
    """Wait until something holds, for so many seconds."""
    deadline = time.monotonic() + within
    while not await holds():
        assert time.monotonic() < deadline, f"{otherwise}: {why()}"
        await asyncio.sleep(0.1)
