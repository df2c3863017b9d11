"""How DuckDB and Athena take a value out of JSON and out of lists: all that differs between the two."""

from findings.columns import Column


def _members(path: str) -> str:
    """`a.b-c[0]` as a JSON path: `$."a"."b-c"[0]`."""
    return "$" + "".join(f'."{name}"{index}' for name, index in _parts(path))


def _parts(path: str) -> list[tuple[str, str]]:
    parts = []
    for part in filter(None, path.split(".")):
        name, bracket, rest = part.partition("[")
        parts.append((name, bracket + rest))
    return parts


ALL = ["*"]
"""The columns of a relation, whichever it has."""
PASSING_ON = frozenset(
    {
        "usage_lines",
        "recent_events",
        "told_events",
        "event_targets",
        "recent_targets",
        "seldom_targets",
        "sign_ins",
        "admins_then",
    }
)
"""Relations that pass on rows of the log: whoever asks for events of some types reads no others."""
OF_THE_LOG = frozenset({"events"})
"""A long log is not copied: Parquet gives each query the columns that it asks for. A short one is copied sooner than its files are
opened again and again."""


class DuckDb:
    """One reading of the JSON gives all columns: `json_extract_string` with a list of paths."""

    name = "duckdb"

    @staticmethod
    def create(name: str, is_log_long: bool = False) -> str:
        # Tables, so that each is computed once; but what only passes on the log's rows would copy them.
        kind = "view" if name in PASSING_ON or is_log_long and name in OF_THE_LOG else "table"
        return f"create or replace {kind} {name} as"

    @staticmethod
    def items(relation: str, keys: list[str], column: str, names: list[str]) -> str:
        """A row for each item of a list, with columns of the record, or all. To unnest in a select takes a quarter of the time of a join."""
        fields = ", ".join(f"item.{name} as {name}" for name in names)
        unnested = f"unnest(generate_series(1, len({column}))) as position, unnest({column}) as item"
        shown = "* exclude (item)" if keys == ALL else ", ".join([*keys, "position"])
        return f"select {shown}, {fields}\nfrom (select {', '.join(keys)}, {unnested} from {relation}) listed"

    @staticmethod
    def greatest(items: str, name: str) -> str:
        """Of a list of rows the greatest text of one field."""
        return f"list_max(list_transform({items}, lambda item: item.{name}))"

    @staticmethod
    def path(path: str) -> str:
        return _members(path)

    @staticmethod
    def picked(json: str, columns: list[Column]) -> str:
        paths = ", ".join(f"'{_members(column.path)}'" for column in columns if column.kind != "id")
        return f"json_extract_string({json}, [{paths}])" if paths else "null"

    @staticmethod
    def column(column: Column, picked: str, number: int) -> str:
        text = f"{picked}[{number}]"
        return {
            "id": "id",
            "text": text,
            "time": f"try_cast({text} as timestamp)",
            "integer": f"try_cast({text} as bigint)",
            "boolean": f"try_cast({text} as boolean)",
        }[column.kind]


class Athena:
    name = "athena"

    @staticmethod
    def items(relation: str, keys: list[str], column: str, names: list[str]) -> str:
        """A row for each item of a list; of a list of rows each field becomes a column."""
        shown = ", ".join([*(f"c.{key}" for key in keys), "u.position", *(f"u.{name}" for name in names)])
        return f"select {shown}\nfrom {relation} c cross join unnest(c.{column}) with ordinality as u ({', '.join([*names, 'position'])})"

    @staticmethod
    def greatest(items: str, name: str) -> str:
        return f"array_max(filter(transform({items}, item -> item.{name}), text -> text is not null))"
