"""Cases about a person as risk factors of their identity in Authomize, taken back when they close or are accepted.

Authomize's platform API adds risk factors to identities by e-mail address, and deletes of an identity all that were added through it and
not renewed since a time; it knows no single one. So whoever's factors have changed gets all of theirs anew, and what is older than
that is deleted. Factors that somebody else added to that identity through the same API go with it: docs/watch.md says so.
"""

import email.utils
import hashlib
import json
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import duckdb

from findings.tables.history import Tables
from watch.cases import Case, is_at_least
from watch.ledger import Ledger
from watch.wake import Place

PATH = "/v2/inventory/identities/risk"
SCORES = {"critical": 95, "high": 75, "medium": 50, "low": 25, "info": 5}
"""0 to 100."""
TITLE = "Okta: "
MOST_IDENTITIES, MOST_REQUESTS = 100, 400
"""Of a request, and of a wake-up; the rest follows with the next one."""
MOST_FACTORS, MOST_CHARACTERS = 20, 1_000
TIMEOUT_SECONDS = 20
COARSE = timedelta(seconds=2)
"""A time in a header has whole seconds."""

ADDRESSES = """
select id, login, email from (select id, op, login, email, row_number() over (partition by id order by sequence desc) as newest from changes_users) numbered
where newest = 1 and op = 'upsert' and email is not null
"""

Factor = dict[str, Any]
"""{"score", "title", "description"}"""


class Refused(Exception):
    """Authomize does not take it; the message says what it answered."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Authomize(NamedTuple):
    """The platform API. The token is in no text of this object."""

    base_url: str
    token: str

    def __repr__(self) -> str:
        return f"Authomize({self.base_url})"

    def send(self, method: str, body: dict[str, Any]) -> datetime | None:
        """Gives the server's time. Raises `Refused`."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base_url}{PATH}", json.dumps(body).encode(), headers, method=method)
        try:
            with urllib.request.build_opener(NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as answer:
                answer.read(1_000_000)
                return _moment(answer.headers.get("Date"))
        except urllib.error.HTTPError as error:
            raise Refused(f"Authomize answers {error.code} to {method} {PATH}") from None
        except OSError as error:
            raise Refused(f"Authomize does not answer: {type(error).__name__}") from None


def _moment(text: str | None) -> datetime | None:
    try:
        return email.utils.parsedate_to_datetime(text) if text else None
    except ValueError:
        return None


def factors(connection: duckdb.DuckDBPyConnection, place: Place, known: Ledger, least: str) -> dict[str, list[Factor]]:
    """By e-mail address what open cases say of a person, the worst first."""
    Tables(*place).show(connection, known.sequence)
    by_id: dict[str, str] = {}
    by_login: dict[str, str] = {}
    for id, login, address in connection.execute(ADDRESSES).fetchall():
        by_id[id] = address
        by_login[login] = address
    found: dict[str, dict[str, Factor]] = defaultdict(dict)
    for case in sorted(known.cases_open(), key=lambda case: (-SCORES[case["severity"]], case["id"])):
        person = next((by_id[part] for part in case["key"].split(":") if part in by_id), by_login.get(case["name"]))
        if person and is_at_least(case["severity"], least):
            found[person].setdefault(case["finding"], _factor(case))
    return {person: list(told.values())[:MOST_FACTORS] for person, told in found.items()}


def _factor(case: Case) -> Factor:
    return {
        "score": SCORES[case["severity"]],
        "title": f"{TITLE}{case['title']}"[:MOST_CHARACTERS],
        "description": f"{case['detail']}. {case['do']}"[:MOST_CHARACTERS],
    }


def follow(connection: duckdb.DuckDBPyConnection, place: Place, authomize: Authomize, known: Ledger, least: str) -> int:
    """Sends what has changed since; gives how many people are left for the next wake-up. Raises `Refused`."""
    stored, version = place.store.version(key(place.prefix, place.integration))
    sequence, held = _held(stored)
    if sequence == known.sequence:
        return 0
    wanted = factors(connection, place, known, least)
    left = 1
    try:
        left = _bring(authomize, wanted, held)
        return left
    finally:
        # Who has none any more was told so, and is owed nothing.
        kept = {person: digest for person, digest in held.items() if digest != NONE}
        _write(place, known.sequence if not left else 0, kept, version)


def key(prefix: str, integration: str) -> str:
    return f"{prefix}/cases/{integration}.risks.json"


def forget(place: Place, is_meant: Callable[[str], bool]) -> None:
    """Takes people out of what was sent: of whom nothing is to be known any more."""
    stored, version = place.store.version(key(place.prefix, place.integration))
    sequence, held = _held(stored)
    left = {person: digest for person, digest in held.items() if not is_meant(person)}
    if left != held:
        _write(place, sequence, left, version)


def _write(place: Place, sequence: int, held: dict[str, str], version: str | None) -> None:
    told = {"schema": 1, "sequence": sequence, "held": held}
    place.store.replace(key(place.prefix, place.integration), json.dumps(told, indent=1).encode(), version)


def _bring(authomize: Authomize, wanted: dict[str, list[Factor]], held: dict[str, str]) -> int:
    """Notes in `held` what was sent; gives how many people are left."""
    changed = {
        person: wanted.get(person, [])
        for person in sorted(wanted.keys() | held.keys())
        if held.get(person) != _digest(wanted.get(person, []))
    }
    groups: dict[str, list[str]] = defaultdict(list)
    for person, told in changed.items():
        groups[_digest(told)].append(person)
    left, requests = len(changed), 0
    for digest, people in groups.items():
        for first in range(0, len(people), MOST_IDENTITIES):
            if requests >= MOST_REQUESTS:
                return left
            some = people[first : first + MOST_IDENTITIES]
            requests += _send(authomize, some, changed[some[0]])
            left -= len(some)
            held.update(dict.fromkeys(some, digest))
    return left


def _send(authomize: Authomize, people: list[str], told: list[Factor]) -> int:
    """Whom it is about is always named: without a filter it would be everybody."""
    assert people, "nobody is meant"
    who = {"filter": {"email": {"$in": people}}}
    mark = datetime.now(timezone.utc)
    if told:
        server = authomize.send("POST", who | {"risks": told})
        mark = min(mark, server or mark)
    authomize.send(
        "DELETE",
        who | {"since": f"{(mark - COARSE if told else mark).isoformat(timespec='seconds').replace('+00:00', 'Z')}"},
    )
    return 2 if told else 1


def _digest(told: list[Factor]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


NONE = _digest([])


def _held(stored: bytes | None) -> tuple[int, dict[str, str]]:
    """As of which manifest all was sent, and what was sent last by e-mail address. What cannot be read is nothing: all is sent anew."""
    try:
        told = json.loads(stored or b"{}")
        return int(told["sequence"]), dict(told["held"])
    except (ValueError, KeyError, TypeError):
        return 0, {}
