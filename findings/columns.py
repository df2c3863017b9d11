"""Typed columns of each stream: those of the line from schemas/streams/*.json, those of `source` from columns.json.

The schemas leave `source` open, for it is Okta's object as read; columns.json says where in it a column lies.
A column is `name: [path, type]`: a path of members, "" for the record id (type `id`) or for the item itself in a
list of texts. Types: id, text, time (RFC 3339, UTC), integer, boolean. A text column of an object is its JSON.
"""

import json

from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent
SCHEMAS = ROOT.parent / "schemas" / "streams"
TYPES = frozenset({"id", "text", "time", "integer", "boolean"})
BASE_COLUMNS = ("id", "observed_at", "cause", "bundle", "source", "ocsf")
"""Members of a line that a view shows beside the columns of its source; `op` and the rest are the reader's business."""


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
    base: dict[str, str]
    """Member of the line to its kind: `text`, `time` or `json`."""
    columns: list[Column]
    lists: list[Items]


def streams() -> list[Stream]:
    """Every stream that has a schema, in the schemas' order of names."""
    declared = json.loads((ROOT / "columns.json").read_text())
    return [_stream(file, declared.get(file.stem, {"columns": {}})) for file in sorted(SCHEMAS.glob("*.json"))]


def _stream(file: Path, declared: dict[str, Any]) -> Stream:
    schema = json.loads(file.read_text())
    lists = declared.get("lists", {})
    return Stream(
        name=file.stem,
        view=declared.get("view", f"current_{file.stem}"),
        base={name: _kind(schema["properties"][name]) for name in BASE_COLUMNS if name in schema["properties"]},
        columns=_columns(declared["columns"]),
        lists=[Items(name, each["items"], _columns(each["columns"])) for name, each in lists.items()],
    )


def _kind(member: dict[str, Any]) -> str:
    if member.get("type") == "object":
        return "json"
    return "time" if member.get("format") == "date-time" else "text"


def _columns(declared: dict[str, list[str]]) -> list[Column]:
    columns = [Column(name, path, kind) for name, (path, kind) in declared.items()]
    unknown = [column for column in columns if column.kind not in TYPES]
    if unknown:
        raise ValueError(f"columns.json: unknown types in {unknown}")
    return columns
