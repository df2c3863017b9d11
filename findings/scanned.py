"""How often Athena reads each table for a query: it computes what a `with` names anew wherever that is named.

python -m findings.scanned DIR    one JSON object: finding to [table, of recent days alone, bytes] of each scan of a copy's tables
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify

from findings import athena, catalog
from findings.database import database

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


def read(copy: Path) -> dict[str, list[tuple[str, bool, int]]]:
    """By finding: (table, whether of recent days alone, bytes) of each scan: the columns that it needs, by their sizes in a copy's tables.
    Row groups that an engine leaves out are counted, too."""
    sizes = {table: _column_bytes(copy, table) for table in athena.tables()}
    columns = {name: [*athena.table_columns(table), *athena.partitions(table)] for name, table in TABLES.items()}
    schema: dict[str, object] = {name: dict.fromkeys(each, "varchar") for name, each in columns.items()}
    found = {}
    for finding, select in athena.queries(catalog.parameters({}), "okta"):
        qualified = qualify(
            sqlglot.parse_one(select, read="athena"), schema=schema, dialect="athena", validate_qualify_columns=False
        )
        tree = pushdown_projections(qualified)
        found[finding.id] = list(_scans(tree, {each.alias: each.this for each in tree.find_all(exp.CTE)}, sizes))
    return found


def _scans(
    tree: exp.Expr, named: dict[str, exp.Expr], sizes: dict[str, dict[str, int]]
) -> Iterator[tuple[str, bool, int]]:
    for table in tree.find_all(exp.Table):
        if _is_of_a_cte(table, tree):
            continue
        if table.name in named:
            yield from _scans(named[table.name], named, sizes)
            continue
        select = table.find_ancestor(exp.Select)
        if select is None:
            raise ValueError(f"{table.name} is read outside a select")
        needed = {column.name for column in select.find_all(exp.Column)}
        name = TABLES[table.name]
        yield (
            name,
            "CURRENT_DATE" in select.sql().upper(),
            sum(size for column, size in sizes[name].items() if column in needed),
        )


def _column_bytes(copy: Path, table: str) -> dict[str, int]:
    files = [str(file) for file in (copy / "okta" / "tables" / table).rglob("*.parquet")]
    if not files:
        return {}
    with database() as connection:
        query = (
            "select split_part(path_in_schema, ', ', 1), sum(total_compressed_size) from parquet_metadata(?) group by 1"
        )
        return dict(connection.execute(query, [files]).fetchall())


if __name__ == "__main__":
    print(json.dumps(read(Path(sys.argv[1]))))
    sys.exit(0)
