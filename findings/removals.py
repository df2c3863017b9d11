"""The fewest removals that close every way to super admin but those of the super admins themselves.

A way is closed by any of its steps; what one removal takes may be on many ways. Every removal that the shortest open way offers is
tried in turn, with few removals before many, so that what is found is the fewest, as long as the search ends in time.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import duckdb

from findings import ways

OWN_WAYS = frozenset({("holds",), ("member", "holds")})
MOST_LOOKS = 200
"""Looks at what is left open, before the search goes on with the removal that is on most ways."""


class Step(NamedTuple):
    number: int
    source: str
    source_type: str
    source_name: str
    target: str
    target_name: str
    kind: str
    record: str


class Removal(NamedTuple):
    """What can be taken away: a record, an app's readable secret, or an IdP's links."""

    what: str
    id: str
    text: str


class Removals(NamedTuple):
    found: list[Removal]
    is_fewest: bool
    """Whether there is no smaller set."""


def offers(step: Step) -> list[Removal]:
    """The removals that take a step away. A super admin stays one."""
    if step.kind == "holds" and step.source_type != "App" or step.kind == "member":
        return []
    if step.kind == "links":
        return [
            Removal(
                "links", step.source, f"restrict the IdP {step.source_name} to groups without admins, and unlink them"
            )
        ]
    role = Removal(
        "record", step.record, f"take the role from {step.source_name} that gives: {step.kind} {step.target_name}"
    )
    if step.kind == "reads_secret":
        return [
            Removal("secret", step.target, f"let the app {step.target_name} sign in with a key in place of a secret"),
            role,
        ]
    if step.kind == "owns":
        return [role._replace(text=f"take {step.source_name} off the owners of {step.target_name}")]
    if step.kind == "rule":
        return [role._replace(text=f"switch off the group rule into {step.target_name}")]
    return [role]


class _Search:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        columns = ", ".join(
            ("number", "source_id", "source_type", "source_name", "target_id", "target_name", "kind", "record")
        )
        self.steps = {row[0]: Step(*row) for row in connection.execute(f"select {columns} from path_steps").fetchall()}
        self._takes: dict[tuple[str, str], set[int]] = {}
        for step in self.steps.values():
            for what, id, _ in offers(step):
                self._takes.setdefault((what, id), set()).add(step.number)
        self.looks = 0

    def open(self, gone: frozenset[Removal]) -> list[list[Step]]:
        """The ways that are left, shortest first, without those of super admins and those that nothing offered closes."""
        self.looks += 1
        taken = [number for removal in gone for number in self._takes[removal[:2]]]
        query = ways.REACHED.format(unless=" and s.number not in (select unnest($gone::bigint[]))")
        rows = self._connection.execute(
            f"select steps from ({query}) order by length, steps", {"goals": ["SUPER_ADMIN"], "gone": taken}
        ).fetchall()
        found = [[self.steps[number] for number in steps] for (steps,) in rows]
        return [
            way
            for way in found
            if tuple(step.kind for step in way) not in OWN_WAYS and any(offers(step) for step in way)
        ]

    def within(self, most: int, gone: frozenset[Removal]) -> frozenset[Removal] | None:
        """A set of removals with `gone` and at most that many more."""
        left = self.open(gone)
        if not left:
            return gone
        if not most or self.looks > MOST_LOOKS:
            return None
        for removal in self._choices(left):
            if found := self.within(most - 1, gone | {removal}):
                return found
        return None

    def _choices(self, left: list[list[Step]]) -> Iterator[Removal]:
        """Those of the way with fewest, the ones on most ways first."""
        popular = Counter(
            offer[:2] for way in left for offer in {offer[:2]: offer for step in way for offer in offers(step)}.values()
        )
        choices = min(({offer[:2]: offer for step in way for offer in offers(step)} for way in left), key=len)
        return iter(sorted(choices.values(), key=lambda offer: (-popular[offer[:2]], offer)))

    def greedy(self) -> frozenset[Removal]:
        gone: frozenset[Removal] = frozenset()
        while left := self.open(gone):
            popular = Counter(
                offer for way in left for offer in {offer[:2]: offer for step in way for offer in offers(step)}.values()
            )
            gone |= {max(popular, key=lambda offer: (popular[offer], offer))}
        return gone


def fewest(connection: duckdb.DuckDBPyConnection) -> Removals:
    """Of the ways in `path_steps`."""
    search = _Search(connection)
    for most in range(len(search.steps) + 1):
        found = search.within(most, frozenset())
        if found is not None:
            return Removals(sorted(found), True)
        if search.looks > MOST_LOOKS:
            break
    return Removals(sorted(search.greedy()), False)
