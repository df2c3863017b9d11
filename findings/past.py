"""`make peek` with AS_OF, DIFF or WHY: what was known, what changed, and which events are behind a record, from the tables."""

import argparse
import json
import sys
from typing import Any

import duckdb

from findings.asked import TROUBLES, Asked, place, told
from findings.bucket import GROWING_STREAMS, Unreadable
from findings.columns import streams
from findings.database import database, only_row
from findings.tables import append

MOST_FIELDS = 20
"""Changed fields of a record that are shown; the others are counted."""
MOST_CHARACTERS = 80
"""Of a value that is shown."""
NEWEST = """
select id, sequence, changed_at, cause, source from (
  select *, row_number() over (partition by id order by sequence desc) as newest from changes_{stream}
) numbered where newest = 1 and op = 'upsert' and starts_with(id, $id) order by id
"""
GROWN = "select id, sequence, changed_at, cause, source from changes_{stream} where starts_with(id, $id) order by sequence, id"
BEFORE = """
select c.id, c.op, c.cause, c.observed_at is null as is_forgotten, c.source,
  (select arg_max(b.source, b.sequence) from changes_{stream} b where b.id = c.id and b.sequence < $sequence) as source_before,
  (select arg_max(b.op, b.sequence) from changes_{stream} b where b.id = c.id and b.sequence < $sequence) as op_before
from changes_{stream} c where c.sequence = $sequence order by c.id
"""
WHY = """
select source from changes_activity
where list_has_any(list_transform(event_targets, lambda target: target.target_id), $parts)
order by published
"""


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="make peek", description="The past, from the tables. Exits with 2 where nothing can be read."
    )
    place(parser)
    parser.add_argument(
        "--as-of",
        metavar="TIME",
        help="2026-11-01 (the end of that day, UTC), 2026-11-01T12:00:00Z, or a manifest's number",
    )
    parser.add_argument(
        "--diff",
        type=int,
        metavar="SEQUENCE",
        help="what this manifest changed: records that came, changed and went, and why",
    )
    parser.add_argument("--why", metavar="ID", help="the System Log events that tell of this record")
    parser.add_argument("stream", nargs="?", help="print the records of this stream as JSON")
    parser.add_argument("id", nargs="?", default="", help="only records whose id begins with this")
    given = parser.parse_args(words)
    try:
        asked = Asked.of(given)
        with database() as connection:
            tables, progress = append.bring_up_to_date(connection, *asked)
            until = asked.until(connection, tables, progress, given.as_of)
            tables.show(connection, until)
            if given.diff is not None:
                # It is compared with the state before it.
                tables.must_know(given.diff - 1)
            print("\n".join(_lines(connection, given, until)))
        return 0
    except (*TROUBLES, ValueError) as trouble:
        return told("make peek", trouble)


def _lines(connection: duckdb.DuckDBPyConnection, given: argparse.Namespace, until: int) -> list[str]:
    if given.diff is not None:
        return _diff(connection, given.diff, until)
    if given.why is not None:
        return _why(connection, given.why)
    if given.stream is not None:
        return _records(connection, given.stream, given.id)
    return _summary(connection, given, until)


def _summary(connection: duckdb.DuckDBPyConnection, given: argparse.Namespace, until: int) -> list[str]:
    (at,) = only_row(connection, "select max(committed_at) from commits")
    lines = [
        f"{given.integration} as of manifest {until} ({at:%Y-%m-%d %H:%M:%S} UTC)",
        "",
        f"  {'stream':<28}{'records':>12}",
    ]
    for stream in streams():
        text = GROWN if stream.name in GROWING_STREAMS else NEWEST
        (count,) = only_row(connection, f"select count(*) from ({text.format(stream=stream.name)}) found", {"id": ""})
        lines += [f"  {stream.name:<28}{count:>12,}"] if count else []
    return lines


def _records(connection: duckdb.DuckDBPyConnection, name: str, id: str) -> list[str]:
    known = [stream.name for stream in streams()]
    if name not in known:
        raise Unreadable(f"there is no stream {name!r}; there are: {', '.join(known)}")
    text = GROWN if name in GROWING_STREAMS else NEWEST
    rows = connection.execute(text.format(stream=name), {"id": id}).fetchall()
    if not rows:
        raise Unreadable(f"no record of {name} has an id that begins with {id!r}")
    return [json.dumps(_record(name, *row), indent=2, ensure_ascii=False) for row in rows]


