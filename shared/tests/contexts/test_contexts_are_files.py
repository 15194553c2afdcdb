"""A context is a table of the operator's own file; its secrets are elsewhere, or nobody else may read the file.

Whatever is wrong with the file, a context or a secret is told with what to do, and never with a value that may be one.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from farandole import Service
from farandole.cli.contexts import contexts as show
from farandole.cli.main import main
from farandole.cli.mesh import mesh
from farandole.contexts import Role, contexts_file, read_contexts, target_of
from farandole.errors import NotPermittedError, UsageError
from sqlalchemy import MetaData

FILE = """
[staging]
brokers = "kafka.staging:9093"
security_protocol = "SASL_SSL"
sasl_mechanism = "SCRAM-SHA-512"
sasl_username = "ada"
sasl_password = { env = "STAGING_PASSWORD" }
redis_url = { file = "%s" }
cluster = "c1"
registry_ids = "/etc/staging-ids.json"
role = "operator"
inbox_window_days = 90
databases.payments = { env = "STAGING_PAYMENTS" }

[live]
brokers = "kafka.live:9092"
redis_url = "redis://redis.live:6379/0"
production = true
"""
SECRET = "hunter2"
PAYMENTS = Service("payments", tables=MetaData())


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    secret = tmp_path / "redis"
    secret.write_text(f"rediss://:{SECRET}@redis.staging:6379/0\n")
    path = tmp_path / "contexts.toml"
    path.write_text(FILE % secret)
    path.chmod(0o644)
    monkeypatch.setenv("FARANDOLE_CONTEXTS", str(path))
    monkeypatch.setenv("STAGING_PASSWORD", SECRET)
    monkeypatch.setenv("STAGING_PAYMENTS", f"postgresql://pay:{SECRET}@db/payments")
    monkeypatch.delenv("FARANDOLE_CONTEXT", raising=False)
    return path


def target(name: str, services=(), home: Path = Path("/nowhere")):
    return target_of(home, services, context=name)


def test_a_context_is_a_mesh_with_its_secrets_from_where_they_are_kept(file):
    found = target("staging", [PAYMENTS])
    properties = found.connection.properties()
    assert properties["bootstrap.servers"] == "kafka.staging:9093"
    assert (properties["security.protocol"], properties["sasl.mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (properties["sasl.username"], properties["sasl.password"]) == ("ada", SECRET)
    assert found.redis_url == f"rediss://:{SECRET}@redis.staging:6379/0"
    assert found.database_urls == {"payments": f"postgresql://pay:{SECRET}@db/payments"}
    assert (found.cluster, found.context, found.role, found.production) == ("c1", "staging", Role.OPERATOR, False)
    assert (found.windows.ledger, found.windows.inbox) == (timedelta(days=7), timedelta(days=90))
    assert SECRET not in repr(found)


def test_whoever_says_nothing_else_may_only_look(file):
    live = target("live")
    assert (live.role, live.production) == (Role.VIEWER, True)
    with pytest.raises(NotPermittedError) as refused:
        live.demand_operator("redrive")
    assert "role is viewer" in refused.value.why
    target("staging").demand_operator("redrive")


def test_a_context_that_is_not_there_is_told_with_those_that_are(file):
    with pytest.raises(UsageError) as unknown:
        target("stagin")
    assert unknown.value.code == "E514"
    assert "live, staging" in unknown.value.why


def test_without_a_file_there_are_no_contexts(tmp_path):
    assert read_contexts(tmp_path / "nothing.toml") == {}


def test_the_file_is_where_the_settings_of_a_user_are(tmp_path):
    assert contexts_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/farandole/contexts.toml")
    assert contexts_file({}) == Path.home() / ".config/farandole/contexts.toml"
    assert contexts_file({"FARANDOLE_CONTEXTS": "~/mine.toml"}) == Path.home() / "mine.toml"


@pytest.mark.parametrize("lacking", ["STAGING_PASSWORD", "STAGING_PAYMENTS"])
def test_a_secret_that_is_not_set_is_told_by_its_variable(file, monkeypatch, lacking):
    monkeypatch.delenv(lacking)
    with pytest.raises(UsageError) as missing:
        target("staging", [PAYMENTS])
    assert missing.value.code == "E519"
    assert lacking in missing.value.what


@pytest.mark.parametrize(
    "spoil", [Path.unlink, lambda one: one.write_text(" \n"), lambda one: one.write_bytes(b"\xff")]
)
def test_a_secret_whose_file_says_nothing_is_told_by_its_path(file, tmp_path, spoil):
    spoil(tmp_path / "redis")
    with pytest.raises(UsageError) as missing:
        target("staging")
    assert missing.value.code == "E519"
    assert str(tmp_path / "redis") in missing.value.what


@pytest.mark.parametrize(
    "line",
    [
        f'sasl_password = "{SECRET}"',
        f'redis_url = "redis://:{SECRET}@r:1/0"',
        f'databases.payments = "postgresql://p:{SECRET}@db/p"',
    ],
)
def test_a_secret_in_clear_is_refused_unless_only_its_owner_reads_the_file(tmp_path, line):
    file = tmp_path / "contexts.toml"
    url = "" if "redis_url" in line else 'redis_url = "redis://r:1/0"\n'
    file.write_text(f'[x]\nbrokers = "k:1"\n{url}{line}\n')
    file.chmod(0o640)
    with pytest.raises(UsageError) as shown:
        read_contexts(file)
    assert shown.value.code == "E516"
    assert line.partition(" ")[0] in shown.value.what
    assert SECRET not in str(shown.value)
    file.chmod(0o600)
    assert "x" in read_contexts(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'[x]\nbrokers = "k:1"\nredis_url = "r"\nsasl_password = "{SECRET}\n', "line 4"),
        ('[x]\nbroker = "k:1"\nredis_url = "r"', "broker"),
        ('[x]\nredis_url = "r"', "brokers"),
        ('[x]\nbrokers = "k:1"\nredis_url = "r"\nrole = "god"', "role"),
        ('[x]\nbrokers = "k:1"\nredis_url = { env = "A", file = "b" }', "env"),
        ('[x]\nbrokers = "k:1"\nredis_url = { vault = "A" }', "vault"),
        ("x = 1", "object"),
    ],
)
def test_what_no_context_can_say_is_told_without_its_values(tmp_path, text, told):
    file = tmp_path / "contexts.toml"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(UsageError) as wrong:
        read_contexts(file)
    assert wrong.value.code == "E516"
    assert told in wrong.value.why
    assert SECRET not in str(wrong.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "contexts.toml").mkdir()
    with pytest.raises(UsageError) as wrong:
        read_contexts(tmp_path / "contexts.toml")
    assert wrong.value.code == "E516"


def test_a_database_that_nobody_names_is_asked_for(file):
    with pytest.raises(UsageError) as lacking:
        target("live", [PAYMENTS])
    assert lacking.value.code == "E502"
    assert "databases.payments" in lacking.value.do


def test_the_ids_on_the_wire_are_those_of_the_context_and_never_of_the_settings_here(file, monkeypatch):
    monkeypatch.setenv("FARANDOLE_REGISTRY_IDS", "/etc/my-own-ids.json")
    assert target("staging", [PAYMENTS]).registry_ids == "/etc/staging-ids.json"
    assert not target("live").registry_ids
    monkeypatch.setenv("FARANDOLE_REGISTRY_URL", "http://127.0.0.1:1")
    here = target("")
    assert (here.registry_ids, here.registry_url) == ("/etc/my-own-ids.json", "http://127.0.0.1:1")


def test_the_command_line_outranks_the_environment(file, monkeypatch, tmp_path):
    monkeypatch.setenv("FARANDOLE_CONTEXT", "live")
    assert mesh("", None).context == "live"
    assert mesh("staging", None).context == "staging"
    assert mesh("", tmp_path).context == ""
    with pytest.raises(UsageError):
        mesh("staging", tmp_path)


def test_contexts_are_shown_without_their_secrets(file, capsys):
    show()
    show(json=True)
    shown = capsys.readouterr().out
    assert SECRET not in shown
    for word in ("staging", "live", "operator", "viewer", "production", "$STAGING_PASSWORD"):
        assert word in shown


@pytest.mark.parametrize(
    "command",
    [["audit", "--service", "suppliers"], ["operations"], ["breakers"], ["topics", "plan"], ["topics", "apply"]],
)
def test_every_command_takes_a_context_and_ends_with_2_where_there_is_none(file, monkeypatch, capsys, command):
    monkeypatch.setattr(sys, "argv", ["farandole", *command, "--context", "nowhere"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "E514 there is no context nowhere" in capsys.readouterr().err


def test_a_viewer_creates_no_topics(file, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["farandole", "topics", "apply", "--context", "live"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "E511" in capsys.readouterr().err
