"""Sessions, factors, devices and places of people."""

from findings.tests.life import DAY, HOUR, MINUTE, Act, app, e, known, user, workday

PUSH = {"factor": "OKTA_VERIFY_PUSH"}
NEW = "{New Geo-Location=POSITIVE, New Device=POSITIVE, New IP=POSITIVE}"


def denials(times: int, every: int = 60, kind: str = "user.mfa.okta_verify.deny_push", name: str = "ada") -> list[Act]:
    if kind == "user.mfa.okta_verify.deny_push":
        return [e(kind, n * every, name) for n in range(times)]
    return [e(kind, n * every, name, result="FAILURE", reason="INVALID_CREDENTIALS", debug=PUSH) for n in range(times)]


MFA = "user.authentication.auth_via_mfa"
APPROVED = e(MFA, 8 * MINUTE, ip="phone", debug=PUSH)


def unanswered(times: int, ip: str = "evil", users: int = 1, every: int = 120, **more) -> list[Act]:
    return [
        e(MFA, n * every, f"u{n % users}", ip=ip, result=("UNANSWERED", "ABANDONED")[n % 2], debug=PUSH, **more)
        for n in range(times)
    ]


def wrong(at: int = 0, ip: str = "evil") -> Act:
    return e(
        MFA,
        at,
        ip=ip,
        result="FAILURE",
        debug={**PUSH, "pushWithNumberChallengeResponseType": "OV_WITH_CHALLENGE_RESPONSE_INVALID"},
    )


def denied(at: int = 0, ip: str = "evil") -> Act:
    return e("user.identity_verification", at, ip=ip, result="DENY")


def pushes(times: int, answers: list[str], **more) -> list[Act]:
    return [
        *(
            e(
                "system.push.send_factor_verify_push",
                n * 30,
                ip="evil",
                session="s1",
                debug={**PUSH, "behaviors": NEW},
                **more,
            )
            for n in range(times)
        ),
        *(
            e(MFA, 10 + n * 30, ip="phone", on="phone", session="s1", result=answer, debug=PUSH)
            for n, answer in enumerate(answers)
        ),
    ]


def vishing(
    reset: str = "user.mfa.factor.reset_all",
    enrol: str = "user.mfa.factor.activate",
    ip: str = "evil",
    use: str = "user.authentication.sso",
    **more,
) -> list[Act]:
    return [
        *known("ada", "office", "home"),
        e(reset, 0, "desk", [user("ada")], "office"),
        e(enrol, 20 * MINUTE, "ada", [user("ada")], ip, **more),
        e(use, 30 * MINUTE, "ada", [app("mail")], ip, **more),
    ]


def sso(
    at: int, ip: str, on: str = "laptop", session: str | None = "s1", kind: str = "user.authentication.sso", **debug
) -> Act:
    return e(kind, at, ip=ip, on=on, session=session, to=[app("mail")], debug=debug)


def device(name: str, at: int, id: str = "guo1") -> Act:
    return e(
        "device.user.add", at, name, [("Device", id, "Pixel", None, {"detailEntry": {"oktaDeviceId": id}}), user(name)]
    )


def sms(name: str, at: int, phone: str = "mbl1") -> Act:
    return e(
        "system.sms.send_phone_verification_message", at, name, [("MobilePhone", phone, "+49 XXX 123"), user(name)]
    )


