"""Months on which nothing is wrong, and how often findings of attacks are raised in them.

    python -m findings.tests.months PEOPLE SEED...    by finding the cases per 1,000 people and 30 days

What people do, and how often, is an assumption, written down here; recorded logs of real orgs are not part of this project.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from findings import catalog
from findings.tests import life
from findings.tests.life import CONSOLE, DAY, HOUR, MINUTE, app, user
from findings.tests.stage import Stage

DAYS = 30
PUSH = {"factor": "OKTA_VERIFY_PUSH"}
APPS = [f"app{n}" for n in range(40)]
Event = dict[str, Any]
# By 1,000 people and 30 days: what admins do, and what happens to people.
ADMIN_WORK = {
    ("application.lifecycle.update", "app"): 30,
    ("policy.rule.update", "rule"): 5,
    ("policy.rule.deactivate", "rule"): 0.5,
    ("policy.rule.delete", "rule"): 0.5,
    ("zone.update", "zone"): 0.3,
    ("system.api_token.create", "token"): 0.4,
    ("app.oauth2.client.read_client_secret", "app"): 0.6,
    ("app.oauth2.credentials.lifecycle.create", "app"): 0.8,
    ("app.oauth2.admin.consent.grant", "app"): 0.2,
    ("system.idp.lifecycle.update", "idp"): 0.2,
    ("group.user_membership.add", "group"): 60,
    ("system.log_stream.lifecycle.update", "stream"): 0.1,
    ("user.session.clear", "user"): 5,
    ("user.lifecycle.unsuspend", "user"): 2,
}
RESETS, LOCKS, TRIPS, JOINERS, GRANTS, ADMIN_RESETS, ADMIN_PASSWORDS, REUSED_TOKENS, REVEALED = (
    25,
    12,
    20,
    15,
    0.8,
    0.3,
    0.2,
    0.5,
    20,
)
NOISE_A_DAY = 150


class Month:
    """A company's month; its events in no order."""

    def __init__(self, people: int, seed: int) -> None:
        self.random = Random(seed)
        self.people = [f"p{n}" for n in range(people)]
        self.admins = self.people[:: max(1, len(self.people) // max(2, people // 50))][: max(2, people // 50)]
        self.habits = {name: self._habits(number) for number, name in enumerate(self.people)}

    def _habits(self, number: int) -> dict[str, Any]:
        draw = self.random.random
        return {
            "home": f"home{number}",
            "carrier": number % 3,
            "token": f"d{number}",
            "opens_tabs": draw() < 0.05,
            "by_vpn": draw() < 0.03,
            "relay": draw() < 0.005,
        }

    def often(self, rate: float) -> int:
        """How often something happens that does at this rate per 1,000 people and 30 days."""
        wanted = rate * len(self.people) / 1000
        return int(wanted) + (self.random.random() < wanted % 1)

    def events(self) -> Iterator[Event]:
        trips = {
            name: self.random.randrange(DAYS)
            for name in self.random.sample(self.people, min(len(self.people), self.often(TRIPS)))
        }
        for day in range(DAYS):
            for name in self.people:
                if day % 7 < 5 and self.random.random() < 0.9:
                    yield from self._workday(name, day, trips.get(name, 99))
            yield from self._noise(day)
        yield from self._admins()
        yield from self._incidents()

    def _at(self, day: int, second: float) -> float:
        """Seconds before now; the month ends now."""
        return (day - DAYS) * DAY + 8 * HOUR + second

    def _workday(self, name: str, day: int, trip: int) -> Iterator[Event]:
        draw, habits = self.random.random, self.habits[name]
        at = self._at(day, draw() * 2 * HOUR)
        place = (
            f"hotel{name}{trip}"
            if trip <= day < trip + 3
            else "office"
            if draw() < 0.6
            else habits["home"]
            if draw() < 0.9
            else f"cafe{self.random.randrange(200)}"
        )
        abroad = (
            {"client__geographicalContext": {"country": "Brazil", "geolocation": {"lat": -23.5, "lon": -46.6}}}
            if place.startswith("hotel")
            else {"client__geographicalContext": life.event("x", 0, ip="home")["client"]["geographicalContext"]}
        )
        session, token = f"s{name}{day}", {"dtHash": habits["token"]}
        carrier = f"carrier{habits['carrier']}x{self.random.randrange(60)}"
        network: dict[str, Any] = {
            "securityContext": {"asNumber": 65000 + habits["carrier"], "isProxy": habits["relay"] and draw() < 0.3}
        }
        for _ in range(self.random.choice((0,) * 17 + (1, 1, 2))):
            yield life.event(
                "user.session.start",
                at,
                name,
                ip=place,
                result="FAILURE",
                reason="INVALID_CREDENTIALS",
                debug=token,
                **abroad,
            )
            at += 20
        yield life.event(
            "policy.evaluate_sign_on",
            at,
            name,
            [app("dash")],
            place,
            result="CHALLENGE",
            session=session,
            debug={
                **token,
                "behaviors": f"{{New Device={'POSITIVE' if draw() < 0.002 else 'NEGATIVE'}, New IP={'NEGATIVE' if place in ('office', habits['home']) else 'POSITIVE'}}}",
            },
            **abroad,
        )
        yield life.event(
            "system.push.send_factor_verify_push",
            at + 2,
            name,
            [user(name)],
            place,
            session=session,
            debug=PUSH,
            **abroad,
        )
        if draw() < 0.01:
            yield life.event(
                "user.authentication.auth_via_mfa",
                at + 5,
                name,
                [],
                carrier,
                "phone",
                self.random.choice(("FAILURE", "UNANSWERED")),
                session=session,
                debug=PUSH,
                **network,
            )
        yield life.event(
            "user.authentication.auth_via_mfa",
            at + 9,
            name,
            [],
            carrier,
            "phone",
            session=session,
            debug={**PUSH, "pushWithNumberChallengeResponseType": "OV_WITH_CHALLENGE_RESPONSE_VALID"},
            **network,
        )
        yield life.event(
            "user.session.start", at + 10, name, [user(name)], place, session=session, debug=token, **abroad
        )
        count = 14 if habits["opens_tabs"] else self.random.randint(2, 5)
        for number, each in enumerate(self.random.sample(APPS, count)):
            yield life.event(
                "user.authentication.sso",
                at + 20 + number * (3 if habits["opens_tabs"] else 900),
                name,
                [app(each), user(name)],
                place,
                session=session,
                debug=token,
                **abroad,
            )
        if draw() < 0.2:
            elsewhere = "vpnabroad" if habits["by_vpn"] else f"cafe{self.random.randrange(200)}"
            country = (
                {"client__geographicalContext": {"country": "Brazil", "geolocation": {"lat": -23.5, "lon": -46.6}}}
                if habits["by_vpn"]
                else abroad
            )
            yield life.event(
                "user.authentication.sso",
                at + 4 * HOUR,
                name,
                [app("app1"), user(name)],
                elsewhere,
                session=session,
                debug=token,
                **country,
            )
            yield life.event(
                "user.session.context.change", at + 4 * HOUR, name, [], elsewhere, session=session, **country
            )
        if draw() < 0.01:
            yield life.event(
                "user.account.update_password", at + HOUR, name, [user(name)], "oktas", "okta", session=session
            )

    def _noise(self, day: int) -> Iterator[Event]:
        """What the internet tries everywhere: names that nobody has, and now and then one that somebody has."""
        for _ in range(NOISE_A_DAY):
            name = "unknown" if self.random.random() < 0.9 else self.random.choice(self.people)
            yield life.event(
                "user.session.start",
                self._at(day, self.random.random() * DAY),
                name,
                ip=f"noise{self.random.randrange(2000)}",
                on="script",
                result="FAILURE",
                reason="VERIFICATION_ERROR" if name == "unknown" else "INVALID_CREDENTIALS",
                proxy=self.random.random() < 0.3,
            )

    def _when(self) -> float:
        return self._at(self.random.randrange(1, DAYS), self.random.random() * 9 * HOUR)

    def _admins(self) -> Iterator[Event]:
        target = {
            "app": app("app1"),
            "rule": ("PolicyRule", "0pr1", "Rule"),
            "zone": ("Zone", "nzo1", "Offices"),
            "token": ("Token", "00T1", "ci"),
            "idp": ("IdentityProvider", "0oaidp", "Partner"),
            "group": ("UserGroup", "00g1", "Team"),
            "stream": ("LogStream", "0ls1", "SIEM"),
            "user": user("p1"),
        }
        for (kind, what), rate in ADMIN_WORK.items():
            for _ in range(self.often(rate)):
                yield life.event(kind, self._when(), self.random.choice(self.admins), [target[what]], "office")
        for _ in range(self.often(GRANTS)):
            yield life.event(
                "user.account.privilege.grant",
                self._when(),
                self.random.choice(self.admins),
                [user(self.random.choice(self.people))],
                "office",
                debug={"privilegeGranted": "Report administrator"},
            )
        for admin in self.admins:
            for day in range(DAYS):
                if day % 7 < 5 and self.random.random() < 0.5:
                    place = "office" if self.random.random() < 0.7 else self.habits[admin]["home"]
                    yield life.event(
                        "user.session.access_admin_app",
                        self._at(day, 3 * HOUR),
                        admin,
                        [CONSOLE],
                        place,
                        debug={"authMethodFirstType": "okta_verify:signed_nonce:aut1"},
                    )
        for program, places in (("backup", ["server"]), ("mailer", [f"cloud{n}" for n in range(30)])):
            for hour in range(0, DAYS * 24, 2):
                yield life.event(
                    "app.oauth2.token.grant.access_token",
                    self._at(0, hour * HOUR),
                    program,
                    [app(program)],
                    self.random.choice(places),
                    "script",
                    type="PublicClientApp",
                    debug={"grantType": "client_credentials"},
                )

    def _incidents(self) -> Iterator[Event]:
        for _ in range(self.often(RESETS)):
            yield from self._reset(self.random.choice(self.people), self._when())
        for _ in range(self.often(ADMIN_RESETS)):
            yield from self._reset(self.random.choice(self.admins), self._when())
        for _ in range(self.often(ADMIN_PASSWORDS)):
            yield life.event(
                "user.account.reset_password", self._when(), "desk", [user(self.random.choice(self.admins))], "office"
            )
        for _ in range(self.often(LOCKS)):
            name, at = self.random.choice(self.people), self._when()
            for number in range(6):
                yield life.event(
                    "user.session.start",
                    at + number * 15,
                    name,
                    ip=self.habits[name]["home"],
                    result="FAILURE",
                    reason="INVALID_CREDENTIALS",
                )
            yield life.event(
                "user.account.lock",
                at + 95,
                name,
                [user(name)],
                self.habits[name]["home"],
                result="FAILURE",
                reason="LOCKED_OUT",
            )
            yield life.event(
                "system.email.account_unlock.sent_message", at + 300, name, [user(name)], self.habits[name]["home"]
            )
        for number in range(self.often(JOINERS)):
            yield from self._joiner(f"joiner{number}", self._when())
        for _ in range(self.often(REUSED_TOKENS)):
            yield life.event(
                "app.oauth2.token.detect_reuse",
                self._when(),
                self.random.choice(self.people),
                ip="carrier1x1",
                on="phone",
            )
        for _ in range(self.often(REVEALED)):
            name = self.random.choice(self.people)
            yield life.event(
                "application.user_membership.show_password",
                self._when(),
                name,
                [("AppUser", "0ua1", name), app("app3"), user(name)],
                self.habits[name]["home"],
            )

    def _reset(self, name: str, at: float) -> Iterator[Event]:
        """A new phone: most enrol where they always are, some at a place that is new."""
        habits = self.habits[name]
        place = (
            habits["home"]
            if self.random.random() < 0.7
            else "office"
            if self.random.random() < 0.8
            else f"carrier{habits['carrier']}x99"
        )
        network: dict[str, Any] = (
            {"securityContext": {"asNumber": 65000 + habits["carrier"], "isProxy": False}}
            if place.startswith("carrier")
            else {}
        )
        yield life.event("user.mfa.factor.reset_all", at, "desk", [user(name)], "office")
        yield life.event("user.mfa.factor.activate", at + 20 * MINUTE, name, [user(name)], place, "phone", **network)
        yield life.event("user.authentication.sso", at + HOUR, name, [app("app1")], place, **network)

    def _joiner(self, name: str, at: float) -> Iterator[Event]:
        yield life.event("user.lifecycle.create", at - DAY, self.admins[0], [user(name)], "office")
        yield life.event("user.lifecycle.activate", at - DAY, self.admins[0], [user(name)], "office")
        yield life.event("user.account.update_password", at, name, [user(name)], f"home{name}")
        yield life.event("user.mfa.factor.activate", at + 60, name, [user(name)], f"home{name}")
        yield life.event(
            "device.user.add",
            at + 62,
            name,
            [("Device", f"guo{name}", "Phone", None, {"detailEntry": {"oktaDeviceId": f"guo{name}"}})],
            f"home{name}",
        )
        yield life.event("user.session.start", at + 100, name, [user(name)], f"home{name}")


def staged(people: int, seed: int) -> Stage:
    month = Month(people, seed)
    stage = Stage(life.START + timedelta(days=1))
    for name in month.admins:
        life.admin(name, month.random.choice(("SUPER_ADMIN", "HELP_DESK_ADMIN", "APP_ADMIN")))(stage)
    for name in month.people:
        stage.record(
            "users",
            f"00u{name}",
            {
                "id": f"00u{name}",
                "status": "ACTIVE",
                "created": "2025-01-01T00:00:00Z",
                "profile": {"login": f"{name}@acme.example"},
            },
        )
    stage.record("idps", "0oaidp", {"id": "0oaidp", "name": "Partner", "created": "2025-01-01T00:00:00Z"})
    stage.events(month.events())
    return stage


def rates(people: int, seeds: list[int]) -> Counter:
    """By finding the cases per 1,000 people and 30 days."""
    attacks = [finding.id for finding in catalog.findings() if finding.kind == "events"]
    counted: Counter = Counter()
    for seed in seeds:
        counted.update({finding: len(cases) for finding, cases in staged(people, seed).ask(attacks).items()})
    return Counter({finding: count * 1000 / people / len(seeds) for finding, count in counted.items()})


def main(words: list[str]) -> int:
    people, seeds = int(words[0]), [int(word) for word in words[1:]] or [1, 2, 3]
    found = rates(people, seeds)
    severity = {finding.id: finding.severity for finding in catalog.findings()}
    for finding, rate in found.most_common():
        print(f"{rate:8.2f}  {severity[finding]:<9} {finding}")
    loud = sum(rate for finding, rate in found.items() if severity[finding] in ("critical", "high"))
    print(f"{loud:8.2f}  critical and high, per 1,000 people and 30 days: {loud * 7 / 30:.2f} a week")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
