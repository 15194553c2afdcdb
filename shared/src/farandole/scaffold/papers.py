"""Papers: what a new service needs beside its Python: its project, image, values and README."""

from __future__ import annotations

import re

from farandole.errors import UsageError
from farandole.scaffold.blueprint import Blueprint
from farandole.scaffold.workspace import Workspace


def files(made: Blueprint, workspace: Workspace) -> dict[str, str]:
    """Return the papers, by their path below the service's folder."""
    return {"pyproject.toml": _project(made), "README.md": _readme(made), "Dockerfile": _image(made, workspace)}


def values(made: Blueprint) -> str:
    """Return the service's values for the chart of the mesh."""
    lines = [
        f"# What a deployment must know of the service {made.name}.",
        "services:",
        f"  {made.name}:",
        "    image:",
        f"      repository: farandole-{made.name}",
        "    replicas: 1",
        f"    store: {'true' if made.store else 'false'}",
    ]
    if made.depends_on:
        lines += ["    env:", f"      FARANDOLE_{made.module.upper()}_URL: http://{made.depends_on}"]
    return "\n".join([*lines, ""])


def _project(made: Blueprint) -> str:
    extra = "[postgresql]" if made.store else ""
    about = f"Answers {made.hears} with {made.emits}." if made.emits else f"Takes {made.hears} in."
    return f"""[project]
name = "farandole-{made.name}"
version = "0.1.0"
description = "{about}"
readme = "README.md"
requires-python = ">=3.11"
license = "Apache-2.0"
dependencies = [
    "farandole{extra}",
    "farandole-events",
]

[project.scripts]
farandole-{made.name} = "{made.package}.__main__:main"

[project.entry-points."farandole.services"]
{made.name} = "{made.package}.service:service"

[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
packages = ["src/{made.package}"]

[tool.uv.sources]
farandole = {{ workspace = true }}
farandole-events = {{ workspace = true }}
"""


def _readme(made: Blueprint) -> str:
    needs = (
        f"\nIt asks {made.depends_on} over HTTP, at `FARANDOLE_{made.module.upper()}_URL`.\n" if made.depends_on else ""
    )
    return f"""# farandole-{made.name}

| hears | answers |
| --- | --- |
| {made.hears} | {made.emits or "nothing"} |
{needs}
```
python -m {made.package}
pytest services/{made.module}
```
"""


def _image(made: Blueprint, workspace: Workspace) -> str:
    """Return the image of another service under this one's name: they differ in nothing else."""
    for other in workspace.services:
        text = workspace.text(f"services/{other}/Dockerfile")
        if f"ARG SERVICE={other}\n" in text:
            named = re.sub(rf"(SERVICE=|farandole-){other}\b", rf"\g<1>{made.name}", text)
            return named.replace(f"services/{other}/", f"services/{made.module}/")
    raise UsageError(
        "no service has a Dockerfile to go by",
        why="the image of a new service is that of the others under its name",
        do="restore services/*/Dockerfile",
        code="E591",
    )
