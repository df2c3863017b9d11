"""How often Athena reads each table for a query: it computes what a `with` names anew wherever that is named.

    python -m findings.scanned    one JSON object: finding to {table: {"times", "columns"}}
"""

import json
import sys

from collections import Counter, defaultdict

import sqlglot

from sqlglot import exp

from findings import athena, catalog
from findings.tables import shape

TABLES = {athena.table_name(table): table for table in athena.tables()}


def scans() -> dict[str, dict[str, int]]:
    """By finding: how often each table is read."""
    return {finding.id: dict(of_select(select)) for finding, select in athena.queries(catalog.parameters({}), "okta")}


def of_select(select: str) -> Counter:
    tree = sqlglot.parse_one(select, read="athena")
    named = {each.alias: each.this for each in tree.find_all(exp.CTE)}
    return _of_tree(tree, named)


def _of_tree(tree: exp.Expression, named: dict[str, exp.Expression]) -> Counter:
    counted: Counter = Counter()
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


def _is_of_a_cte(table: exp.Table, tree: exp.Expression) -> bool:
    """Whether the table is named by a `with` of the tree, and so counts where that is named."""
    place = table.parent
    while place is not None and place is not tree:
        if isinstance(place, exp.CTE):
            return True
        place = place.parent
    return False


def columns() -> dict[str, dict[str, list[str]]]:
    """By finding: the columns of each table that its query names, those of the relations it does not ask for left out."""
    read: dict[str, dict[str, set[str]]] = {}
    for finding, select in athena.queries(catalog.parameters({}), "okta"):
        words = {column.name for column in sqlglot.parse_one(select, read="athena").find_all(exp.Column)}
        read[finding.id] = defaultdict(set)
        for table in of_select(select):
            read[finding.id][table] = {name for name in athena.table_columns(table) if name in words and name not in shape.SOURCE}
    return {finding: {table: sorted(names) for table, names in tables.items()} for finding, tables in read.items()}


if __name__ == "__main__":
    print(json.dumps({finding: {table: {"times": times, "columns": columns()[finding][table]} for table, times in tables.items()} for finding, tables in scans().items()}))
    sys.exit(0)
