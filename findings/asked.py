"""What the programs that ask a copy of the bucket have in common: its place, a time of the past, and what to say when it fails."""

import argparse
import os
import sys
from datetime import datetime, time
from pathlib import Path
from typing import NamedTuple

import duckdb

from findings.bucket import Unreadable, utc
from findings.store import Directory
from findings.tables.append import Broken
from findings.tables.history import Progress, Tables

BROKEN = 2
"""Exit status where the data breaks the contract or cannot be read."""
MOST_SHOWN = 20
TROUBLES = (Unreadable, Broken, OSError, duckdb.Error)


class Asked(NamedTuple):
    """One integration in a copy of the bucket."""

    store: Directory
    prefix: str
    integration: str

    @classmethod
    def of(cls, given: argparse.Namespace) -> "Asked":
        """Raises `Unreadable`."""
        prefix = given.prefix.strip("/")
        if not given.dir.is_dir():
            raise Unreadable(f"{given.dir}: no such directory; --dir names a copy of the bucket, e.g. of `aws s3 sync`")
        return cls(Directory(given.dir, prefix), prefix, given.integration)

    @staticmethod
    def until(connection: duckdb.DuckDBPyConnection, tables: Tables, progress: Progress, as_of: str | None) -> int:
        """The manifest up to which is asked. Raises `Unreadable` where there was none yet."""
        newest = progress.place.sequence
        if as_of is None:
            return newest
        if as_of.isascii() and as_of.isdigit():
            if not 0 < int(as_of) <= newest:
                raise Unreadable(f"there is no manifest {as_of}; the newest is {newest}")
            sequence = int(as_of)
        else:
            sequence = min(tables.sequence_at(connection, moment(as_of)), newest)
        if not sequence:
            raise Unreadable(f"nothing was committed until {as_of}")
        tables.must_know(sequence)
        return sequence


def moment(text: str) -> datetime:
    """A time as UTC without a zone; a day is its end. Raises `ValueError`."""
    if len(text) == len("2026-11-01"):
        try:
            return datetime.combine(datetime.fromisoformat(text), time.max)
        except ValueError:
            raise ValueError(f"{text!r} is not a day: wanted 2026-11-01") from None
    return utc(text)


def place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", type=Path, default=Path("out"), help="copy of the bucket (default: out)")
    parser.add_argument("--prefix", default="okta", help="key prefix (default: okta)")
    parser.add_argument("--integration", default="okta", help="the integration's slug (default: okta)")


def told(program: str, trouble: Exception) -> int:
    """Says what is wrong on standard error; gives the exit status."""
    if isinstance(trouble, BrokenPipeError):
        # Whoever stops reading has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(trouble, Broken):
        count = len(trouble.violations)
        print(
            f"{program}: the data breaks the contract ({count}); nothing is concluded from it, and nothing was written",
            file=sys.stderr,
        )
        for violation in trouble.violations[:MOST_SHOWN]:
            print(f"  {violation}", file=sys.stderr)
        print(
            "  make peek tells more; copy the bucket anew, or restore the versions that were written first",
            file=sys.stderr,
        )
    elif isinstance(trouble, duckdb.Error):
        print(
            f"{program}: {str(trouble).splitlines()[0]}; if it names a file below tables/, remove that folder: it is made anew",
            file=sys.stderr,
        )
    else:
        print(f"{program}: {trouble}", file=sys.stderr)
    return BROKEN
