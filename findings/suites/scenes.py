"""What a rule whose query is a program looks for, played with no more than it asks for."""

from findings.tests.life import HOUR, Act, app, e, user

PUSH = {"factor": "OKTA_VERIFY_PUSH"}
NEW = {**PUSH, "behaviors": "{New Device=POSITIVE, New IP=POSITIVE}"}
FACTORS = {
    "changeDetails": {
        "from": {"policyRuleActionJson": '{"appSignOn":{"verificationMethod":{"factorMode":"2FA"}}}'},
        "to": {"policyRuleActionJson": '{"appSignOn":{"verificationMethod":{"factorMode":"1FA"}}}'},
    }
}
MFA, SSO, SIGN_ON = "user.authentication.auth_via_mfa", "user.authentication.sso", "policy.evaluate_sign_on"


def refused(name: str, at: float, ip: str, **debug: str) -> Act:
    return e("user.session.start", at, name, ip=ip, result="FAILURE", reason="INVALID_CREDENTIALS", debug=debug)


def denied(times: int, every: int) -> list[Act]:
    return [e("user.mfa.okta_verify.deny_push", n * every) for n in range(times)]


def device(name: str, at: float) -> Act:
    return e(
        "device.user.add",
        at,
        name,
        [("Device", "guo1", "Pixel", None, {"detailEntry": {"oktaDeviceId": "guo1"}}), user(name)],
    )


SCENES: dict[str, list[Act]] = {
    "a role is granted": [
        e("user.account.privilege.grant", 0, "boss", [user("grace")], debug={"privilegeGranted": "Super administrator"})
    ],
    "a rule from two factors to one": [
        e(
            "policy.rule.update",
            0,
            "boss",
            [("PolicyEntity", "00p1", "Policy"), ("PolicyRule", "0pr1", "Everybody", None, FACTORS)],
        )
    ],
    "one device of two users": [device("ada", 0), device("grace", HOUR)],
    "one phone of two users": [
        e("system.sms.send_phone_verification_message", n * 60, name, [("MobilePhone", "mbl1", "+49 XXX"), user(name)])
        for n, name in enumerate(("ada", "grace"))
    ],
    "a push from elsewhere": [
        e("system.push.send_factor_verify_push", 0, ip="evil", session="s1", debug=NEW),
        e(MFA, 9, ip="phone", on="phone", session="s1", result="FAILURE", debug=PUSH),
    ],
    "apps that ask for a factor": [
        e(SIGN_ON, n * 60, ip="evil", session="s1", to=[app(f"a{n}")], result="CHALLENGE") for n in range(3)
    ],
    "ten apps within a minute": [
        e(SSO, n * 6, to=[app(f"a{n}")], ip="evil", debug={"initiationType": "IDP_INITIATED"}) for n in range(10)
    ],
    "sixteen apps within five minutes": [e(SSO, n * 18, to=[app(f"a{n}")], ip="evil") for n in range(16)],
    "six pushes without an answer": [
        e(MFA, n * 500, ip="evil", result=("UNANSWERED", "ABANDONED")[n % 2], debug=PUSH) for n in range(6)
    ],
    "a device token at two places": [
        e(SIGN_ON, 0, result="ALLOW", debug={"dtHash": "d1"}),
        e(SIGN_ON, 600, ip="evil", on="thief", result="ALLOW", debug={"dtHash": "d1"}),
    ],
    "Okta Support is let in": [e("user.session.impersonation.grant", 0, "support")],
    "three users of one device behind a proxy": [
        e("user.authentication.verify", n * 100, f"u{n}", ip="tor", proxy=True, debug={"dtHash": "d1"})
        for n in range(3)
    ],
    "one session with four device tokens": [
        e(MFA, n * 60, ip=("home", "evil")[n % 2], session="s1", debug={"dtHash": f"d{n}"}) for n in range(4)
    ],
    "a session replayed by a program": [
        e("user.session.start", 0, session="s1"),
        e(SSO, 60, ip="evil", on="script", session="s1", to=[app("mail")]),
    ],
    "twenty-one names refused on one device": [refused(f"u{n}", n * 20, "evil", dtHash="d1") for n in range(21)],
    "one name with a new device token each time": [
        refused("ada", n * 60, "evil", dtHash=f"d{n}", requestUri="/api/v1/authn") for n in range(20)
    ],
    "one name from eight addresses": [refused("ada", n * 60, f"evil{n % 8}") for n in range(10)],
    "fifteen names twice from one address": [refused(f"u{n % 15}", n * 20, "evil") for n in range(30)],
    "five names three times from one address": [refused(f"u{n % 5}", n * 60, "evil") for n in range(15)],
    "ten names from one address": [refused(f"u{n}", n * 300, "evil") for n in range(10)],
    "eight names from five addresses": [refused(f"u{n % 8}", n * 20, f"evil{n % 5}") for n in range(25)],
    "five pushes denied": denied(5, 100),
    "six pushes denied within the hour": denied(6, 100),
    "five pushes denied, one approved": [*denied(5, 60), e(MFA, 400, ip="phone", debug=PUSH)],
    "let in after a spray": [
        *(refused(f"u{n}", n * 20, "evil") for n in range(15)),
        e("user.session.start", 2 * HOUR, "u3", ip="fresh"),
    ],
    "two countries within half an hour": [
        e("user.session.start", 0, ip="home"),
        e("user.session.start", 25 * 60, ip="abroad"),
    ],
    "sixteen resets of eleven users": [
        e("user.account.reset_password", n * 60, "desk", [user(f"u{n % 11}")]) for n in range(16)
    ],
    "an app asks for a scope": [
        e(
            "app.oauth2.as.token.grant",
            0,
            "tool",
            ip="evil",
            on="script",
            type="PublicClientApp",
            result="FAILURE",
            reason="no_matching_scope",
        )
    ],
    "a client at two addresses": [
        e("app.oauth2.as.token.grant.access_token", n * HOUR, "tool", ip=ip, on="script", type="PublicClientApp")
        for n, ip in enumerate(("server", "evil"))
    ],
}
