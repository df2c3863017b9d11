"""DuckDB for a while."""

import contextlib
import tempfile

from collections.abc import Iterator
from pathlib import Path

import duckdb


@contextlib.contextmanager
def database(memory_mb: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in a temporary file, so that a large org does not have to fit into memory."""
    with tempfile.TemporaryDirectory(prefix="findings-") as folder:
        limit = {"memory_limit": f"{memory_mb}MB"} if memory_mb else {}
        connection = duckdb.connect(str(Path(folder, "state.duckdb")), config={"temp_directory": folder} | limit)
        try:
            # Times are UTC, whatever the machine's zone is.
            connection.execute("set timezone = 'UTC'; set enable_progress_bar = false")
            yield connection
        finally:
            connection.close()
