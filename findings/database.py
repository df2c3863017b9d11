"""DuckDB for a while."""

import contextlib
import tempfile
from collections.abc import Iterator
from typing import Any

import duckdb

# Times are UTC, whatever the machine's zone is.
SETTINGS = "set timezone = 'UTC'; set enable_progress_bar = false; set parquet_metadata_cache = true"


def beside(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the same database, for what is asked at the same time. It sees no temporary table of the first one."""
    other = connection.cursor()
    other.execute(SETTINGS)
    return other


def only_row(connection: duckdb.DuckDBPyConnection, query: str, values: Any = None) -> tuple[Any, ...]:
    """The row of a query that has one, whatever is there: counts, sums, the newest time."""
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise ValueError(f"no row: {query}")
    return row


@contextlib.contextmanager
def database(memory_mb: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory; what does not fit goes to a temporary folder. A database file would be packed while it is written, which
    takes as long as all queries."""
    with tempfile.TemporaryDirectory(prefix="findings-") as folder:
        limit = {"memory_limit": f"{memory_mb}MB"} if memory_mb else {}
        connection = duckdb.connect(":memory:", config={"temp_directory": folder, **limit})
        try:
            connection.execute(SETTINGS)
            yield connection
        finally:
            connection.close()
