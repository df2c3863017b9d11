"""`make findings`: what the committed state says about posture and attacks."""

import argparse
import contextlib
import datetime
import json
import sys
import time

from pathlib import Path

from findings import answers, catalog, load, ocsf, table, who
from findings.answers import Answer
from findings.bucket import Log, Unreadable
from findings.load import MOST_SHOWN

BROKEN = 2


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make findings",
        description="Posture and attacks, from a copy of the bucket. Exits with 0, whatever was found; "
        "with 2 where the data breaks the contract or cannot be read.",
    )
    parser.add_argument("--dir", type=Path, default=Path("out"), help="copy of the bucket (default: out)")
    parser.add_argument("--prefix", default="okta", help="key prefix (default: okta)")
    parser.add_argument("--integration", default="okta", help="the integration's slug (default: okta)")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one array of {id, severity, title, count, examples}")
    parser.add_argument("--table", action="store_true", help="the table, too, on standard error")
    shape.add_argument("--ocsf", action="store_true", help="OCSF Compliance and Detection Findings as JSON Lines")
    shape.add_argument("--who", metavar="USER", help="instead: what this user (id or login) can reach, by which path, since when, last used")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="this finding with every case; may be repeated")
    parser.add_argument("--examples", type=int, default=table.SHOWN, metavar="N", help="examples in the table (default: 3)")
    parser.add_argument("--counts", type=Path, metavar="FILE", help="write the counts by severity, for the status page")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER", help="a threshold, e.g. dormant_days=60")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    asked = arguments(words)
    started = time.monotonic()
    try:
        values = catalog.parameters(_given(asked.set))
        _known(asked.only)
        log = Log.read(asked.dir, asked.prefix.strip("/"), asked.integration)
    except (Unreadable, catalog.UnknownParameter, ValueError, OSError) as error:
        print(f"make findings: {error}", file=sys.stderr)
        return BROKEN
    with load.database() as connection:
        violations = load.load(connection, log)
        if violations:
            return _broken(violations)
        answers.build_views(connection, values)
        if asked.who:
            return _who(connection, asked.who)
        given = answers.answers(connection, values)
        now = connection.execute("select now from clock").fetchone()[0]
    given = [answer for answer in given if not asked.only or answer.finding.id in asked.only]
    if asked.counts:
        _write_counts(asked.counts, given, log)
    if asked.json:
        print(json.dumps([_object(answer, bool(asked.only)) for answer in given], indent=1, ensure_ascii=False))
    elif asked.ocsf:
        for event in ocsf.events(given, log.org or "", asked.integration, now):
            print(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
    if asked.table or not (asked.json or asked.ocsf):
        with contextlib.redirect_stdout(sys.stderr if asked.table else sys.stdout):
            _show(given, log, started, sys.maxsize if asked.only else asked.examples)
    return 0


def _write_counts(file: Path, given: list[Answer], log: Log) -> None:
    """Writes what the status page shows, as `status/{integration}.findings.json` in the bucket holds it."""
    severities: dict[str, int] = {}
    for answer in given:
        severities[answer.finding.severity] = severities.get(answer.finding.severity, 0) + len(answer.cases)
    made_at = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"schema": 1, "made_at": made_at, "sequence": log.commits[-1][0], "severities": severities}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told, indent=2) + "\n")


def _who(connection, user: str) -> int:
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


def _broken(violations: list[str]) -> int:
    print(f"make findings: the data breaks the contract ({len(violations)}); nothing is concluded from it", file=sys.stderr)
    for violation in violations[:MOST_SHOWN]:
        print(f"  {violation}", file=sys.stderr)
    print("  make peek tells more; copy the bucket anew, or restore the versions that were written first", file=sys.stderr)
    return BROKEN


def _object(answer: Answer, every: bool) -> dict:
    shown = answer.cases if every else answer.cases[: answers.EXAMPLES]
    return {
        "id": answer.finding.id,
        "severity": answer.finding.severity,
        "title": answer.finding.title,
        "count": len(answer.cases),
        "examples": [
            {"id": case.id, "name": case.name, "detail": case.detail, "at": case.at and f"{case.at.isoformat(timespec='milliseconds')}Z"}
            for case in shown
        ],
    }


def _show(given: list[Answer], log: Log, started: float, examples: int) -> None:
    print(f"{log.integration} of {log.org}, as of manifest {log.commits[-1][0]} ({log.commits[-1][1]:%Y-%m-%d %H:%M} UTC)\n")
    print("\n".join(table.text(given, examples)))
    print(f"\n  {len(given)} findings asked in {time.monotonic() - started:.1f} s; docs/findings.md says what each means.")


if __name__ == "__main__":
    sys.exit(main())
