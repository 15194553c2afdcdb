"""Ports that stay the same over restarts: clients that were told an address find the server there again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from farandole.errors import LocalMeshError
from farandole.local import ports


def choose(file: Path, names: Sequence[str], *, wanted: int | None = None) -> dict[str, int]:
    """Return a port for each name: the one kept in ``file`` where it can be bound, else a free one; keep them there.

    ``wanted`` is the port that the first name must have.

    Raises:
        LocalMeshError: Somebody else listens on the wanted port.
    """
    kept: dict[str, int] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    if wanted is not None:
        if not ports.bindable(wanted):
            raise LocalMeshError(
                f"port {wanted} for {names[0]} is taken",
                why="another process listens there",
                do="choose another port, or none and a free one is picked",
                code="E405",
            )
        kept[names[0]] = wanted
    fresh = iter(ports.free(len(names)))
    chosen = {name: kept[name] if name in kept and ports.bindable(kept[name]) else next(fresh) for name in names}
    file.parent.mkdir(parents=True, exist_ok=True)
    arriving = file.with_suffix(".arriving")
    arriving.write_text(json.dumps(chosen), "utf-8")
    arriving.replace(file)
    return chosen
