"""What the embedded Kafka is told: one broker and controller in one small JVM, ready in a second or two."""

from __future__ import annotations

import base64
import os
import uuid
from importlib import resources
from pathlib import Path

from farandole.local.jar_lock import KAFKA_VERSION
from farandole.local.java import Java
from farandole.local.ports import LOOPBACK

_NODE = 1
LARGEST_EVENT = 1024 * 1024
OFFSETS_PARTITIONS = 4
# With a largest heap of 128m the broker of a busy mesh grew to 238 MB, with 80m and a heap that starts small to 180.
HEAP = "80m"
_AOT_SINCE = 25
_UNSAFE_WARNS_SINCE = 23

# One node: every replication factor is 1, nobody is waited for, and each pool has the fewest threads that work.
# The session and heartbeat settings make a restart after kill -9 take 3 s instead of 12: the controller, which is the
# same process, otherwise waits for the session of its former self to end.
_TUNING = {
    "num.network.threads": 2,
    "num.io.threads": 2,
    "background.threads": 2,
    "num.recovery.threads.per.data.dir": 1,
    "log.cleaner.threads": 1,
    "log.cleaner.dedupe.buffer.size": 2 * 1024 * 1024,
    "offsets.topic.num.partitions": OFFSETS_PARTITIONS,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.segment.bytes": 4 * 1024 * 1024,
    "transaction.state.log.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "group.initial.rebalance.delay.ms": 0,
    # A test of what becomes of a silent member need not wait for six seconds.
    "group.min.session.timeout.ms": 1000,
    "auto.create.topics.enable": "false",
    "broker.session.timeout.ms": 1500,
    "broker.heartbeat.interval.ms": 300,
    "message.max.bytes": LARGEST_EVENT + 64 * 1024,
    "log.index.size.max.bytes": 1024 * 1024,
    "metadata.log.segment.bytes": 16 * 1024 * 1024,
}

_LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %-5p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.started.name = kafka.server.KafkaRaftServer
logger.started.level = info
"""


def new_cluster_id() -> str:
    """Make a cluster id as Kafka writes them: 16 random bytes in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


def cluster_id_of(data: Path) -> str | None:
    """Read the cluster id of a formatted data folder; None when it is not formatted."""
    try:
        lines = (data / "meta.properties").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return None
    return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)


def format_data(data: Path) -> str:
    """Do to ``data`` what ``kafka-storage format`` does, without a JVM, unless it is done; return the cluster id."""
    known = cluster_id_of(data)
    if known is not None:
        return known
    cluster = new_cluster_id()
    data.mkdir(parents=True, exist_ok=True)
    checkpoint = resources.files("farandole.local") / "data" / "bootstrap.checkpoint"
    (data / "bootstrap.checkpoint").write_bytes(checkpoint.read_bytes())
    meta = f"cluster.id={cluster}\ndirectory.id={new_cluster_id()}\nnode.id={_NODE}\nversion=1\n"
    arriving = data / "meta.properties.arriving"
    arriving.write_text(meta, "utf-8")
    arriving.replace(data / "meta.properties")
    return cluster


def settings(
    *, port: int, controller_port: int, host: str = LOOPBACK, proxied: tuple[int, int] | None = None
) -> dict[str, object]:
    """Return the broker's settings, all but where its data lies. Every listener is on ``host`` only.

    ``proxied`` is a listener for clients behind a proxy: its own port, and the proxy's, which those clients are told.
    """
    listeners, advertised = f"CLIENT://{host}:{port}", f"CLIENT://{host}:{port}"
    if proxied is not None:
        listeners += f",PROXIED://{host}:{proxied[0]}"
        advertised += f",PROXIED://{host}:{proxied[1]}"
    return {
        "process.roles": "broker,controller",
        "node.id": _NODE,
        "controller.quorum.voters": f"{_NODE}@{host}:{controller_port}",
        "listeners": f"{listeners},CONTROLLER://{host}:{controller_port}",
        "advertised.listeners": advertised,
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        **_TUNING,
    }


def write(folder: Path, *, port: int, controller_port: int, data: Path, proxied: tuple[int, int] | None = None) -> None:
    """Write ``server.properties`` and ``log4j2.properties`` into ``folder``."""
    told = {**settings(port=port, controller_port=controller_port, proxied=proxied), "log.dirs": _escaped(data)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in told.items()), "utf-8")
    (folder / "log4j2.properties").write_text(_LOG4J, "utf-8")


def jvm(java: Java, *, jars: Path, folder: Path, heap: str = HEAP) -> tuple[str, ...]:
    """Return the command that runs the broker configured in ``folder``, without an AOT cache."""
    quiet = ("--sun-misc-unsafe-memory-access=allow",) if java.version >= _UNSAFE_WARNS_SINCE else ()
    return (
        str(java.path),
        "-Xms16m",
        f"-Xmx{heap}",
        "-XX:MinHeapFreeRatio=15",
        "-XX:MaxHeapFreeRatio=30",
        "-Xss512k",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:ReservedCodeCacheSize=32m",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-Xlog:disable",
        "-Xlog:all=error:stderr",
        "-Djava.awt.headless=true",
        "--enable-native-access=ALL-UNNAMED",
        *quiet,
        f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
        "-cp",
        class_path(jars),
        "kafka.Kafka",
        str(folder / "server.properties"),
    )


def class_path(jars: Path) -> str:
    """Return the jars in an order that is the same every time, as an AOT cache demands."""
    return os.pathsep.join(str(jar) for jar in sorted(jars.glob("*.jar")))


def environment() -> dict[str, str]:
    """Return this process's environment, with fewer malloc arenas and without flags meant for other JVMs."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"}
    }
    return {**kept, "MALLOC_ARENA_MAX": "2"}


def takes_aot_cache(java: Java) -> bool:
    """Tell whether this runtime makes an AOT cache in one step (``-XX:AOTCacheOutput``)."""
    return java.version >= _AOT_SINCE


def version() -> str:
    """Return the version of Kafka that is embedded."""
    return KAFKA_VERSION


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\")