def _record(stream: str, id: str, sequence: int, at: Any, cause: str | None, source: str) -> dict[str, Any]:
    told_of = {
        "stream": stream,
        "id": id,
        "sequence": sequence,
        "changed_at": f"{at.isoformat(timespec='milliseconds')}Z",
    }
    return told_of | ({"cause": cause} if cause else {}) | {"source": json.loads(source or "null")}


def _diff(connection: duckdb.DuckDBPyConnection, sequence: int, until: int) -> list[str]:
    if not 0 < sequence <= until:
        raise Unreadable(f"there is no manifest {sequence}; the newest is {until}")
    lines, changes = [], 0
    for stream in (stream.name for stream in streams() if stream.name not in GROWING_STREAMS):
        for row in connection.execute(BEFORE.format(stream=stream), {"sequence": sequence}).fetchall():
            lines += _change(connection, stream, *row)
            changes += 1
    (events,) = only_row(connection, "select count(*) from changes_activity where sequence = ?", [sequence])
    return [*lines, f"manifest {sequence}: {changes} records, {events} events of the System Log"]


def _change(
    connection: duckdb.DuckDBPyConnection,
    stream: str,
    id: str,
    op: str,
    cause: str | None,
    is_forgotten: bool,
    source: str | None,
    source_before: str | None,
    op_before: str | None,
) -> list[str]:
    if op == "delete":
        word = "removed: a snapshot did not repeat it" if is_forgotten else "removed"
        return [f"{stream}  {id}  {word}{_because(connection, cause)}"]
    if op_before != "upsert":
        return [f"{stream}  {id}  added{_because(connection, cause)}"]
    was, now = _leaves(json.loads(source_before or "null")), _leaves(json.loads(source or "null"))
    fields = sorted(path for path in was.keys() | now.keys() if was.get(path, ...) != now.get(path, ...))
    lines = [f"    {path}: {_shown(was, path)} → {_shown(now, path)}" for path in fields[:MOST_FIELDS]]
    more = [f"    and {len(fields) - MOST_FIELDS} more fields"] if len(fields) > MOST_FIELDS else []
    return [f"{stream}  {id}  changed{_because(connection, cause)}", *lines, *more]


def _because(connection: duckdb.DuckDBPyConnection, cause: str | None) -> str:
    if not cause:
        return ""
    found = connection.execute("select source from changes_activity where id = ? limit 1", [cause]).fetchone()
    return (
        f", because {_event(json.loads(found[0]))}" if found else f", because of event {cause}, which is not committed"
    )


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """The scalars of a document by their paths; an empty list or object counts as one."""
    if isinstance(value, dict) and value:
        return {
            place: leaf
            for name, member in value.items()
            for place, leaf in _leaves(member, f"{path}.{name}" if path else name).items()
        }
    if isinstance(value, list) and value:
        return {
            place: leaf
            for number, item in enumerate(value)
            for place, leaf in _leaves(item, f"{path}[{number}]").items()
        }
    return {path: value}


def _shown(leaves: dict[str, Any], path: str) -> str:
    if path not in leaves:
        return "nothing"
    text = json.dumps(leaves[path], ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _why(connection: duckdb.DuckDBPyConnection, id: str) -> list[str]:
    """The events that name the record as their target, or one of the `:`-separated parts of its id."""
    rows = connection.execute(WHY, {"parts": [id, *id.split(":")]}).fetchall()
    if not rows:
        raise Unreadable(f"no event that was committed names {id!r} as its target")
    return [_event(json.loads(source)) for (source,) in rows]


def _event(event: dict[str, Any]) -> str:
    """When, who, what."""
    members = [event.get(name) for name in ("actor", "outcome")]
    actor, outcome = (member if isinstance(member, dict) else {} for member in members)
    who = actor.get("alternateId") or actor.get("displayName") or "?"
    return f"{event.get('published', '?')} {who}: {event.get('eventType', '?')} ({outcome.get('result') or '?'})"


if __name__ == "__main__":
    sys.exit(main())
