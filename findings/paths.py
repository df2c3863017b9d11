"""`make paths`: who can become super admin, by which steps."""

import argparse
import json
import sys
from datetime import datetime
from typing import Any

import duckdb

from findings import answers, catalog, opengraph, removals
from findings.asked import TROUBLES, Asked, place, told
from findings.database import database
from findings.tables import append

# With the words in which the log tells that a step was gone.
STEPS = """
select s.number, s.source_id, s.target_id, s.kind, s.reason, s.source_name, s.target_name, coalesce(e.published, s.changed_at) as since, s.cause as event,
  case s.kind
    when 'holds' then case s.source_type when 'User' then c.last_used_at when 'App' then t.last_used_at end
    when 'member' then c.last_used_at when 'links' then i.last_used_at else d.last_used_at end as last_used
from path_steps s
left join events e on e.event_id = s.cause
left join console_use c on c.user_id = s.source_id
left join idp_use i on i.user_id = s.target_id and i.idp_id = s.source_id and s.kind = 'links'
left join (
  select actor_id, max(published) as last_used_at from events where event_type = 'app.oauth2.token.grant.access_token' and result = 'SUCCESS' group by actor_id
) t on t.actor_id = s.source_id
left join (
  select v.actor_id, g.target_id, case v.event_type when 'app.oauth2.client.read_client_secret' then 'reads_secret' when 'group.user_membership.add' then 'manages_members' else 'resets' end as kind, max(v.published) as last_used_at
  from events v join event_targets g on g.event_id = v.event_id
  where v.result = 'SUCCESS' and v.event_type in ('app.oauth2.client.read_client_secret', 'group.user_membership.add', 'user.mfa.factor.reset_all', 'user.mfa.factor.deactivate', 'user.account.reset_password', 'user.account.expire_password')
  group by all
) d on d.actor_id = s.source_id and d.target_id = s.target_id and d.kind = s.kind
where s.number in (select unnest(steps) from ways)
"""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make paths",
        description="The shortest way of everyone who can become super admin or organization administrator, from a copy of the bucket. Exits with 2 where the data breaks the contract or cannot be read.",
    )
    place(parser)
    parser.add_argument(
        "--at",
        metavar="TIME",
        help="as it was then: 2026-11-01 (the end of that day, UTC), 2026-11-01T12:00:00Z, or a manifest's number",
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one array of {principal, type, name, to, length, edges}")
    shape.add_argument(
        "--opengraph",
        action="store_true",
        help="BloodHound's OpenGraph JSON instead, by the schema of its Okta extension",
    )
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    given = arguments(words)
    try:
        with database() as connection:
            asked = Asked.of(given)
            tables, progress = append.bring_up_to_date(connection, asked.store, asked.prefix, asked.integration)
            tables.show(connection, asked.until(connection, tables, progress, given.at))
            more = [*opengraph.NODES.values(), *opengraph.EDGES.values()] if given.opengraph else []
            answers.build_ways(connection, catalog.parameters({}), "\n".join([STEPS, *more]))
            if given.opengraph:
                sys.stdout.writelines(opengraph.text(connection, progress.place.org or asked.integration))
            elif given.json:
                print(json.dumps(ways(connection), indent=1, ensure_ascii=False))
            else:
                print("\n".join(text(ways(connection), removals.fewest(connection))))
    except (*TROUBLES, ValueError) as trouble:
        return told("make paths", trouble)
    return 0


def ways(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """As the contract has them: super admin before organization administrator, short ways before long ones."""
    asked = connection.execute(STEPS)
    names = [name for name, *_ in asked.description]
    steps = {row[0]: dict(zip(names, row, strict=True)) for row in asked.fetchall()}
    rows = connection.execute(
        "select principal_id, principal_type, name, goal, length, steps from ways order by goal desc, length, name, principal_id"
    ).fetchall()
    return [
        {
            "principal": id,
            "type": type,
            "name": name,
            "to": goal,
            "length": length,
            "edges": [_edge(steps[number]) for number in numbers],
        }
        for id, type, name, goal, length, numbers in rows
    ]


def _edge(step: dict[str, Any]) -> dict[str, Any]:
    return {
        "from": step["source_id"],
        "to": step["target_id"],
        "kind": step["kind"],
        "reason": step["reason"],
        "since": _stamp(step["since"]),
        "event": step["event"],
        "last_used": _stamp(step["last_used"]),
        "from_name": step["source_name"],
        "to_name": step["target_name"],
    }


def _stamp(moment: datetime | None) -> str | None:
    return f"{moment.isoformat(timespec='milliseconds')}Z" if moment else None


def text(found: list[dict[str, Any]], closing: removals.Removals) -> list[str]:
    """For people."""
    lines = []
    for way in found:
        lines.append(
            f"{way['name']} ({way['type']}) to {way['to']}, {way['length']} {'step' if way['length'] == 1 else 'steps'}"
        )
        for edge in way["edges"]:
            used = f", last used {edge['last_used'][:10]}" if edge["last_used"] else ""
            lines.append(
                f"    {edge['kind']:<16} {edge['to_name']}: {edge['reason']}; since {edge['since'][:10]}{used}"
            )
    lines.append(
        f"\n{len(found)} ways. Those that nobody granted are closed by {'these' if closing.is_fewest else 'these (perhaps not the fewest)'}:"
    )
    lines += [f"  - {removal.text}" for removal in closing.found] or ["  nothing to remove"]
    return lines


if __name__ == "__main__":
    sys.exit(main())
