"""Typed columns of each stream, of which schemas/streams/*.json says that there is one, from columns.json.

The schemas leave `source` open, for it is Okta's object as read; columns.json says where in it a column lies.
A column is `name: [path, type]`: a path of members, "" for the record id (type `id`) or for the item itself in a
list of texts. Types: id, text, time (RFC 3339, UTC), integer, boolean. A text column of an object is its JSON.
"""

import functools
import json
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent
SCHEMAS = ROOT.parent / "schemas" / "streams"
TYPES = frozenset({"id", "text", "time", "integer", "boolean"})


class Column(NamedTuple):
    name: str
    path: str
    kind: str


class Items(NamedTuple):
    """A list inside the source: one row an item, with the columns that name the record."""

    name: str
    path: str
    columns: list[Column]


class Stream(NamedTuple):
    name: str
    view: str
    columns: list[Column]
    lists: list[Items]


@functools.cache
def streams() -> tuple[Stream, ...]:
    """Every stream that has a schema, and those that columns.json declares: a reader may be older or newer than a collector."""
    declared = json.loads((ROOT / "columns.json").read_text())
    names = {file.stem for file in SCHEMAS.glob("*.json")} | declared.keys()
    return tuple(_stream(name, declared.get(name, {"columns": {}})) for name in sorted(names))


def _stream(name: str, declared: dict[str, Any]) -> Stream:
    lists = declared.get("lists", {})
    return Stream(
        name=name,
        view=declared.get("view", f"current_{name}"),
        columns=_columns(declared["columns"]),
        lists=[Items(name, each["items"], _columns(each["columns"])) for name, each in lists.items()],
    )


def _columns(declared: dict[str, list[str]]) -> list[Column]:
    columns = [Column(name, path, kind) for name, (path, kind) in declared.items()]
    unknown = [column for column in columns if column.kind not in TYPES]
    if unknown:
        raise ValueError(f"columns.json: unknown types in {unknown}")
    return columns
