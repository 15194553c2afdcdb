"""RedisLedger: the ledger in Redis or Valkey 7.0 and newer, one script a batch."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError

from farandole.errors import LedgerUnavailableError, StartError
from farandole.ledger.claim import Claim
from farandole.ledger.entry import Entry
from farandole.ledger.epoch import epoch_changed
from farandole.ledger.fitness import fit_for_ledger
from farandole.ledger.ledger import Answers
from farandole.ledger.packing import Packer, TopicName, unpack_answers, unpack_entry
from farandole.ledger.settle import Settle
from farandole.redis_script import Script

_OTHER_EPOCH: Final = b"E"
_LOOKUP_KEYS: Final = 1000


class RedisLedger:
    """The ledger of one service of one cluster, in Redis.

    All keys share the hash tag ``{cluster:service}``: ``…:epoch``, ``…:open`` (claimed, retry, dead; never expires),
    ``…:done:<generation>`` (two are read, each lasts at least ``window`` by Redis's own clock) and ``…:topics``.

    **The epoch.** A wiped Redis has no epoch key, so an exchange under the old epoch is refused. A restart and a
    failover may lose the last writes and keep the key: therefore the epoch also holds the server's replication id,
    which every start and every promotion draws anew, and the script compares it each time. It is the epoch's *value*
    that changes with the next ``join``: deliveries in memory carry nothing but that value, and a worker that never saw
    its connection break (there may be a proxy) has to be refused all the same. Entries are kept across it: what is left
    of them is older, never wrong, and a delivery whose settle was lost comes back from Kafka.

    A broken connection is tried again once, as an exchange may be sent twice; a timeout is not, as the script may still
    be running.
    """

    def __init__(
        self,
        url: str,
        *,
        cluster: str,
        service: str,
        window: timedelta = timedelta(days=7),
        timeout: timedelta = timedelta(seconds=5),
    ) -> None:
        """Prepare the ledger; nothing is sent before ``join``.

        Args:
            url: ``redis://``, ``rediss://`` or ``unix://``; its secrets are never logged.
            cluster: the Kafka cluster's id. Two clusters never share entries.
            service: the service's name.
            window: how long a done event is remembered, at least.
            timeout: of connecting, and of each reply.

        Raises:
            StartError: the url cannot be used, or the window is not positive.
        """
        if window < timedelta(milliseconds=1):
            raise StartError("the ledger's window is not positive", do="set a window longer than the longest retry")
        self._redis = _connect(url, timeout)
        self._window = str(window // timedelta(milliseconds=1)).encode()
        prefix = f"farandole:{{{cluster}:{service}}}"
        self._epoch, self._open, self._topics, self._done = (
            f"{prefix}:{name}".encode() for name in ("epoch", "open", "topics", "done:")
        )
        self._exchange, self._join = (Script("farandole.ledger", name) for name in ("exchange.lua", "join.lua"))
        self._lookup = Script("farandole.ledger", "lookup.lua", read_only=True)
        self._packer = Packer()
        self._named: set[TopicName] = set()

    async def join(self) -> str:
        """Return the epoch, and make one where there is none or where Redis is another one since.

        Raises:
            LedgerUnavailableError: Redis does not answer.
            StartError: Redis may evict entries, or is older than 7.0.
        """
        async with self._answering():
            fit_for_ledger(await self._redis.info())
            epoch: bytes = await self._join.run(self._redis, [self._epoch], [token_hex(8).encode()])
        self._named.clear()
        return epoch.decode()

    async def exchange(self, epoch: str, settles: Sequence[Settle], claims: Sequence[Claim]) -> Answers:
        """Apply the settles, then the claims, in one round trip.

        Raises:
            EpochChangedError: Redis was wiped, restarted or failed over; nothing was applied.
            LedgerUnavailableError: no answer, or Redis refuses (out of memory, a replica). Send it again.
        """
        packed = [self._packer.settles(settles), self._packer.claims(claims)]
        unnamed = [name for name in self._packer.topics if name not in self._named]
        arguments = [epoch.encode(), self._window, *packed]
        for name in unnamed:
            arguments += [self._packer.topics[name], "\0".join(name).encode()]
        keys = [self._epoch, self._open, self._topics, self._done]
        async with self._answering():
            reply: bytes = await self._exchange.run(self._redis, keys, arguments)
        if reply == _OTHER_EPOCH:
            raise epoch_changed()
        self._named.update(unnamed)
        return unpack_answers(reply, settles=len(settles))

    async def entries(self) -> Mapping[bytes, Entry]:
        """Return the open entries. Raises LedgerUnavailableError."""
        async with self._answering():
            packed = {key: entry async for key, entry in self._redis.hscan_iter(self._open, count=1000)}
            topics = await self._names()
        return {key: unpack_entry(entry, topics) for key, entry in packed.items()}

    async def lookup(self, keys: Iterable[bytes]) -> Mapping[bytes, Entry | None]:
        """Return what is known of these events, done ones included. Raises LedgerUnavailableError."""
        asked = list(keys)
        packed: list[bytes | None] = []
        async with self._answering():
            for first in range(0, len(asked), _LOOKUP_KEYS):
                chunk = asked[first : first + _LOOKUP_KEYS]
                packed += await self._lookup.run(self._redis, [self._epoch, self._open, self._done], chunk)
            topics = await self._names()
        return {key: unpack_entry(entry, topics) if entry else None for key, entry in zip(asked, packed, strict=True)}

    async def began(self) -> datetime | None:
        """Return when the present epoch began, by Redis's clock; None before the first ``join`` since a wipe.

        What was settled before may have been forgotten with the epoch before. Raises LedgerUnavailableError.
        """
        async with self._answering():
            (began,) = await self._redis.hmget(self._epoch, ["began"])
        return datetime.fromtimestamp(int(began) / 1000, UTC) if began else None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()

    @asynccontextmanager
    async def _answering(self) -> AsyncGenerator[None]:
        """Turn what redis-py raises into LedgerUnavailableError."""
        try:
            yield
        except (RedisError, OSError) as failure:
            if isinstance(failure, ReadOnlyError):
                # A demoted primary keeps its connections; new ones resolve the name anew and find the other.
                await self._redis.connection_pool.disconnect(inuse_connections=False)
            raise LedgerUnavailableError(
                "the ledger in Redis is away",
                why=f"{type(failure).__name__}: {failure}",
                do="start Redis, or see what it refuses; the work waits and is tried again",
            ) from failure

    async def _names(self) -> dict[bytes, TopicName]:
        names: Any = await self._redis.hgetall(self._topics)
        return {digest: _topic_name(name) for digest, name in names.items()}


def _topic_name(stored: bytes) -> TopicName:
    name, _, topic_id = stored.decode().partition("\0")
    return name, topic_id


def _connect(url: str, timeout: timedelta) -> Redis:
    seconds = timeout.total_seconds()
    try:
        return Redis.from_url(
            url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
    except ValueError as bad:
        raise StartError(
            "the ledger's Redis URL cannot be used",
            why="it is not of the form redis://host:port/0, rediss://… or unix://…",
            do="set FARANDOLE_REDIS_URL",
        ) from bad
