"""How often Athena reads each table for a query: it computes what a `with` names anew wherever that is named.

python -m findings.scanned DIR    one JSON object: finding to [table, of recent days alone, bytes, row groups] of each scan of a copy's tables
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify

from findings import athena, catalog
from findings.database import database
from findings.dialect import OF_THE_LOG, PASSING_ON

TABLES = {athena.table_name(table): table for table in athena.tables()}


def scans() -> dict[str, dict[str, int]]:
    """By finding: how often each table is read."""
    return {finding.id: dict(of_select(select)) for finding, select in athena.queries(catalog.parameters({}), "okta")}


def of_select(select: str) -> Counter[str]:
    tree = sqlglot.parse_one(select, read="athena")
    named = {each.alias: each.this for each in tree.find_all(exp.CTE)}
    return _of_tree(tree, named)


def _of_tree(tree: exp.Expr, named: dict[str, exp.Expr]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for table in tree.find_all(exp.Table):
        if _is_of_a_cte(table, tree):
            continue
        if table.name in named:
            counted += _of_tree(named[table.name], named)
        elif table.name in TABLES:
            counted[TABLES[table.name]] += 1
        else:
            raise ValueError(f"{table.name} is no table")
    return counted


def _is_of_a_cte(table: exp.Table, tree: exp.Expr) -> bool:
    """Whether the table is named by a `with` of the tree, and so counts where that is named."""
    place = table.parent
    while place is not None and place is not tree:
        if isinstance(place, exp.CTE):
            return True
        place = place.parent
    return False


class RowGroup(NamedTuple):
    """Bytes by column, and the least and the greatest type of its events; `None` where there are none."""

    sizes: dict[str, int]
    least: str | None
    greatest: str | None

    def may_have(self, types: frozenset[str] | None) -> bool:
        """Whether its statistics leave room for one of these types; a text that ends with % is how one begins."""
        if types is None or self.least is None or self.greatest is None:
            return True
        return any(
            self.least <= f"{type[:-1]}\uffff" and type[:-1] <= self.greatest
            if type.endswith("%")
            else self.least <= type <= self.greatest
            for type in types
        )


class Scan(NamedTuple):
    table: str
    is_recent: bool
    """Whether of recent days alone."""
    size: int
    """Bytes."""
    row_groups: int


def read(copy: Path) -> dict[str, list[Scan]]:
    """By finding each scan of a copy's tables: the columns that it needs, by their sizes there, of the row groups whose statistics leave
    room for the types of events that it asks for. Which these are is taken from texts beside the scan and what only passes events on."""
    row_groups = {table: _row_groups(copy, table) for table in athena.tables()}
    columns = {name: [*athena.table_columns(table), *athena.partitions(table)] for name, table in TABLES.items()}
    schema: dict[str, object] = {name: dict.fromkeys(each, "varchar") for name, each in columns.items()}
    found = {}
    for finding, select in athena.queries(catalog.parameters({}), "okta"):
        qualified = qualify(
            sqlglot.parse_one(select, read="athena"), schema=schema, dialect="athena", validate_qualify_columns=False
        )
        tree = pushdown_projections(qualified)
        found[finding.id] = list(_scans(tree, {each.alias: each.this for each in tree.find_all(exp.CTE)}, row_groups))
    return found


def _scans(
    tree: exp.Expr,
    named: dict[str, exp.Expr],
    row_groups: dict[str, list[RowGroup]],
    inherited: frozenset[str] | None = None,
) -> Iterator[Scan]:
    for table in tree.find_all(exp.Table):
        if _is_of_a_cte(table, tree):
            continue
        select = table.find_ancestor(exp.Select)
        if select is None:
            raise ValueError(f"{table.name} is read outside a select")
        types = _types_asked(select, table.alias_or_name) or inherited
        if table.name in named:
            passed = types if table.name in PASSING_ON | OF_THE_LOG | {"seldom_events"} else None
            yield from _scans(named[table.name], named, row_groups, passed)
            continue
        needed = {column.name for column in select.find_all(exp.Column)}
        name = TABLES[table.name]
        read = [group for group in row_groups[name] if group.may_have(types)]
        size = sum(size for group in read for column, size in group.sizes.items() if column in needed)
        yield Scan(name, "CURRENT_DATE" in select.sql().upper(), size, len(read))


def _types_asked(select: exp.Select, alias: str) -> frozenset[str] | None:
    """The types that the conditions of a select leave of the events of one relation; `None` where these may be any."""
    wheres = [select.args.get("where"), *(join.args.get("on") for join in select.args.get("joins", []))]
    found = None
    for where in filter(None, wheres):
        condition = where.this if isinstance(where, exp.Where) else where
        found = _both(found, _types(condition, alias))
    return found


def _types(condition: exp.Expr, alias: str) -> frozenset[str] | None:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        return _both(_types(condition.left, alias), _types(condition.right, alias))
    if isinstance(condition, exp.Or):
        left, right = _types(condition.left, alias), _types(condition.right, alias)
        return None if left is None or right is None else left | right
    of = condition.this
    if not (isinstance(of, exp.Column) and of.name == "event_type" and of.table == alias):
        return None
    if isinstance(condition, exp.In) and all(isinstance(each, exp.Literal) for each in condition.expressions):
        return frozenset(each.name for each in condition.expressions) or None
    if isinstance(condition, exp.EQ) and isinstance(condition.expression, exp.Literal):
        return frozenset({condition.expression.name})
    if isinstance(condition, exp.Like) and re.fullmatch(r"[^%_]+%", condition.expression.name):
        return frozenset({condition.expression.name})
    return None


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """Of two conditions that both hold, the narrower one is enough."""
    return min(filter(None, (one, other)), key=len, default=None)


def _row_groups(copy: Path, table: str) -> list[RowGroup]:
    files = [str(file) for file in (copy / "okta" / "tables" / table).rglob("*.parquet")]
    if not files:
        return []
    query = """
        select map_from_entries(list((name, size))), max(least), max(greatest)
        from (
          select file_name, row_group_id, split_part(path_in_schema, ', ', 1) as name, sum(total_compressed_size) as size,
            max(case when path_in_schema = 'event_type' then stats_min_value end) as least, max(case when path_in_schema = 'event_type' then stats_max_value end) as greatest
          from parquet_metadata($files) group by all)
        group by file_name, row_group_id"""
    with database() as connection:
        return [RowGroup(*row) for row in connection.execute(query, {"files": files}).fetchall()]


if __name__ == "__main__":
    print(json.dumps(read(Path(sys.argv[1]))))
    sys.exit(0)
