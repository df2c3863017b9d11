"""`make watch`: one wake-up on a copy of the bucket."""

import argparse
import json
import sys
from typing import Any

from findings.asked import TROUBLES, Asked, place, told
from findings.database import database
from findings.store import Conflict
from watch import ledger
from watch.cases import Case, worst_first
from watch.ledger import Damaged, Ledger
from watch.wake import Place, Woken, wake

REPORT = "report"
"""The place of a copy's announcements: standard output."""


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="make watch",
        description="One wake-up: brings tables and cases up to the newest manifest, and tells what has opened and closed. "
        "Exits with 2, and writes nothing, where the data breaks the contract or cannot be read.",
    )
    place(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help='{"integration", "sequence", "opened", "closed", "digest", "open"} for programs',
    )
    given = parser.parse_args(words)
    try:
        asked = Asked.of(given)
        here = Place(asked.store, asked.prefix, asked.integration)
        # Two wake-ups on one machine come one after the other, so that only one has the news.
        with database() as connection, here.store.alone(f"{here.integration}.watch"):
            woken = wake(connection, here, lambda severity: [REPORT])
            print(_text(_report(here, woken.ledger), given.json), flush=True)
            _is_told(here, woken)
        return 0
    except (*TROUBLES, Damaged, Conflict) as trouble:
        return told("make watch", trouble)


def _report(here: Place, known: Ledger) -> dict[str, Any]:
    """What was not announced yet."""
    due = [word for word in known.outbox if REPORT in word["to"]]
    digest = next((word["digest"] for word in due if word["change"] == "digest"), None)
    # A case may have opened and closed since the last announcement: then it is in both lists.
    changes = {
        change: worst_first(word["case"] for word in due if word["change"] == change) for change in ("opened", "closed")
    }
    return {
        "integration": here.integration,
        "sequence": known.sequence,
        **changes,
        "digest": digest,
        "open": len(known.cases_open()),
        "accepted": len(known.cases) - len(known.cases_open()),
    }


def _is_told(here: Place, woken: Woken) -> None:
    left = [word | {"to": [to for to in word["to"] if to != REPORT]} for word in woken.ledger.outbox]
    left = [word for word in left if word["to"]]
    if left != woken.ledger.outbox:
        ledger.write(*here, woken.ledger._replace(outbox=left), woken.version)


def _text(report: dict[str, Any], is_json: bool) -> str:
    if is_json:
        return json.dumps(report, ensure_ascii=False)
    lines = [
        f"{report['integration']}, as of manifest {report['sequence']}: {report['open']:,} cases are open, {report['accepted']:,} accepted"
    ]
    if report["digest"] is not None:
        counted = ", ".join(f"{count:,} {severity}" for severity, count in report["digest"].items()) or "nothing"
        lines += [
            "",
            f"  The first snapshot shows: {counted}. make cases lists them; from now on each new case is told.",
        ]
    for change in ("opened", "closed"):
        lines += ["", f"  {change}:", *map(_line, report[change])] if report[change] else []
    return "\n".join(lines)


def _line(case: Case) -> str:
    return f"  {case['severity']:<10}{case['finding']:<26}{case['name']}: {case['detail']}"


if __name__ == "__main__":
    sys.exit(main())
