"""Every setting: the fields of the settings classes, and the variables that are read without one."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any, Final

from farandole.settings import Settings
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from docs.reference.generate.markdown import code, table

INTRODUCTION: Final = """\
# Settings
Settings come from the environment, and only from there. A service that is given something it cannot use does not start.
Durations are ISO 8601 (`PT10S`, `P7D`) or seconds.

## Every service
The embedded mesh sets the addresses itself.

"""
ELSEWHERE: Final = {
    "FARANDOLE_HOME": "The folder of the embedded mesh's state; `.farandole` where it is not set.",
    "FARANDOLE_CACHE": "The folder of Kafka's jars and the broker's AOT cache, shared by all meshes of a user.",
    "FARANDOLE_JAVA": "A java executable (17 or newer) for the embedded broker, instead of the one of the wheel.",
    "FARANDOLE_M2": "Maven's local repository, where it is not `~/.m2/repository`.",
    "FARANDOLE_MAVEN_MIRROR": "The base URL of the Maven repository from which Kafka's jars are downloaded.",
    "FARANDOLE_TEST_BACKEND": "`auto`, `local` or `docker`: where tests get their Kafka and Redis from.",
    "FARANDOLE_DATABASE_URL_…": "Where the audit reads a service's inbox, as `FARANDOLE_DATABASE_URL_ORDERS`.",
    "FARANDOLE_URL_…": "Set by the embedded mesh: where each service is, as `FARANDOLE_URL_ORDERS`.",
    "FARANDOLE_WEBHOOK_SECRET": "What signs webhooks, on both sides. The embedded mesh makes one of its own.",
}


def page() -> str:
    """Return the page."""
    parts = [INTRODUCTION + _fields(Settings)]
    parts += [f"## {name}\n{_fields(kind)}" for name, kind in services()]
    rows = ((code(name), meaning) for name, meaning in ELSEWHERE.items())
    parts.append("## The embedded mesh, tests, webhooks\n" + table(("variable", "meaning"), rows))
    return "\n".join(parts)


def services() -> Iterator[tuple[str, type[BaseSettings]]]:
    """Yield every installed service that has settings of its own, with them."""
    for entry in sorted(entry_points(group="farandole.services"), key=lambda one: one.name):
        package = entry.value.partition(".")[0].partition(":")[0]
        try:
            module = importlib.import_module(f"{package}.settings")
        except ModuleNotFoundError:
            continue
        for _, kind in sorted(inspect.getmembers(module, inspect.isclass)):
            if issubclass(kind, BaseSettings) and kind.__module__ == module.__name__:
                yield entry.name, kind


def _fields(kind: type[BaseSettings]) -> str:
    prefix = str(kind.model_config.get("env_prefix", ""))
    rows = ((_names(prefix, name, field), _default(field), field.description or "") for name, field in _sorted(kind))
    return table(("variable", "default", "meaning"), rows)


def _sorted(kind: type[BaseSettings]) -> list[tuple[str, FieldInfo]]:
    return list(kind.model_fields.items())


def _names(prefix: str, name: str, field: FieldInfo) -> str:
    alias: Any = field.validation_alias
    if isinstance(alias, AliasChoices):
        return ", else ".join(code(str(choice).upper()) for choice in alias.choices)
    return code((alias or prefix + name).upper())


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=False)
    if field.is_required():
        return "needed"
    if isinstance(default, SecretStr):
        default = default.get_secret_value() if "://" in default.get_secret_value() else ""
    if isinstance(default, timedelta):
        return code(_iso(default))
    return "" if default in (None, "") else code(str(default))


def _iso(duration: timedelta) -> str:
    if duration and duration % timedelta(days=1) == timedelta(0):
        return f"P{duration.days}D"
    return f"PT{duration.total_seconds():g}S"
