"""Registration: what the workspace's own files must say of a new service."""

from __future__ import annotations

import re
from typing import Final

from farandole.errors import UsageError
from farandole.scaffold.blueprint import Blueprint

ROOTS: Final = re.compile(r'(root_packages = \[\n(?:    "[\w]+",\n)+)')
LAYER: Final = re.compile(r'(layers = \[\n    "farandole_\w+(?: \| farandole_\w+)*)(",\n    "farandole_events",)')
MEMBERS: Final = re.compile(r"(?m)^members = \[\n(?P<rows>(?:    \"[^\"]+\",\n)+)\]")
PACKAGE: Final = re.compile(r'(?m)^\[\[package\]\]\nname = "(?P<name>[^"]+)"')


def project(made: Blueprint, text: str) -> str:
    """Return the root's pyproject.toml with the package in import-linter's lists. Raises UsageError."""
    package = made.package
    with_root, roots = ROOTS.subn(lambda found: f'{found[1]}    "{package}",\n', text, count=1)
    with_layer, layers = LAYER.subn(lambda found: f"{found[1]} | {package}{found[2]}", with_root, count=1)
    if not roots or not layers:
        raise _unlike("pyproject.toml", "import-linter's root_packages, and its layer of the services")
    return with_layer


def lock(made: Blueprint, text: str) -> str:
    """Return uv.lock with the package, as `uv lock` would write it: it needs nothing that is not locked yet.

    Written rather than resolved, so that no index is asked. Raises UsageError where the lock has another form.
    """
    own = f"farandole-{made.name}"
    members = MEMBERS.search(text)
    following = next((one.start() for one in PACKAGE.finditer(text) if one["name"] > own), None)
    if members is None or following is None:
        raise _unlike("uv.lock", "the members of the workspace and its packages")
    extra, extras = (', extra = ["postgresql"]', ', extras = ["postgresql"]') if made.store else ("", "")
    block = (
        f'[[package]]\nname = "{own}"\nversion = "0.1.0"\nsource = {{ editable = "services/{made.module}" }}\n'
        f'dependencies = [\n    {{ name = "farandole"{extra} }},\n    {{ name = "farandole-events" }},\n]\n\n'
        f'[package.metadata]\nrequires-dist = [\n    {{ name = "farandole"{extras}, editable = "shared" }},\n'
        f'    {{ name = "farandole-events", editable = "schemas" }},\n]\n\n'
    )
    rows = sorted([*members["rows"].splitlines(), f'    "{own}",'])
    listed = text[members.end("rows") : following]
    return text[: members.start("rows")] + "\n".join(rows) + "\n" + listed + block + text[following:]


def _unlike(file: str, what: str) -> UsageError:
    return UsageError(
        f"{file} is not as it is known here",
        why=f"the service must be added to {what}, and they were not found",
        do=f"restore {file}, or write the service by hand: see the tutorial of the first service",
        code="E591",
    )
