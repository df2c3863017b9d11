"""`make cases`: lists open and accepted cases, shows one with its evidence, accepts one."""

import argparse
import json
import sys
from datetime import datetime
from typing import Any

from findings.asked import BROKEN, TROUBLES, Asked, moment, place, told
from findings.database import database
from findings.store import Conflict
from findings.tables.history import Tables
from watch import accepted, ledger
from watch.cases import ACCEPTED, Case, worst_first
from watch.ledger import Damaged, Ledger


def main(words: list[str] | None = None) -> int:
    given = arguments(words)
    try:
        asked = Asked.of(given)
        known, _ = ledger.read(asked.store, asked.prefix, asked.integration)
        if known.sequence == 0:
            print(
                f"make cases: {asked.store}: nothing is known of integration {asked.integration!r}: make watch looks first",
                file=sys.stderr,
            )
            return BROKEN
        if given.accept:
            return _accept(given, asked, known)
        there = _listed(asked, known)
        if given.id or given.plan:
            return _one(given, asked, there)
        print(json.dumps(there, indent=1, ensure_ascii=False) if given.json else _table(there, known))
        return 0
    except (*TROUBLES, Damaged, Conflict, ValueError) as trouble:
        return told("make cases", trouble)


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make cases",
        description="Open and accepted cases of a copy of the bucket, as the newest wake-up left them.",
    )
    place(parser)
    parser.add_argument(
        "id", nargs="?", help="a case's id, or the beginning of it: that case with the lines that are its evidence"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--plan", metavar="ID", help="what can be done about a case: a checklist, and a shell script")
    parser.add_argument(
        "--accept",
        metavar="ID",
        help="accept a case, with --reason and perhaps --until; a finding's name accepts all of its cases",
    )
    parser.add_argument("--reason", help="why it is accepted")
    parser.add_argument("--until", metavar="TIME", help="until when: 2026-12-31, or 2026-12-31T12:00:00Z")
    return parser.parse_args(words)


def _listed(asked: Asked, known: Ledger) -> list[Case]:
    """With what was accepted since; what has ended counts from the next commit on."""
    acceptances, wrong = accepted.read(asked.store, asked.prefix, asked.integration)
    for text in wrong:
        print(f"make cases: {text}", file=sys.stderr)
    now = datetime.fromisoformat(known.committed_at.rstrip("Z"))
    return worst_first(
        case if case["state"] == ACCEPTED else accepted.applied(case, acceptances, now) for case in known.cases
    )


def _found(there: list[Case], id: str) -> Case:
    found = [case for case in there if case["id"].startswith(id)]
    if len(found) != 1:
        raise ValueError(
            f"{'no' if not found else len(found)} case{'' if len(found) < 2 else 's'} of the list {'begin' if len(found) > 1 else 'begins'} with {id!r}"
        )
    return found[0]


def _accept(given: argparse.Namespace, asked: Asked, known: Ledger) -> int:
    if not (given.reason or "").strip():
        raise ValueError("--accept wants --reason, which others will read")
    if given.until and moment(given.until) <= datetime.fromisoformat(known.committed_at.rstrip("Z")):
        raise ValueError(f"--until {given.until} is past: the newest commit is of {known.committed_at}")
    findings = {case["finding"] for case in known.cases}
    is_finding = given.accept in findings
    case = None if is_finding else _found(known.cases, given.accept)
    meant = {"finding": given.accept} if case is None else {"finding": case["finding"], "key": case["key"]}
    accepted.add(
        asked.store,
        asked.prefix,
        asked.integration,
        meant | {"reason": given.reason} | ({"until": given.until} if given.until else {}),
    )
    print(
        f"accepted: {given.accept if case is None else case['name']}, until {given.until or 'somebody takes it out'} ({accepted.object_key(asked.prefix, asked.integration)})"
    )
    return 0


def _one(given: argparse.Namespace, asked: Asked, there: list[Case]) -> int:
    if given.plan:
        from watch import checklist

        case = _found(there, given.plan)
        print(json.dumps(case.get("plan", []), indent=1, ensure_ascii=False) if given.json else checklist.text(case))
        return 0
    case = _found(there, given.id)
    lines = _evidence(asked, case)
    if given.json:
        print(json.dumps(case | {"lines": lines}, indent=1, ensure_ascii=False))
        return 0
    told_of = ("severity", "finding", "title", "name", "detail", "first_seen", "last_seen", "state", "reason", "do")
    print("\n".join([f"  {name:<11}{case[name]}" for name in told_of if case.get(name)]))
    print("\nEvidence:\n" + "\n".join(json.dumps(line, indent=1, ensure_ascii=False) for line in lines))
    return 0


def _evidence(asked: Asked, case: Case) -> list[dict[str, Any]]:
    """The rows of the tables that the case names: events, or the newest of records."""
    tables = Tables(asked.store, asked.prefix, asked.integration)
    parts = list(dict.fromkeys([*case["evidence"], *(part for id in case["evidence"] for part in id.split(":"))]))
    with database() as connection:
        tables.show(connection, tables.progress()[0].place.sequence)
        names = [
            name.removeprefix("changes_")
            for (name,) in connection.execute(
                "select view_name from duckdb_views() where starts_with(view_name, 'changes_')"
            ).fetchall()
        ]
        rows = " union all ".join(
            f"select '{name}' as stream, id, op, sequence, changed_at, cause, source from changes_{name} where id in (select unnest($ids))"
            for name in sorted(names)
        )
        newest = f"select * from ({rows}) found qualify row_number() over (partition by stream, id order by sequence desc) = 1 order by stream, id"
        found = connection.execute(newest, {"ids": parts}).fetchall()
    return [
        {
            "stream": stream,
            "id": id,
            "op": op,
            "sequence": sequence,
            "changed_at": f"{at.isoformat(timespec='milliseconds')}Z",
            "cause": cause,
            "source": json.loads(source or "null"),
        }
        for stream, id, op, sequence, at, cause, source in found
    ]


def _table(there: list[Case], known: Ledger) -> str:
    lines = [f"As of manifest {known.sequence} ({known.committed_at})", ""]
    lines += [
        f"  {case['id'][:8]}  {case['severity']:<9}{case['state']:<9}{case['finding']:<26}{case['name']}: {case['detail']}"
        for case in there
    ]
    return "\n".join(
        [
            *lines,
            "",
            f'  {len(there):,} cases; make cases ARGS=ID shows one, ARGS="--plan ID" what can be done about it',
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
