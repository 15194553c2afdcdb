"""A command reaches the mesh that its context names, whatever runs in the home, and says why where it does not."""

from __future__ import annotations

import json
import sys

import pytest
from farandole.cli.main import main
from farandole.kafka import topics
from farandole.kafka.topics import AUDIT
from farandole.mesh_topics import topics_of


@pytest.fixture
def farandole(backend, tmp_path, monkeypatch, capsys):
    """The command line, with two contexts: the backend of the test, and a mesh that is nowhere."""
    file = tmp_path / "contexts.toml"
    file.write_text(
        f'[there]\nbrokers = "{backend.bootstrap}"\nredis_url = "{backend.redis_url}"\n'
        '[nowhere]\nbrokers = "127.0.0.1:1"\nredis_url = "redis://127.0.0.1:1/0"\n'
    )
    monkeypatch.setenv("FARANDOLE_CONTEXTS", str(file))
    monkeypatch.setenv("FARANDOLE_HOME", str(tmp_path))
    monkeypatch.setenv("FARANDOLE_BROKERS", "127.0.0.1:2")
    monkeypatch.setattr(topics, "WITHIN", 1.0)

    def run(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["farandole", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_the_context_says_where_it_is(farandole):
    code, out, _ = farandole("status", "--context", "there", "--json")
    assert (code, json.loads(out)["faults"]) == (0, {"kafka": None, "redis": None})
    code, out, _ = farandole("breakers", "--context", "there", "--json")
    assert code in {0, 4}


def test_what_is_away_is_told_with_the_reason(farandole):
    code, out, _ = farandole("status", "--context", "nowhere", "--json")
    faults = json.loads(out)["faults"]
    assert code == 5
    assert "refused" in faults["kafka"]["why"]
    assert faults["redis"]["code"] == "E307"
    code, _, err = farandole("topics", "plan", "--context", "nowhere")
    assert (code, "E303" in err, "refused" in err) == (5, True, True)


def test_the_audit_topic_is_one_that_a_mesh_wants():
    (topic,) = [one for one in topics_of([], []) if one.name == AUDIT]
    assert (topic.partitions, topic.config["retention.ms"]) == (1, "-1")
