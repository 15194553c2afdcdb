"""Where Kafka's jars come from, and that not one wrong byte gets in. No source here is further than the loopback."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from farandole.errors import LocalMeshError
from farandole.local import jar_lock, jars, maven
from farandole.local.jar_lock import Jar
from farandole.local.progress import Progress

CONTENT = {
    "org/example/alpha/1.0/alpha-1.0.jar": b"alpha" * 40_000,
    "org/example/beta/2.1/beta-2.1.jar": b"beta",
}
LOCK = tuple(
    Jar(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest()) for path, content in CONTENT.items()
)


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without cache, Maven or mirror."""
    monkeypatch.setenv("FARANDOLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FARANDOLE_M2", str(tmp_path / "m2"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("FARANDOLE_MAVEN_MIRROR", raising=False)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Serve a file to a client that may hang up before its end."""
        with contextlib.suppress(ConnectionError):
            super().copyfile(source, outputfile)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Maven repository on the loopback; returns the folder that it serves."""
    served = tmp_path / "served"
    write(served)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("FARANDOLE_MAVEN_MIRROR", f"http://127.0.0.1:{server.server_port}/")
    yield served
    server.shutdown()
    server.server_close()


def write(repository: Path) -> None:
    for path, content in CONTENT.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_bytes(content)


def cached() -> dict[str, bytes]:
    folder = jars.folder()
    return {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else {}


WHOLE = {Path(path).name: content for path, content in CONTENT.items()}


def leftovers(tmp_path: Path) -> list[Path]:
    """Whatever a run left in the cache beside whole jars."""
    return [file for file in (tmp_path / "cache").rglob("*") if file.is_file() and file.name not in WHOLE]


def test_the_local_maven_repository_is_used_before_anything_is_fetched(tmp_path: Path) -> None:
    write(tmp_path / "m2")
    assert jars.resolve(LOCK) == jars.folder()
    assert cached() == WHOLE


def test_a_wrong_jar_in_the_local_repository_stops_it_and_is_named(tmp_path: Path) -> None:
    write(tmp_path / "m2")
    wrong = tmp_path / "m2" / LOCK[1].path
    wrong.write_bytes(b"bet@")
    with pytest.raises(LocalMeshError, match=r"beta-2\.1\.jar") as failure:
        jars.resolve(LOCK)
    assert str(wrong) in str(failure.value)
    assert "beta-2.1.jar" not in cached()
    assert leftovers(tmp_path) == []


def test_a_mirror_is_downloaded_from_and_progress_ends_at_the_whole(mirror: Path) -> None:
    heard: list[Progress] = []
    jars.resolve(LOCK, report=heard.append)
    total = sum(jar.size for jar in LOCK)
    assert cached() == WHOLE
    assert (heard[-1].done, heard[-1].total) == (total, total)
    assert [each.done for each in heard] == sorted(each.done for each in heard)


def test_a_wrong_jar_of_a_mirror_stops_it_and_leaves_nothing_of_it(mirror: Path, tmp_path: Path) -> None:
    (mirror / LOCK[0].path).write_bytes(b"alphA" * 40_000)
    with pytest.raises(LocalMeshError, match=r"alpha-1\.0\.jar"):
        jars.resolve(LOCK)
    assert cached() == {}
    assert leftovers(tmp_path) == []


def test_a_body_longer_than_the_lock_says_is_refused(mirror: Path, tmp_path: Path) -> None:
    (mirror / LOCK[1].path).write_bytes(b"beta" * 1_000_000)
    with pytest.raises(LocalMeshError, match=r"beta-2\.1\.jar"):
        jars.resolve(LOCK)
    assert "beta-2.1.jar" not in cached()
    assert leftovers(tmp_path) == []


def test_a_mirror_without_the_file_is_told_apart_from_a_wrong_one(mirror: Path) -> None:
    (mirror / LOCK[1].path).unlink()
    with pytest.raises(LocalMeshError, match="could not be fetched") as failure:
        jars.resolve(LOCK)
    assert "404" in failure.value.why


def test_a_run_after_a_failed_one_fetches_only_what_is_missing(mirror: Path) -> None:
    right = (mirror / LOCK[1].path).read_bytes()
    (mirror / LOCK[1].path).unlink()
    with pytest.raises(LocalMeshError):
        jars.resolve(LOCK)
    (mirror / LOCK[1].path).write_bytes(right)
    (mirror / LOCK[0].path).unlink()
    jars.resolve(LOCK)
    assert cached() == WHOLE


def test_a_mirror_that_is_no_http_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARANDOLE_MAVEN_MIRROR", "file:///etc")
    with pytest.raises(LocalMeshError, match="not an HTTP address"):
        jars.resolve(LOCK)


def test_without_any_source_the_error_says_what_to_do() -> None:
    with pytest.raises(LocalMeshError) as failure:
        jars.resolve(LOCK)
    assert "FARANDOLE_MAVEN_MIRROR" in failure.value.do
    assert LOCK[0].path in failure.value.what


def test_a_cached_jar_that_changed_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "m2")
    jars.resolve(LOCK)
    (jars.folder() / LOCK[0].name).write_bytes(b"x" * LOCK[0].size)
    with pytest.raises(LocalMeshError, match=r"alpha-1\.0\.jar"):
        jars.resolve(LOCK)


def test_mvn_is_asked_for_exactly_the_locked_jars(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere")
    mvn = tmp_path / "bin" / "mvn"
    mvn.parent.mkdir()
    # A stand-in that does what copy-dependencies does, and keeps the project that it was given.
    mvn.write_text(
        "#!/bin/sh\n"
        f"/bin/cp pom.xml {tmp_path}/asked.xml\n"
        'for each in "$@"; do case $each in -DoutputDirectory=*) target=${each#*=};; esac; done\n'
        f"/bin/mkdir -p $target && /bin/cp -r {tmp_path}/elsewhere/. $target\n"
    )
    mvn.chmod(0o755)
    jars.resolve(LOCK)
    assert cached() == WHOLE
    assert (tmp_path / "asked.xml").read_text() == maven.pom(LOCK)
    assert "<artifactId>alpha</artifactId><version>1.0</version>" in maven.pom(LOCK)


def test_the_shipped_lock_names_each_jar_once_and_what_the_broker_cannot_do_without() -> None:
    lock = jar_lock.shipped()
    names = [jar.name for jar in lock]
    assert len(names) == len(set(names))
    assert {f"kafka_2.13-{jar_lock.KAFKA_VERSION}.jar", "log4j-slf4j-impl-2.25.4.jar"} <= set(names)
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in lock)
