"""How DuckDB and Athena take a value out of JSON: all that differs between the two, beside where the lines come from."""

from findings.columns import Column, Items


def _members(path: str) -> str:
    """`a.b-c[0]` as the JSON path of both: `$."a"."b-c"[0]` (DuckDB); see `_brackets` for Athena."""
    return "$" + "".join(f'."{name}"{index}' for name, index in _parts(path))


def _brackets(path: str) -> str:
    return "$" + "".join(f'["{name}"]{index}' for name, index in _parts(path))


def _parts(path: str) -> list[tuple[str, str]]:
    parts = []
    for part in filter(None, path.split(".")):
        name, bracket, rest = part.partition("[")
        parts.append((name, bracket + rest))
    return parts


PASSING_ON = frozenset({"kept_activity", "kept_usage", "recent_events"})


class DuckDb:
    """One reading of the JSON gives all columns: `json_extract_string` with a list of paths."""

    name = "duckdb"

    def create(self, view: str) -> str:
        # Tables, so that each is computed once; but what only passes on the log's lines would copy them.
        kind = "view" if view in PASSING_ON else "table"
        return f"create or replace {kind} {view} as"

    def picked(self, json: str, columns: list[Column]) -> str:
        paths = ", ".join(f"'{_members(column.path)}'" for column in columns if column.kind != "id")
        return f"json_extract_string({json}, [{paths}])" if paths else "null"

    def column(self, column: Column, json: str, number: int) -> str:
        text = f"picked[{number}]"
        return {
            "id": "id",
            "text": text,
            "time": f"try_cast({text} as timestamp)",
            "integer": f"try_cast({text} as bigint)",
            "boolean": f"try_cast({text} as boolean)",
        }[column.kind]

    def items(self, json: str, items: Items) -> str:
        return f"unnest(json_extract({json}, '{_members(items.path)}[*]')) with ordinality"


class Athena:
    name = "athena"

    def create(self, view: str) -> str:
        return f"create or replace view {view} as"

    def picked(self, json: str, columns: list[Column]) -> str:
        return json

    def column(self, column: Column, json: str, number: int) -> str:
        path = _brackets(column.path)
        scalar = f"json_extract_scalar(picked, '{path}')"
        return {
            "id": "id",
            # A scalar as it is, an object as its JSON.
            "text": f"coalesce({scalar}, nullif(json_format(json_extract(picked, '{path}')), 'null'))",
            "time": self.time(scalar),
            "integer": f"try_cast({scalar} as bigint)",
            "boolean": f"try_cast({scalar} as boolean)",
        }[column.kind]

    def items(self, json: str, items: Items) -> str:
        path = _brackets(items.path)
        return f"unnest(try_cast(json_extract({json}, '{path}') as array(json))) with ordinality"

    @staticmethod
    def time(text: str) -> str:
        return f"cast(at_timezone(try(from_iso8601_timestamp({text})), 'UTC') as timestamp)"
