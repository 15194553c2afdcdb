"""Whatever bytes a stranger writes, under any schema, the decoder gives the event that fastavro gives, or a refusal.

Schemas are the mesh's own, the mesh's own as another version would have them, and whatever Avro can say, recursion and
lists of nothing included. Bytes are good ones, good ones spoilt, and noise. Decoding happens in a process with 96 MB to
spare: a crash, a hang or a gluttony of the decoder ends that process, which the test sees, with the bytes that did it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import farandole_events
from decoder_process import Answer, Batch
from farandole_events import CATALOGUE
from fuzzed_avro import Schema, schemas, spoilt, values

LONG = os.environ.get("FARANDOLE_LONG") == "1"
MUTANTS = 40
SEEDS = st.integers(0, 2**32)
"""Of the spoiling, which would be slow by draws of hypothesis' own."""
EVENTS = {schema.name: getattr(farandole_events, schema.name) for schema in CATALOGUE}
FUZZED = settings(
    max_examples=3_000 if LONG else 80,
    derandomize=not LONG,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class DecoderProcess:
    """The process, begun again when it has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: int | None = None

    def tried(self, batch: Batch) -> Answer:
        """Have bytes decoded. Fails with the first ones that end the process."""
        answer = self._answer(batch)
        if answer is None and len(batch.bodies) > 1:
            for body in batch.bodies:
                self.tried(replace(batch, bodies=[body]))
        assert answer is not None, f"the decoder's process ended with {self._ended}: {batch!r}"
        return answer

    def _answer(self, batch: Batch) -> Answer | None:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump(batch, process.stdin)
            process.stdin.flush()
            answer: Answer = pickle.load(process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            self.end()
            return None
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            child = Path(__file__).parent / "decoder_process.py"
            self._process = subprocess.Popen(
                [sys.executable, "-c", START.format(folder=str(child.parent))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._process

    def end(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._ended = self._process.wait(30)
            self._process = None


START = """
import sys
sys.path.insert(0, {folder!r})
from decoder_process import serve
serve(sys.stdin.buffer, sys.stdout.buffer)
"""
"""Not as the main module: what is pickled names the module that it is of."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecoderProcess]:
    process = DecoderProcess()
    yield process
    process.end()


def written(schema: Schema, value: Any) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema, named_schemas={}), value)
    return out.getvalue()


def bodies(good: bytes, seed: int) -> list[bytes]:
    """Return good bytes, spoilt ones, and noise."""
    dice = Random(seed)
    noise = [dice.randbytes(dice.randint(0, 60)) for _ in range(MUTANTS // 4)]
    return [good, *(spoilt(good, dice) for _ in range(MUTANTS)), *noise]


def hold(answer: Answer, *, at_least: int = 1) -> None:
    assert not answer.wrong, answer.wrong[0]
    assert answer.decoded >= at_least, "the good bytes were refused"


@FUZZED
@given(st.data(), st.sampled_from(sorted(EVENTS)), SEEDS)
def test_the_mesh_s_own_events(decoder: DecoderProcess, data: st.DataObject, name: str, seed: int) -> None:
    schema = dict(EVENTS[name].avro.avsc)
    good = written(schema, data.draw(values(schema)))
    hold(decoder.tried(Batch(schema=schema, bodies=bodies(good, seed), event=EVENTS[name])))


@FUZZED
@given(st.data(), st.sampled_from(sorted(EVENTS)), schemas(), SEEDS)
def test_the_mesh_s_own_events_as_another_version_writes_them(
    decoder: DecoderProcess, data: st.DataObject, name: str, added: Schema, seed: int
) -> None:
    own = EVENTS[name].avro.avsc
    schema = {**own, "fields": [*own["fields"], {"name": "added", "type": added}]}
    good, comparable = written(schema, data.draw(values(schema))), not costs_nothing(schema)
    batch = Batch(schema=schema, bodies=bodies(good, seed), event=EVENTS[name], comparable=comparable)
    hold(decoder.tried(batch), at_least=1 if comparable else 0)


@FUZZED
@given(st.data(), schemas(), SEEDS)
def test_whatever_avro_can_say(decoder: DecoderProcess, data: st.DataObject, schema: Schema, seed: int) -> None:
    good, comparable = written(schema, data.draw(values(schema))), not costs_nothing(schema)
    # A list of nothings may be refused although it is well-formed: its count is held against the bytes that are left.
    batch = Batch(schema=schema, bodies=bodies(good, seed), comparable=comparable)
    hold(decoder.tried(batch), at_least=1 if comparable else 0)


def costs_nothing(node: Schema) -> bool:
    """Say whether a schema has lists whose items may take no bytes, or refers to a type that may be one of these."""
    if isinstance(node, list):
        return any(map(costs_nothing, node))
    if not isinstance(node, dict):
        return False
    if node["type"] == "array" and least(node["items"]) == 0:
        return True
    inner = [*(field["type"] for field in node.get("fields", ())), node.get("items"), node.get("values")]
    return any(map(costs_nothing, inner))


def least(node: Schema) -> int:
    """Return the least bytes of a value, 0 or 1."""
    match node:
        case "null" | {"type": "null"}:
            return 0
        case {"type": "record", "fields": fields}:
            return max((least(field["type"]) for field in fields), default=0)
        case {"type": "fixed", "size": size}:
            return min(size, 1)
        case _:
            return 1