FROM_TOR = {"ip": "tor", "proxy": True}
RULES = {
    "mfa-fatigue": (
        {
            "three_then_one": [*denials(3), APPROVED],
            "over_a_full_hour": [*denials(4, 90), APPROVED],
            "as_identity_engine_writes_it": [*denials(3, kind=MFA), APPROVED],
        },
        {
            "then_a_password": [*denials(3), e(MFA, 8 * MINUTE, debug={"factor": "PASSWORD_AS_FACTOR"})],
            "two": [*denials(2), APPROVED],
            "approved_the_next_day": [*denials(3), e(MFA, DAY, debug=PUSH)],
            "approved_by_somebody_else": [*denials(3), e(MFA, 8 * MINUTE, "grace", debug=PUSH)],
        },
    ),
    "push-bombing": (
        {"five": denials(5), "as_identity_engine_writes_it": denials(6, kind=MFA), "over_a_full_hour": denials(5, 110)},
        {
            "four": denials(4),
            "over_a_day": denials(8, HOUR),
            "of_five_users": [act for n in range(5) for act in denials(1, name=f"u{n}")],
            "a_wrong_code": [e(MFA, n * 30, result="FAILURE", debug={"factor": "OKTA_SOFT_TOKEN"}) for n in range(6)],
        },
    ),
    "number-challenge-wrong": (
        {
            "at_a_new_address": [wrong()],
            "twice_at_a_known_one": [*known("ada", "office"), wrong(0, "office"), wrong(60, "office")],
            "by_a_user_who_is_known_elsewhere": [*known("ada", "office"), wrong(0, "evil")],
        },
        {
            "a_slip": [*known("ada", "office"), wrong(0, "office")],
            "the_right_one": [
                e(MFA, 0, debug={"pushWithNumberChallengeResponseType": "OV_WITH_CHALLENGE_RESPONSE_VALID"})
            ],
            "a_plain_push": [e(MFA, 0, result="FAILURE", debug=PUSH)],
        },
    ),
    "mfa-unanswered": (
        {
            "one_user": unanswered(6),
            "many_users_over_a_full_hour": unanswered(12, users=12, every=280),
            "from_a_proxy": unanswered(1, "tor", proxy=True),
            "twice_as_many_from_a_known_address": [*known("p", "office"), *unanswered(11, "office", users=8)],
        },
        {
            "five": unanswered(5),
            "spread_over_90_days": unanswered(9, every=7 * DAY * -1),
            "an_office_that_is_slow": [*known("p", "office"), *unanswered(7, "office", users=7)],
            "refused": [e(MFA, n * 60, ip="evil", result="FAILURE", debug=PUSH) for n in range(8)],
        },
    ),
    "push-elsewhere": (
        {
            "denied": pushes(1, ["FAILURE"]),
            "one_of_four_approved": pushes(4, ["SUCCESS"]),
            "denied_then_approved": pushes(2, ["FAILURE", "SUCCESS"]),
        },
        {
            "approved": pushes(1, ["SUCCESS"]),
            "a_known_device": [
                e("system.push.send_factor_verify_push", 0, session="s1", debug=PUSH),
                e(MFA, 10, ip="phone", session="s1", result="FAILURE", debug=PUSH),
            ],
            "the_same_address": [
                e("system.push.send_factor_verify_push", 0, session="s1", debug={**PUSH, "behaviors": NEW}),
                e(MFA, 10, session="s1", result="FAILURE", debug=PUSH),
            ],
        },
    ),
    "identity-verification-denied": (
        {
            "at_a_new_address": [denied()],
            "twice_at_home": [*known("ada", "home"), denied(0, "home"), denied(600, "home")],
            "by_a_user_who_is_known_elsewhere": [*known("ada", "home"), denied()],
        },
        {
            "a_blurred_picture": [*known("ada", "home"), denied(0, "home")],
            "proved": [e("user.identity_verification", 0, ip="evil")],
            "begun": [e("user.identity_verification.start", 0, ip="evil", result="DENY")],
        },
    ),
    "mfa-bypass-tried": (
        {
            "tried": [e("user.mfa.attempt_bypass", 0)],
            "refused": [e("user.mfa.attempt_bypass", 0, result="FAILURE")],
            "by_nobody_known": [e("user.mfa.attempt_bypass", 0, "unknown")],
        },
        {
            "a_factor_that_failed": [e(MFA, 0, result="FAILURE", debug=PUSH)],
            "a_factor_reset": [e("user.mfa.factor.deactivate", 0, to=[user("ada")])],
            "another_factor": [e("user.mfa.factor.update", 0, to=[user("ada")])],
        },
    ),
    "phishing-declined": (
        {
            "by_its_reason": [e(MFA, 0, result="FAILURE", reason="FastPass declined phishing attempt")],
            "in_other_letters": [e(MFA, 0, result="FAILURE", reason="fastpass declined phishing attempt")],
            "from_a_proxy": [e(MFA, 0, result="FAILURE", reason="FastPass declined phishing attempt", **FROM_TOR)],
        },
        {
            "another_reason": [e(MFA, 0, result="FAILURE", reason="INVALID_CREDENTIALS")],
            "let_in": [e(MFA, 0)],
            "another_event": [
                e("user.session.start", 0, result="FAILURE", reason="FastPass declined phishing attempt")
            ],
        },
    ),
    "fastpass-unsigned": (
        {
            "no_signature": [
                e(
                    MFA,
                    0,
                    debug={"factor": "SIGNED_NONCE"},
                    authenticationContext={
                        "authenticatorContext": {
                            "bindingMethod": "LOOPBACK",
                            "validationStatus": "NO_SIGNATURE",
                            "binaryIdentifier": "com.google.Chrome",
                        }
                    },
                )
            ],
            "an_unknown_program": [
                e(
                    MFA,
                    0,
                    debug={"factor": "SIGNED_NONCE"},
                    authenticationContext={
                        "authenticatorContext": {
                            "bindingMethod": "LOOPBACK",
                            "validationStatus": "VALID",
                            "binaryIdentifier": "evil.exe",
                        }
                    },
                )
            ],
            "from_a_script": [
                e(
                    MFA,
                    0,
                    on="script",
                    debug={"factor": "SIGNED_NONCE"},
                    authenticationContext={
                        "authenticatorContext": {"bindingMethod": "LOOPBACK", "validationStatus": "NO_SIGNATURE"}
                    },
                )
            ],
        },
        {
            "chrome": [
                e(
                    MFA,
                    0,
                    debug={"factor": "SIGNED_NONCE"},
                    authenticationContext={
                        "authenticatorContext": {
                            "bindingMethod": "LOOPBACK",
                            "validationStatus": "VALID",
                            "binaryIdentifier": "com.google.Chrome",
                        }
                    },
                )
            ],
            "a_link": [
                e(
                    MFA,
                    0,
                    debug={"factor": "SIGNED_NONCE"},
                    authenticationContext={
                        "authenticatorContext": {"bindingMethod": "UNIVERSAL_LINK", "validationStatus": "NO_SIGNATURE"}
                    },
                )
            ],
            "refused": [
                e(
                    MFA,
                    0,
                    result="FAILURE",
                    debug={"factor": "SIGNED_NONCE"},
                    authenticationContext={
                        "authenticatorContext": {"bindingMethod": "LOOPBACK", "validationStatus": "NO_SIGNATURE"}
                    },
                )
            ],
        },
    ),
    "session-in-two-places": (
        {
            "another_address_and_browser": [sso(0, "home"), sso(600, "evil", "thief")],
            "one_device_token_without_a_session": [
                sso(0, "home", session=None, dtHash="d1"),
                sso(600, "evil", "thief", None, dtHash="d1"),
            ],
            "a_program_with_a_browsers_session": [sso(0, "home"), sso(60, "evil", "script")],
            "four_device_tokens": [sso(n * 60, ("home", "evil")[n % 2], dtHash=f"d{n}") for n in range(4)],
        },
        {
            "a_laptop_that_changes_networks": [sso(0, "home"), sso(600, "cafe"), sso(1200, "phone")],
            "oktas_own_servers": [sso(0, "home"), sso(60, "oktas", "okta")],
            "another_browser_at_the_same_address": [sso(0, "home"), sso(60, "home", "thief")],
            "the_phone_that_answers": [sso(0, "home"), e(MFA, 60, ip="phone", on="phone", session="s1", debug=PUSH)],
            "a_device_token_of_last_month": [
                sso(-30 * DAY, "home", session=None, dtHash="d1"),
                sso(0, "evil", "thief", None, dtHash="d1"),
            ],
        },
    ),
    "session-roaming": (
        {
            "detected": [e("security.session.detect_client_roaming", 0)],
            "refused": [e("security.session.detect_client_roaming", 0, result="DENY")],
            "into_a_proxy": [e("user.session.context.change", 0, **FROM_TOR)],
        },
        {
            "a_walk_to_lunch": [e("user.session.context.change", 0, ip="cafe")],
            "signed_out": [e("user.session.end", 0)],
            "cleared": [e("user.session.clear", 0)],
        },
    ),
    "device-token-many-names": (
        {
            "three_behind_a_proxy": [
                e("user.authentication.verify", n * 100, f"u{n}", debug={"dtHash": "d1"}, **FROM_TOR) for n in range(3)
            ],
            "ten_refused": [
                e(
                    "user.session.start",
                    n * 330,
                    f"u{n}",
                    ip="evil",
                    result="FAILURE",
                    reason="INVALID_CREDENTIALS",
                    debug={"dtHash": "d1"},
                )
                for n in range(10)
            ],
            "twenty_in_a_minute": [
                e("user.authentication.auth_via_mfa", n, f"u{n}", ip="evil", result="FAILURE", debug={"dtHash": "d1"})
                for n in range(21)
            ],
        },
        {
            "two_behind_a_proxy": [
                e("user.authentication.verify", n * 100, f"u{n}", debug={"dtHash": "d1"}, **FROM_TOR) for n in range(2)
            ],
            "a_kiosk": [e("user.session.start", n * 300, f"u{n}", debug={"dtHash": "d1"}) for n in range(12)],
            "over_days": [
                e("user.session.start", -n * DAY, f"u{n}", result="FAILURE", debug={"dtHash": "d1"}) for n in range(12)
            ],
        },
    ),
    "shared-authenticator": (
        {
            "a_device": [device("ada", 0), device("grace", HOUR)],
            "a_phone": [sms("ada", 0), sms("grace", 600)],
            "of_three": [device("ada", 0), device("grace", 60), device("linus", DAY)],
        },
        {
            "each_their_own": [device("ada", 0), device("grace", HOUR, "guo2")],
            "one_user_twice": [sms("ada", 0), sms("ada", 60)],
            "a_new_owner_months_later": [device("ada", -60 * DAY), device("grace", 0)],
        },
    ),
    "reset-then-enrolled": (
        {
            "factors_then_a_factor": vishing(),
            "a_password_then_a_device": vishing("user.account.reset_password", "device.user.add"),
            "from_a_proxy_at_a_known_address": vishing(ip="home", proxy=True),
            "then_a_session": vishing(use="user.session.start"),
        },
        {
            "enrolled_at_home": vishing(ip="home"),
            "used_nowhere": vishing()[:-1],
            "enrolled_two_days_later": [
                *vishing()[:-2],
                e("user.mfa.factor.activate", 2 * DAY, ip="evil"),
                e("user.authentication.sso", 2 * DAY + 60, ip="evil"),
            ],
            "a_joiner": [
                e("user.lifecycle.activate", 0, "hr", [user("ada")]),
                e("user.mfa.factor.activate", 600, to=[user("ada")], ip="fresh"),
                e("user.authentication.sso", 700, to=[app("mail")], ip="fresh"),
            ],
            "by_the_user": [
                *known("ada", "home"),
                e("user.mfa.factor.deactivate", 0, "ada", [user("ada")], "home"),
                e("user.mfa.factor.activate", 60, to=[user("ada")], ip="fresh"),
                e("user.authentication.sso", 700, to=[app("mail")], ip="fresh"),
            ],
        },
    ),
    "anonymiser-sign-in": (
        {
            "let_in": [e("user.session.start", 0, **FROM_TOR)],
            "refused_although_the_password_was_right": [
                e("user.session.start", 0, result="FAILURE", reason="Sign-on policy denied", **FROM_TOR)
            ],
            "into_an_app": [e("user.authentication.sso", 0, to=[app("mail")], **FROM_TOR)],
        },
        {
            "a_wrong_password": [
                e("user.session.start", 0, result="FAILURE", reason="INVALID_CREDENTIALS", **FROM_TOR)
            ],
            "nobody_known": [e("user.session.start", 0, "unknown", **FROM_TOR)],
            "no_proxy": [e("user.session.start", 0, ip="tor")],
            "by_okta": [e("user.authentication.verify", 0, "system@okta.com", **FROM_TOR)],
        },
    ),
    "anonymiser-new-device": (
        {
            "a_factor": [e(MFA, 0, debug={"behaviors": NEW}, **FROM_TOR)],
            "an_app": [e("user.authentication.sso", 0, debug={"behaviors": NEW}, **FROM_TOR)],
            "a_country": [
                e(
                    "user.authentication.verify",
                    0,
                    debug={"behaviors": "{New Country=POSITIVE, New Device=POSITIVE}"},
                    **FROM_TOR,
                )
            ],
        },
        {
            "a_known_device": [
                e(MFA, 0, debug={"behaviors": "{New Geo-Location=POSITIVE, New Device=NEGATIVE}"}, **FROM_TOR)
            ],
            "no_proxy": [e(MFA, 0, debug={"behaviors": NEW})],
            "refused": [e(MFA, 0, result="FAILURE", debug={"behaviors": NEW}, **FROM_TOR)],
        },
    ),
    "anonymiser-enrolment": (
        {
            "a_factor": [e("user.mfa.factor.activate", 0, to=[user("ada")], **FROM_TOR)],
            "a_device": [e("device.user.add", 0, to=[user("ada")], **FROM_TOR)],
            "a_new_device": [e("device.enrollment.create", 0, **FROM_TOR)],
        },
        {
            "at_home": [e("user.mfa.factor.activate", 0, to=[user("ada")])],
            "refused": [e("user.mfa.factor.activate", 0, result="FAILURE", **FROM_TOR)],
            "taken_off": [e("user.mfa.factor.deactivate", 0, to=[user("ada")], **FROM_TOR)],
        },
    ),
    "impossible-travel": (
        {
            "another_continent_within_the_hour": [
                e("user.session.start", 0, ip="home"),
                e("user.session.start", HOUR, ip="abroad"),
            ],
            "a_session_that_jumps": [*known("ada", "home"), sso(0, "home"), sso(600, "abroad")],
            "countries_without_coordinates": [
                e("user.session.start", 0, ip="home", client__geographicalContext={"country": "Germany"}),
                e("user.session.start", 600, ip="abroad", client__geographicalContext={"country": "Brazil"}),
            ],
        },
        {
            "a_flight": [e("user.session.start", 0, ip="home"), e("user.session.start", 14 * HOUR, ip="abroad")],
            "a_vpn_that_the_user_knows": [
                *known("ada", "home", "abroad"),
                e("user.session.start", 0, ip="home"),
                e("user.session.start", 60, ip="abroad"),
            ],
            "a_vpn_of_colleagues": [
                *known("grace", "abroad"),
                *known("linus", "abroad"),
                e("user.session.start", 0, ip="home"),
                e("user.session.start", 60, ip="abroad"),
            ],
            "a_proxy": [e("user.session.start", 0, ip="home"), e("user.session.start", 60, **FROM_TOR)],
            "the_phone_that_answers_by_its_carrier_at_home": [
                e("user.session.start", -DAY * 2, ip="home"),
                e("user.session.start", 0, ip="abroad"),
                e(MFA, 20, ip="phone", on="phone", debug=PUSH),
            ],
            "one_country": [e("user.session.start", 0, ip="home"), e("user.session.start", 60, ip="cafe")],
        },
    ),
    "apps-refused": (
        {
            "five_apps": [
                e("app.generic.unauth_app_access_attempt", n * 60, to=[app(f"a{n}")], result="FAILURE")
                for n in range(5)
            ],
            "by_policy": [e("policy.evaluate_sign_on", n * 60, to=[app(f"a{n}")], result="DENY") for n in range(6)],
            "over_a_full_hour": [
                e("application.policy.sign_on.deny_access", n * 700, to=[app(f"a{n}")], result="DENY") for n in range(5)
            ],
        },
        {
            "four": [
                e("app.generic.unauth_app_access_attempt", n * 60, to=[app(f"a{n}")], result="FAILURE")
                for n in range(4)
            ],
            "over_a_week": [
                e("app.generic.unauth_app_access_attempt", -n * DAY, to=[app(f"a{n}")], result="FAILURE")
                for n in range(6)
            ],
            "of_five_users": [
                e("app.generic.unauth_app_access_attempt", n, f"u{n}", [app("mail")], result="FAILURE")
                for n in range(6)
            ],
        },
    ),
    "challenges-unmet": (
        {
            "three_apps": [sso(n * 60, "evil", kind="policy.evaluate_sign_on") for n in range(0)]
            + [
                e("policy.evaluate_sign_on", n * 60, ip="evil", session="s1", to=[app(f"a{n}")], result="CHALLENGE")
                for n in range(3)
            ],
            "one_of_four_was_met": [
                *(
                    e("policy.evaluate_sign_on", n * 60, ip="evil", session="s1", to=[app(f"a{n}")], result="CHALLENGE")
                    for n in range(4)
                ),
                e("user.authentication.sso", 300, ip="evil", session="s1", to=[app("a0")]),
            ],
            "six_apps": [
                e("policy.evaluate_sign_on", n, session="s1", to=[app(f"a{n}")], result="CHALLENGE") for n in range(6)
            ],
        },
        {
            "two": [
                e("policy.evaluate_sign_on", n * 60, session="s1", to=[app(f"a{n}")], result="CHALLENGE")
                for n in range(2)
            ],
            "all_were_met": [
                act
                for n in range(4)
                for act in (
                    e("policy.evaluate_sign_on", n * 60, session="s1", to=[app(f"a{n}")], result="CHALLENGE"),
                    e("user.authentication.sso", n * 60 + 9, session="s1", to=[app(f"a{n}")]),
                )
            ],
            "not_asked": [
                e("policy.evaluate_sign_on", n * 60, session="s1", to=[app(f"a{n}")], result="ALLOW") for n in range(5)
            ],
            "a_workday": workday("ada", 0),
        },
    ),
    "app-burst": (
        {
            "twelve_oidc_apps_in_48_seconds": [
                e("user.authentication.sso", n * 4, to=[app(f"a{n}")], ip="evil") for n in range(12)
            ],
            "ten_within_a_minute_that_begins_at_any_second": [
                e("user.authentication.sso", 57 + n * 6, to=[app(f"a{n}")], ip="evil", session="s1") for n in range(10)
            ],
            "twenty_at_home": [
                *known("ada", "home"),
                *(e("user.authentication.sso", n * 2, to=[app(f"a{n}")]) for n in range(22)),
            ],
        },
        {
            "twelve_in_six_hours": [
                e("user.authentication.sso", n * 30 * MINUTE, to=[app(f"a{n}")], ip="evil", session="s1")
                for n in range(12)
            ],
            "a_browser_that_opens_its_tabs_at_home": [
                *known("ada", "home"),
                *(e("user.authentication.sso", n * 3, to=[app(f"a{n}")]) for n in range(12)),
            ],
            "one_app_again_and_again": [
                e("user.authentication.sso", n, to=[app("mail")], ip="evil") for n in range(30)
            ],
            "twelve_people": [e("user.authentication.sso", n, f"u{n}", [app(f"a{n}")], "office") for n in range(12)],
        },
    ),
}
