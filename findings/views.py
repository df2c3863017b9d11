"""The relations that queries are written in, from the tables to what an admin can do, as text in either dialect.

Below them lie, in DuckDB as views that `tables.history` makes, in Athena as tables of `athena_stack`:

    changes_{stream}  id, op, sequence, changed_at, cause, observed_at, the stream's columns and lists, source: a row a change
    commits           sequence, committed_at
"""

import re
from pathlib import Path

from findings.bucket import GROWING_STREAMS
from findings.columns import Items, Stream, streams
from findings.dialect import ALL, Athena, DuckDb
from findings.tables import shape

FOLDER = Path(__file__).parent / "views"
NUMBER = re.compile(r"^\d+_")
SHOWN = ("id", "sequence", "changed_at", "cause", "observed_at")
"""Columns of every relation of a stream, beside those of its source."""

# The newest row of an id is its state; rows may be repeated.
NEWEST = """
select {columns} from (
  select {columns}, op, row_number() over (partition by id order by sequence desc) as newest from changes_{stream}
) numbered where newest = 1 and op = 'upsert'
"""
GROWN = "select {columns} from changes_{stream}"
GREATEST = re.compile(r"greatest_of\(([\w.]+), (\w+)\)")
TARGETS = {"10_recent_events": "recent_targets", "12_seldom_events": "seldom_targets"}
"""The targets of the events of a relation."""


def selects(dialect: type[DuckDb | Athena], words: frozenset[str] | None = None) -> dict[str, str]:
    """Relation to its select, in the order in which they build on each other. With `words` they have only columns of these names."""
    built = {"clock": "select max(committed_at) as now from commits"}
    for stream in streams():
        built[stream.view] = _stream(stream, words)
        built |= {items.name: _items(dialect, stream, items, words) for items in stream.lists}
    for file in sorted(FOLDER.glob("*.sql")):
        select = file.read_text().replace("OFTEN", shape.often())
        built[NUMBER.sub("", file.stem)] = GREATEST.sub(lambda match: dialect.greatest(*match.groups()), select)
        if file.stem in TARGETS:
            built[TARGETS[file.stem]] = _targets(dialect, words, NUMBER.sub("", file.stem))
    return {name: select.strip() for name, select in built.items()}


def lists() -> list[str]:
    """The relations with a row for each item of a list."""
    return [*(items.name for stream in streams() for items in stream.lists), *TARGETS.values()]


def needed(select: str, built: dict[str, str]) -> list[str]:
    """The relations that a select builds on, in order."""
    names: set[str] = set()
    left = [select]
    while left:
        for word in set(re.findall(r"\w+", left.pop())) & built.keys() - names:
            names.add(word)
            left.append(built[word])
    return [name for name in built if name in names]


def words() -> frozenset[str]:
    """Every word of the relations, so that a column that is not among them need not be read."""
    return frozenset(word for file in FOLDER.glob("*.sql") for word in re.findall(r"\w+", file.read_text()))


def _stream(stream: Stream, words: frozenset[str] | None) -> str:
    """What the columns of the source are called, and no source: it is wide, and no query asks for it."""
    own = [name for name in shape.columns(stream) if name not in (*shape.BASE, *shape.SOURCE)]
    shown = [name for name in [*SHOWN, *own] if words is None or name in words or name == "id"]
    text = GROWN if stream.name in GROWING_STREAMS else NEWEST
    return text.format(columns=", ".join(shown), stream=stream.name)


def _targets(dialect: type[DuckDb | Athena], words: frozenset[str] | None, relation: str) -> str:
    """With all that is said of the event: whoever asks for targets of events of some types reads no others."""
    stream = next(stream for stream in streams() if stream.view == "events")
    return dialect.items(relation, ALL, stream.lists[0].name, _shown(stream.lists[0], words))


def _shown(items: Items, words: frozenset[str] | None) -> list[str]:
    return [column.name for column in items.columns if words is None or column.name in words]


def _items(dialect: type[DuckDb | Athena], stream: Stream, items: Items, words: frozenset[str] | None) -> str:
    if stream.view == "events":
        return _targets(dialect, words, stream.view)
    named = [column for column in stream.columns if column.kind == "id"] or stream.columns[:1]
    if stream.name == "role_assignments":
        named = [column for column in stream.columns if column.name in ("principal_id", "assignment_id")]
    return dialect.items(stream.view, [column.name for column in named], items.name, _shown(items, words))
