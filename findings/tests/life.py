"""Events as an org's log has them, in few words, and the days of ordinary people."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from findings.tests.stage import NOW, Stage

MINUTE, HOUR, DAY = 60, 3600, 86400
START = NOW - timedelta(hours=8)
"""The moment from which events of a scene count their seconds."""
CONSOLE = ("AppInstance", "0oaconsole", "Okta Admin Console")
NETWORKS = {
    "office": (64500, "Germany"),
    "home": (64501, "Germany"),
    "phone": (64502, "Germany"),
    "cafe": (64503, "Germany"),
    "tor": (64666, "Romania"),
    "abroad": (64700, "Brazil"),
}
"""Names of addresses with their network and country; other names are networks of their own in France."""
PLACES = {"Germany": (52.5, 13.4), "Romania": (44.4, 26.1), "Brazil": (-23.5, -46.6), "France": (48.9, 2.4)}
BROWSERS = {
    "laptop": ("CHROME", "Mac OS X", "Computer", "Mozilla/5.0 (Macintosh) Chrome/141.0"),
    "phone": ("SAFARI", "iOS", "Mobile", "Mozilla/5.0 (iPhone) Safari/605.1"),
    "thief": ("FIREFOX", "Windows", "Computer", "Mozilla/5.0 (Windows NT 10.0) Firefox/144.0"),
    "okta": ("UNKNOWN", "Unknown", "Unknown", "Okta-Integrations"),
    "script": ("UNKNOWN", "Unknown", "Unknown", "python-requests/2.32"),
}

Act = Callable[[Stage], None]
Target = tuple[Any, ...]


def user(name: str) -> Target:
    return ("User", f"00u{name}", name, f"{name}@acme.example")


def app(name: str) -> Target:
    return ("AppInstance", f"0oa{name}", name)


def address(name: str) -> str:
    return f"2001:db8:{sum(ord(letter) * (n + 1) for n, letter in enumerate(name)):x}::{len(name)}"


def e(*words: Any, **more: Any) -> Act:
    """The act that an event is logged: see `event`."""
    source = event(*words, **more)
    return lambda stage: stage.events([source])


def event(
    kind: str,
    at: float,
    by: str = "ada",
    to: Sequence[Target] = (),
    ip: str | None = "home",
    on: str = "laptop",
    result: str | None = "SUCCESS",
    reason: str | None = None,
    proxy: bool = False,
    session: str | None = None,
    type: str = "User",
    debug: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An event `at` seconds after the start. A target is (type, id, name[, login[, members of its own]])."""
    network, country = NETWORKS.get(ip or "", (64800, "France"))
    browser, system, device, agent = BROWSERS[on]
    latitude, longitude = PLACES[country]
    actor = {"id": f"00u{by}", "type": type, "alternateId": f"{by}@acme.example", "displayName": by}
    if by in ("system@okta.com", "unknown"):
        actor |= {"id": "okta.system" if "@" in by else "unknown", "alternateId": by}
    source: dict[str, Any] = {
        "published": f"{(START + timedelta(seconds=at)).isoformat(timespec='milliseconds')}Z",
        "eventType": kind,
        "actor": actor,
        "client": {
            "ipAddress": ip and address(ip),
            "device": device,
            "userAgent": {"browser": browser, "os": system, "rawUserAgent": agent},
            "geographicalContext": {"country": country, "geolocation": {"lat": latitude, "lon": longitude}},
        },
        "securityContext": {"asNumber": network, "isProxy": proxy},
        "outcome": {"result": result, "reason": reason},
        "target": [
            {
                "type": each[0],
                "id": each[1],
                "displayName": each[2],
                "alternateId": each[3] if len(each) > 3 and each[3] else each[2],
                **(each[4] if len(each) > 4 else {}),
            }
            for each in to
        ],
        "authenticationContext": {"externalSessionId": session or "unknown"},
        "debugContext": {"debugData": dict(debug or {})},
    }
    for path, value in more.items():
        outer, _, inner = path.partition("__")
        source[outer] = {**source.get(outer, {}), inner: value} if inner else value
    return source


def admin(name: str, role: str = "SUPER_ADMIN", since: int = -100 * DAY, until: int | None = None) -> Act:
    """A user with a role of their own; `until` is when the reader saw it gone."""

    def act(stage: Stage) -> None:
        assignment = {
            "principal_id": f"00u{name}",
            "principal_type": "User",
            "id": f"ra{name}{role}",
            "type": role,
            "label": role,
            "status": "ACTIVE",
            "created": f"{(START + timedelta(seconds=since)).isoformat()}Z",
        }
        stage.record("role_assignments", f"00u{name}:ra{name}{role}", assignment)
        if until is not None:
            stage.gone("role_assignments", f"00u{name}:ra{name}{role}", START + timedelta(seconds=until))

    return act


