"""How often Athena reads each table for a query: it computes a view anew wherever a query names it.

    python -m findings.scanned    one JSON object: view or finding to {stream: times}
"""

import functools
import json
import sys

from collections import Counter

import sqlglot

from sqlglot import exp

from findings import athena, catalog

RAW = "raw_"


def scans() -> dict[str, dict[str, int]]:
    """By view and by finding: how often the lines of each stream are read."""
    values = catalog.parameters({})
    selects = dict(athena.selects(values))

    @functools.cache
    def of_view(name: str) -> Counter:
        return of_select(selects[name])

    def of_select(select: str) -> Counter:
        tree = sqlglot.parse_one(select, read="athena")
        return of_tree(tree, {each.alias: each.this for each in tree.find_all(exp.CTE)})

    def of_tree(tree: exp.Expression, named: dict[str, exp.Expression]) -> Counter:
        counted = Counter()
        for table in tree.find_all(exp.Table):
            if _is_of_a_cte(table, tree):
                continue
            if table.name in named:
                counted += of_tree(named[table.name], named)
            elif table.name.startswith(RAW):
                counted[table.name.removeprefix(RAW)] += 1
            else:
                counted += of_view(table.name)
        return counted

    asked = {finding.id: of_select(select) for finding, select in athena.queries(values)}
    return {name: dict(times) for name, times in ({name: of_view(name) for name in selects} | asked).items()}


def _is_of_a_cte(table: exp.Table, tree: exp.Expression) -> bool:
    """Whether the table is named by a `with` of the tree, and so counts where that is named."""
    place = table.parent
    while place is not None and place is not tree:
        if isinstance(place, exp.CTE):
            return True
        place = place.parent
    return False


if __name__ == "__main__":
    print(json.dumps(scans()))
    sys.exit(0)
