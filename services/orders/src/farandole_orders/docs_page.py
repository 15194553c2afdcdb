"""Docs page: the description of the HTTP interface, for people. One page without a script, so it works offline."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

Schema = Mapping[str, Any]

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{text-align:left;vertical-align:top;"
    "padding:.3rem .6rem;border-bottom:1px solid #ddd}code,pre{font-family:ui-monospace,monospace;font-size:.9em}"
    "pre{background:#f4f4f4;padding:1rem;overflow-x:auto}h2{margin-top:2.5rem;border-top:2px solid #1b1b1b;"
    "padding-top:.5rem}a{color:#0b5394}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#e6e6e6}pre{background:#222}"
    "th,td{border-color:#444}h2{border-color:#e6e6e6}a{color:#8ab4f8}}"
)


def render(described: Schema) -> str:
    """Return the page of an OpenAPI description."""
    info = described["info"]
    schemas = described["components"]["schemas"]
    return "".join(
        (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}</style></head><body><h1>{escape(info['title'])}</h1>",
            f"<p>{escape(info.get('summary', ''))} For programs: <a href='openapi.json'>openapi.json</a>.</p>",
            *_operations(described["paths"]),
            "<h2>Bodies</h2>",
            *(_body(name, schema) for name, schema in sorted(schemas.items()) if not name.startswith("HTTP")),
            "</body></html>",
        )
    )


def _operations(paths: Schema) -> Iterator[str]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{_text(operation.get('description'))}</p>"
            sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            rows = [_parameter(one) for one in operation.get("parameters", ())]
            if sent is not None:
                rows.append(("body", _type(sent), ""))
            if rows:
                yield _table(("sent", "type", "meaning"), rows)
            yield _table(("answered", "with", "meaning"), [_answer(*one) for one in operation["responses"].items()])


def _parameter(one: Schema) -> tuple[str, str, str]:
    name = f"<code>{escape(one['name'])}</code> ({escape(one['in'])}{', required' if one.get('required') else ''})"
    return name, _type(one["schema"]), _text(one.get("description") or one["schema"].get("description"))


def _answer(status: str, answer: Schema) -> tuple[str, str, str]:
    shapes = ", ".join(_type(content.get("schema", {})) for content in answer.get("content", {}).values())
    return f"<code>{escape(status)}</code>", shapes, _text(answer.get("description"))


def _body(name: str, schema: Schema) -> str:
    title = f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3><p>{_text(schema.get("description"))}</p>'
    if "enum" in schema:
        return title + "<p>One of " + ", ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"]) + ".</p>"
    required = schema.get("required", ())
    rows = [
        (f"<code>{escape(field)}</code>{' (required)' if field in required else ''}", _type(one), _limits(one))
        for field, one in schema.get("properties", {}).items()
    ]
    return title + _table(("field", "type", "meaning"), rows) + _example(schema.get("example"))


def _example(value: object) -> str:
    return "" if value is None else f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    return escape(schema.get("format") or schema.get("type", "any"))


def _limits(schema: Schema) -> str:
    names = {
        "exclusiveMinimum": "more than",
        "minimum": "at least",
        "maximum": "at most",
        "minLength": "characters at least",
        "maxLength": "characters at most",
        "minItems": "items at least",
        "maxItems": "items at most",
        "default": "if left out:",
    }
    told = [f"{word} {schema[name]}" for name, word in names.items() if schema.get(name) is not None]
    return escape(", ".join([*filter(None, [schema.get("description")]), *told]))


def _text(value: str | None) -> str:
    return escape(" ".join((value or "").split())).replace("``", "")


def _table(head: tuple[str, ...], rows: list[tuple[str, str, str]]) -> str:
    heads = "".join(f"<th>{one}</th>" for one in head)
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{heads}</tr>{cells}</table>"
