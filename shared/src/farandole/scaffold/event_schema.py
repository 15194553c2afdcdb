"""Event schema: the text of a new event's .avsc, laid out as people write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from farandole.scaffold.blueprint import Blueprint

NAMESPACE: Final = "farandole"


def schemas_of(made: Blueprint) -> dict[str, str]:
    """Return the schemas of a blueprint, by their path below the schema folder."""
    texts: dict[str, str] = {}
    key_doc = f"What {made.name} is asked about."
    if made.heard is None:
        texts[f"{made.asked_on}/{made.hears}.avsc"] = _text(
            made.hears,
            made.asked_on,
            doc=f"Somebody wants something of the service {made.name}.",
            marks={
                "unfed": f"nobody emits it yet: say here who outside the mesh does, or have a service emit {made.hears}"
            },
            fields={made.key: key_doc},
        )
    if made.emits:
        fields = {made.key: f"The key of the {made.hears} that was answered."}
        if made.depends_on:
            fields["reference"] = f"What {made.depends_on} calls it."
        texts[f"{made.topic}/{made.emits}.avsc"] = _text(
            made.emits,
            made.topic,
            doc=f"The service {made.name} answered a {made.hears}.",
            marks={"unheard": "no service hears it yet"},
            fields=fields,
        )
    return texts


def _text(name: str, topic: str, *, doc: str, marks: Mapping[str, str], fields: Mapping[str, str]) -> str:
    head = {
        "type": "record",
        "name": name,
        "namespace": f"{NAMESPACE}.{topic}",
        "doc": doc,
        "key": next(iter(fields)),
        "choreography": marks,
    }
    lines = [f"  {json.dumps(word)}: {json.dumps(value)}," for word, value in head.items()]
    rows = [
        f'    {{"name": {json.dumps(field)}, "doc": {json.dumps(meaning)}, "type": "string"}}'
        for field, meaning in fields.items()
    ]
    return "\n".join(["{", *lines, '  "fields": [', ",\n".join(rows), "  ]", "}", ""])
