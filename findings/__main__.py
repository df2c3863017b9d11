"""`make findings`: what the committed state says about posture and attacks."""

import argparse
import contextlib
import json
import sys
import time
from typing import Any

import duckdb

from findings import answers, catalog, ocsf, table, who
from findings.answers import Answer
from findings.asked import BROKEN, TROUBLES, Asked, place, told
from findings.database import database, only_row
from findings.tables import append


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make findings",
        description="Posture and attacks, from a copy of the bucket. Exits with 0, whatever was found; "
        "with 2 where the data breaks the contract or cannot be read.",
    )
    place(parser)
    parser.add_argument(
        "--as-of",
        metavar="TIME",
        help="as it was then: 2026-11-01 (the end of that day, UTC), 2026-11-01T12:00:00Z, or a manifest's number",
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one array of {id, severity, title, count, examples}")
    parser.add_argument("--table", action="store_true", help="the table, too, on standard error")
    shape.add_argument("--ocsf", action="store_true", help="OCSF Compliance and Detection Findings as JSON Lines")
    shape.add_argument(
        "--who",
        metavar="USER",
        help="instead: what this user (id or login) can reach, by which path, since when, last used",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID", help="this finding with every case; may be repeated"
    )
    parser.add_argument(
        "--examples", type=int, default=table.SHOWN, metavar="N", help="examples in the table (default: 3)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=NUMBER", help="a threshold, e.g. dormant_days=60"
    )
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    given = arguments(words)
    started = time.monotonic()
    try:
        values = catalog.parameters(_given(given.set))
        _known(given.only)
        with database() as connection:
            asked = Asked.of(given)
            tables, progress = append.bring_up_to_date(connection, asked.store, asked.prefix, asked.integration)
            until = asked.until(connection, tables, progress, given.as_of)
            tables.show(connection, until)
            if given.who:
                answers.build_ways(connection, values, who.REACH)
            else:
                answers.build_views(connection, values)
            return _answer(connection, given, values, progress.place.org or "", started)
    except (*TROUBLES, catalog.UnknownParameter, ValueError) as trouble:
        return told("make findings", trouble)


def _answer(
    connection: duckdb.DuckDBPyConnection, given: argparse.Namespace, values: dict[str, int], org: str, started: float
) -> int:
    if given.who:
        return _who(connection, given.who)
    found = answers.answers(connection, values)
    sequence, now = only_row(connection, "select max(sequence), max(committed_at) from commits")
    found = [answer for answer in found if not given.only or answer.finding.id in given.only]
    if given.json:
        print(json.dumps([_object(answer, bool(given.only)) for answer in found], indent=1, ensure_ascii=False))
    elif given.ocsf:
        for event in ocsf.events(found, org, given.integration, now):
            print(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
    if given.table or not (given.json or given.ocsf):
        with contextlib.redirect_stdout(sys.stderr if given.table else sys.stdout):
            print(f"{given.integration} of {org}, as of manifest {sequence} ({now:%Y-%m-%d %H:%M} UTC)\n")
            _show(found, started, sys.maxsize if given.only else given.examples)
    return 0


def _who(connection: duckdb.DuckDBPyConnection, user: str) -> int:
    lines = who.text(connection, user)
    if not lines:
        print(f"make findings: no user has the id or login {user!r}", file=sys.stderr)
        return BROKEN
    print("\n".join(lines))
    return 0


def _given(words: list[str]) -> dict[str, int]:
    pairs = [word.partition("=") for word in words]
    wrong = [name for name, _, number in pairs if not number.isascii() or not number.isdigit()]
    if wrong:
        raise ValueError(f"--set wants NAME=NUMBER, a whole number from 0; wrong: {', '.join(wrong)}")
    return {name: int(number) for name, _, number in pairs}


def _known(ids: list[str]) -> None:
    known = [finding.id for finding in catalog.findings()]
    if unknown := [each for each in ids if each not in known]:
        raise ValueError(f"no finding {', '.join(unknown)}; there are: {', '.join(sorted(known))}")


def _object(answer: Answer, every: bool) -> dict[str, Any]:
    shown = answer.cases if every else answer.cases[: answers.EXAMPLES]
    return {
        "id": answer.finding.id,
        "severity": answer.finding.severity,
        "title": answer.finding.title,
        "count": len(answer.cases),
        "examples": [
            {
                "id": case.id,
                "name": case.name,
                "detail": case.detail,
                "at": case.at and f"{case.at.isoformat(timespec='milliseconds')}Z",
            }
            for case in shown
        ],
    }


def _show(given: list[Answer], started: float, examples: int) -> None:
    print("\n".join(table.text(given, examples)))
    print(
        f"\n  {len(given)} findings asked in {time.monotonic() - started:.1f} s; docs/findings.md says what each means."
    )


if __name__ == "__main__":
    sys.exit(main())
