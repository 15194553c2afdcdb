"""The folder that holds everything of one embedded mesh, and the lock that lets only one run in it."""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from farandole.errors import LocalMeshError

DEFAULT = Path(".farandole")
_LOCK = "mesh.lock"
_TRIES = 5
_BETWEEN_TRIES = 0.02


def default_home() -> Path:
    """Return the home that is meant when none is named: ``FARANDOLE_HOME``, or ``.farandole`` in this folder."""
    return Path(os.environ.get("FARANDOLE_HOME") or DEFAULT)


@contextmanager
def held(home: Path) -> Generator[None]:
    """Hold ``home`` for as long as the block runs. The lock goes with the process, however it ends.

    Raises:
        LocalMeshError: Another process runs a mesh there.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / _LOCK).open("a+", encoding="utf-8") as lock:
        if not _lock(lock):
            lock.seek(0)
            raise LocalMeshError(
                f"a mesh runs in {home} already",
                why=f"process {lock.read().strip() or 'unknown'} holds it",
                do="farandole status   shows it; farandole down   stops it; or give this one another home",
                code="E410",
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _lock(file: IO[str]) -> bool:
    for _ in range(_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # Whoever asks ``taken`` holds it for an instant.
            time.sleep(_BETWEEN_TRIES)
        else:
            return True
    return False


def taken(home: Path) -> bool:
    """Tell whether a mesh runs in ``home`` now."""
    try:
        with (home / _LOCK).open("r", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def clear(home: Path) -> None:
    """Delete everything of a mesh that does not run: topics, ledgers, stores, logs. Call it with the home held."""
    for entry in home.iterdir():
        if entry.name == _LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def refuse_foreign(home: Path) -> None:
    """Refuse to take a folder that holds files and never was a mesh's home.

    Raises:
        LocalMeshError: It is one.
    """
    if home.is_dir() and any(home.iterdir()) and not (home / _LOCK).exists():
        raise LocalMeshError(
            f"{home} is not the home of a mesh",
            why="it holds files that no mesh wrote",
            do="give a folder that is empty or does not exist",
            code="E411",
        )


def webhook_secret(home: Path) -> str:
    """Return the secret that signs webhooks in this mesh, made on first use, readable by its owner only."""
    file = home / "webhook.secret"
    if not file.exists():
        made = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as fresh:
            fresh.write(made)
    return file.read_text("utf-8").strip()
