"""OpenAPI: the description of the HTTP interface, for programs, with every refusal as the problem that it is."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from farandole_orders.refusal import MEDIA_TYPE

_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def describe_problems(app: FastAPI) -> None:
    """Make an application describe its refusals as application/problem+json, where FastAPI supposes JSON."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        described = plain()
        for path in described["paths"].values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
        return described

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