def was(stream: str, id: str, source: dict[str, Any], at: int | None = None) -> Act:
    """A record, read at that second; without one, long ago."""
    return lambda stage: stage.record(stream, id, source, None if at is None else START + timedelta(seconds=at))


def gone(stream: str, id: str, at: int) -> Act:
    return lambda stage: stage.gone(stream, id, START + timedelta(seconds=at))


def known(name: str, *ips: str, days: int = 20) -> list[Act]:
    """Sign-ins of the weeks before, so that these addresses are the user's own."""
    return [
        e("user.session.start", -day * DAY - number * 14 * HOUR, name, ip=ip)
        for number, ip in enumerate(ips)
        for day in (days, days // 2, 2)
    ]


def staged(acts: list[Act]) -> Stage:
    stage = Stage()
    for act in acts:
        act(stage)
    return stage


def workday(name: str, at: float, place: str = "office", session: str | None = None) -> list[Act]:
    """A sign-in with a push, some apps, the walk to lunch with the same session, a password that was mistyped once."""
    session = session or f"s{name}{at}"
    push = {"factor": "OKTA_VERIFY_PUSH"}
    begin = [
        e("user.session.start", at, name, ip=place, result="FAILURE", reason="INVALID_CREDENTIALS"),
        e(
            "policy.evaluate_sign_on",
            at + 15,
            name,
            [("AppInstance", "0oadash", "Okta Dashboard")],
            place,
            result="CHALLENGE",
            session=session,
        ),
        e("system.push.send_factor_verify_push", at + 20, name, [user(name)], place, debug=push, session=session),
        e(
            "user.authentication.auth_via_mfa",
            at + 28,
            name,
            [user(name)],
            "phone",
            "phone",
            debug=push,
            session=session,
        ),
        e(
            "user.session.start",
            at + 30,
            name,
            [user(name)],
            place,
            session=session,
            debug={"authMethodSecondType": "okta_verify:push:aut1"},
        ),
    ]
    apps = [
        e("user.authentication.sso", at + 60 + 400 * n, name, [app(each), user(name)], place, session=session)
        for n, each in enumerate(("mail", "wiki", "chat", "tickets"))
    ]
    lunch = [e("user.authentication.sso", at + 4 * HOUR, name, [app("mail"), user(name)], "cafe", session=session)]
    password = [e("user.account.update_password", at + 5 * HOUR, name, [user(name)], place, "okta", session=session)]
    return [*begin, *apps, *lunch, *password]


def ordinary_days() -> dict[str, list[Act]]:
    """Days on which nothing is wrong."""
    people = [f"p{n}" for n in range(40)]
    usual = [act for name in people for act in known(name, "office", "home", "phone", "cafe")]
    desk = {"by": "desk", "ip": "office"}
    helped = [
        e("user.mfa.factor.reset_all", HOUR, **desk, to=[user("p1")]),
        e("user.mfa.factor.activate", HOUR + 600, "p1", [user("p1")], "home", "phone"),
        e("user.authentication.sso", HOUR + 900, "p1", [app("mail")], "home"),
    ]
    return {
        "an_office_behind_one_address_on_a_monday": [
            *usual,
            *(act for n, name in enumerate(people) for act in workday(name, n * 40)),
        ],
        "a_laptop_that_changes_networks": [
            *known("ada", "home"),
            *(
                e(
                    "user.authentication.sso",
                    n * 600,
                    "ada",
                    [app(f"a{n % 4}")],
                    place,
                    session="s1",
                    debug={"dtHash": "d1"},
                )
                for n, place in enumerate(("home", "phone", "cafe", "office", "home"))
            ),
        ],
        "a_password_change_by_the_user_whose_request_comes_from_oktas_own_servers": [
            *known("ada", "office"),
            *workday("ada", 0, session="s1"),
            e("user.account.update_password", 3000, "ada", [user("ada")], "oktas", "okta", session="s1"),
        ],
        "the_help_desk_resets_a_phone_and_the_user_enrols_at_home": [*usual, *known("desk", "office"), *helped],
        "an_admin_at_work": [
            admin("boss"),
            *known("boss", "office"),
            *workday("boss", 0),
            e(
                "policy.evaluate_sign_on",
                700,
                "boss",
                [CONSOLE],
                "office",
                result="CHALLENGE",
                debug={"behaviors": "{New Device=NEGATIVE, New IP=NEGATIVE}"},
            ),
            e(
                "user.authentication.verify",
                720,
                "boss",
                [
                    (
                        *CONSOLE,
                        None,
                        {
                            "detailEntry": {
                                "methodTypeUsed": "Use Okta FastPass",
                                "methodUsedVerifiedProperties": "[HARDWARE_PROTECTED]",
                            }
                        },
                    )
                ],
                "office",
            ),
            e(
                "user.session.access_admin_app",
                730,
                "boss",
                [CONSOLE],
                "office",
                debug={
                    "authMethodFirstType": "okta_verify:signed_nonce:aut1",
                    "authMethodSecondType": "okta_password:password:aut2",
                },
            ),
            e("application.lifecycle.update", 800, "boss", [app("wiki")], "office"),
            e("group.user_membership.add", 900, "boss", [user("p1"), ("UserGroup", "00gteam", "Team")], "office"),
            e("user.lifecycle.create", 1000, "boss", [user("newcomer")], "office"),
            e(
                "policy.rule.update",
                1100,
                "boss",
                [
                    (
                        "PolicyRule",
                        "0prdev",
                        "Developers",
                        None,
                        {"changeDetails": {"from": {"name": "Dev"}, "to": {"name": "Developers"}}},
                    )
                ],
                "office",
            ),
        ],
        "a_role_is_narrowed": [
            admin("boss"),
            admin("grace", "SUPER_ADMIN", -50 * DAY),
            admin("grace", "READ_ONLY_ADMIN", -50 * DAY),
            admin("linus", "USER_ADMIN"),
            admin("linus", "HELP_DESK_ADMIN"),
            e(
                "user.account.privilege.grant",
                100,
                "boss",
                [user("linus")],
                "office",
                debug={"privilegeGranted": "Help Desk administrator"},
            ),
        ],
        "somebody_forgets_their_phone": [
            *known("ada", "office"),
            e("user.session.start", 0, "ada", ip="office", result="FAILURE", reason="INVALID_CREDENTIALS"),
            *(
                e(
                    "user.authentication.auth_via_mfa",
                    60 + n * 40,
                    "ada",
                    ip="office",
                    result="UNANSWERED",
                    debug={"factor": "OKTA_VERIFY_PUSH"},
                )
                for n in range(3)
            ),
        ],
        "a_push_denied_by_mistake": [
            *known("ada", "office"),
            e(
                "user.authentication.auth_via_mfa",
                60,
                "ada",
                ip="office",
                result="FAILURE",
                reason="INVALID_CREDENTIALS",
                debug={"factor": "OKTA_VERIFY_PUSH", "pushOnlyResponseType": "OV_RESPONSE_DENY"},
            ),
            e("user.authentication.auth_via_mfa", 90, "ada", ip="office", debug={"factor": "OKTA_VERIFY_PUSH"}),
        ],
        "a_business_trip": [*known("ada", "home", "office"), *workday("ada", -2 * DAY), *workday("ada", 0, "abroad")],
        "an_account_is_locked_and_unlocked": [
            *known("ada", "office"),
            *(
                e("user.session.start", n * 20, "ada", ip="office", result="FAILURE", reason="INVALID_CREDENTIALS")
                for n in range(6)
            ),
            e("user.account.lock", 130, "ada", [user("ada")], "office", result="FAILURE", reason="LOCKED_OUT"),
            e("user.account.unlock", 1000, "system@okta.com", [user("ada")], None),
            e("user.session.start", 1100, "ada", ip="office"),
        ],
        "service_apps_take_tokens": [
            e(
                "app.oauth2.token.grant.access_token",
                n * HOUR,
                "backup",
                [app("backup")],
                "server",
                "script",
                type="PublicClientApp",
                debug={"grantedScopes": "okta.users.read"},
            )
            for n in range(8)
        ],
        "a_joiner_enrols": [
            e("user.lifecycle.create", 0, "hr", [user("newcomer")], "office"),
            e("user.lifecycle.activate", 10, "hr", [user("newcomer")], "office"),
            e("user.account.update_password", 4000, "newcomer", [user("newcomer")], "fresh"),
            e("user.mfa.factor.activate", 4100, "newcomer", [user("newcomer")], "fresh"),
            e("user.session.start", 4200, "newcomer", ip="fresh"),
            e("user.authentication.sso", 4300, "newcomer", [app("mail")], "fresh"),
        ],
        "internet_noise": [
            e(
                "user.session.start",
                n * 900,
                "unknown",
                ip=f"noise{n}",
                result="FAILURE",
                reason="VERIFICATION_ERROR",
                proxy=n % 2 == 0,
                on="script",
            )
            for n in range(30)
        ],
    }
