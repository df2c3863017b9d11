"""The org's own settings, and Okta's own word."""

from findings.tests.life import Act, app, e, known, user, was

RULE = ("PolicyRule", "0prx", "Everybody")


def by_boss(*kinds: str, to=(("Thing", "t1", "Thing"),)) -> dict[str, list[Act]]:
    return {kind: [e(kind, 0, "boss", list(to))] for kind in kinds}


def changed(old: str, new: str, kind: str = "policy.rule.update") -> list[Act]:
    return [
        e(
            kind,
            0,
            "boss",
            [
                (
                    *RULE,
                    None,
                    {"changeDetails": {"from": {"policyRuleActionJson": old}, "to": {"policyRuleActionJson": new}}},
                )
            ],
        )
    ]


def idp(created: str) -> Act:
    return was("idps", "0oaidp", {"id": "0oaidp", "name": "Partner", "created": created})


THROUGH = ("IdentityProvider", "0oaidp", "Partner")
RULES = {
    "attack-started": (
        {
            **by_boss("security.attack.start"),
            "without_an_actor": [e("security.attack.start", 0, "unknown", ip=None)],
            "whatever_came_of_it": [e("security.attack.start", 0, result="DENY")],
        },
        by_boss("security.attack.end", "security.request.blocked", "security.zone.make_blacklist"),
    ),
    "blinding": (
        {
            **by_boss(
                "system.log_stream.lifecycle.deactivate",
                "zone.update",
                "event_hook.deactivated",
                "zone.remove_blacklist",
            ),
            "by_a_program": [e("system.log_stream.lifecycle.delete", 0, "tool", type="PublicClientApp")],
        },
        {
            **by_boss("zone.create", "zone.make_blacklist", "event_hook.created"),
            "refused": [e("zone.delete", 0, "boss", result="FAILURE")],
        },
    ),
    "new-idp": (
        by_boss(
            "system.idp.lifecycle.create",
            "system.idp.key.update",
            "system.idp.lifecycle.activate",
            "app.oauth2.trusted_server.add",
        ),
        {
            "a_sign_in_through_it": [e("user.authentication.auth_via_IDP", 0, to=[THROUGH])],
            "refused": [e("system.idp.lifecycle.create", 0, "boss", result="FAILURE")],
            "an_app": [e("application.lifecycle.create", 0, "boss", [app("wiki")])],
        },
    ),
    "idp-first-use": (
        {
            "of_an_idp_that_nobody_knows": [
                e("user.authentication.auth_via_IDP", 0, to=[("IdentityProvider", "0oaother", "Other")])
            ],
            "of_a_new_one": [idp("2026-11-20T00:00:00Z"), e("user.authentication.auth_via_social", 0, to=[THROUGH])],
            "of_an_old_one_that_slept": [
                *known("ada", "home", days=60),
                idp("2024-01-01T00:00:00Z"),
                e("user.authentication.auth_via_inbound_SAML", 0, to=[THROUGH]),
            ],
        },
        {
            "of_an_old_one_in_a_young_log": [
                idp("2024-01-01T00:00:00Z"),
                e("user.authentication.auth_via_IDP", 0, to=[THROUGH]),
            ],
            "by_okta_itself": [e("user.session.start", 0, authenticationContext__issuer={"id": "Okta"})],
            "a_password": [e("user.authentication.verify", 0)],
        },
    ),
    "routing-changed": (
        {
            "a_rule": [
                e(
                    "policy.rule.update",
                    0,
                    "boss",
                    [
                        ("PolicyEntity", "00p1", "Idp Discovery Policy"),
                        (*RULE, None, {"detailEntry": {"policyType": "IDP_DISCOVERY"}}),
                    ],
                )
            ],
            "a_new_rule": [e("policy.rule.add", 0, "boss", [("PolicyEntity", "00p1", "Idp Discovery Policy"), RULE])],
            "switched_on": [
                e("policy.rule.activate", 0, "boss", [(*RULE, None, {"detailEntry": {"policyType": "IDP_DISCOVERY"}})])
            ],
        },
        {
            "another_policy": [
                e("policy.rule.update", 0, "boss", [(*RULE, None, {"detailEntry": {"policyType": "ACCESS_POLICY"}})])
            ],
            "refused": [
                e("policy.rule.update", 0, "boss", [("PolicyEntity", "00p1", "Idp Discovery Policy")], result="FAILURE")
            ],
            "an_evaluation": [e("policy.evaluate_sign_on", 0, to=[RULE])],
        },
    ),
    "policy-deleted": (
        by_boss(
            "policy.rule.delete",
            "policy.lifecycle.deactivate",
            "application.policy.sign_on.rule.delete",
            "application.policy.sign_on.update",
        ),
        {
            **by_boss("policy.rule.update", "policy.lifecycle.create"),
            "refused": [e("policy.rule.delete", 0, "boss", result="FAILURE")],
        },
    ),
    "sign-on-rule-weakened": (
        {
            "two_factors_to_one": changed('{"factorMode":"2FA"}', '{"factorMode":"1FA"}'),
            "no_factor": changed('{"requireFactor":true}', '{"requireFactor":false}'),
            "no_possession": changed(
                '{"possession":{"deviceBound":"REQUIRED"}}', '{"knowledge":{}}', "policy.lifecycle.update"
            ),
        },
        {
            "one_to_two": changed('{"factorMode":"1FA"}', '{"factorMode":"2FA"}'),
            "a_name": changed('{"name":"a"}', '{"name":"b"}'),
            "more_factors": changed('{"requireFactor":false}', '{"requireFactor":true}'),
        },
    ),
    "mfa-switched-off": (
        {
            **by_boss("system.mfa.factor.deactivate"),
            "by_a_program": [e("system.mfa.factor.deactivate", 0, "tool", type="PublicClientApp")],
            "by_okta": [e("system.mfa.factor.deactivate", 0, "system@okta.com", ip=None)],
        },
        {
            "switched_on": [e("system.mfa.factor.activate", 0, "boss")],
            "of_one_user": [e("user.mfa.factor.deactivate", 0, "desk", [user("ada")])],
            "refused": [e("system.mfa.factor.deactivate", 0, "boss", result="FAILURE")],
        },
    ),
    "threat-insight-weakened": (
        by_boss(
            "security.attack_protection.settings.update",
            "security.threat.configuration.update",
            "security.session_protection.status.update",
        ),
        {
            **by_boss("security.threat.detected", "security.attack.end"),
            "refused": [e("security.threat.configuration.update", 0, "boss", result="FAILURE")],
        },
    ),
    "threat-insight": (
        {
            "an_address": [
                e("security.threat.detected", 0, "unknown", ip="bad", reason="Password Spray", result="DENY")
            ],
            "let_through": [e("user.session.start", 0, ip="bad", debug={"threatSuspected": "true"})],
            "many_unknown_users": [
                e(
                    "security.threat.detected",
                    0,
                    "unknown",
                    ip="bad",
                    reason="Login failures with high unknown users count",
                )
            ],
        },
        {
            "not_suspected": [e("user.session.start", 0, debug={"threatSuspected": "false"})],
            "refused": [e("user.session.start", 0, result="FAILURE", debug={"threatSuspected": "true"})],
            "blocked": [e("security.request.blocked", 0, ip="bad")],
        },
    ),
    "risk-high": (
        {
            "at_sign_in": [e("user.session.start", 0, debug={"risk": "{reasons=Anomalous Device, level=HIGH}"})],
            "threat_intelligence_at_medium": [
                e(
                    "user.risk.detect",
                    0,
                    "system@okta.com",
                    [user("ada")],
                    debug={"risk": "{level=MEDIUM, detectionName=Okta Threat Intelligence}"},
                )
            ],
            "a_hijacked_session": [
                e(
                    "user.risk.detect",
                    0,
                    "system@okta.com",
                    [user("ada")],
                    debug={"risk": "{level=LOW, reasons=Associated sessionId is suspected to be hijacked}"},
                )
            ],
            "changed_to_high": [
                e(
                    "user.risk.change",
                    0,
                    "system@okta.com",
                    [user("ada")],
                    debug={"risk": "{level=HIGH, previousLevel=LOW}"},
                )
            ],
        },
        {
            "risk_that_falls": [
                e(
                    "user.risk.change",
                    0,
                    "system@okta.com",
                    [user("ada")],
                    debug={"risk": "{level=LOW, previousLevel=HIGH}"},
                )
            ],
            "low": [e("user.session.start", 0, debug={"risk": "{level=LOW}"})],
            "a_user_who_changed_their_device": [
                e(
                    "user.risk.detect",
                    0,
                    "system@okta.com",
                    [user("ada")],
                    debug={"risk": "{level=LOW, detectionName=Entity Risk}"},
                )
            ],
        },
    ),
    "breached-password": (
        {
            "found": [e("security.breached_credential.detected", 0, to=[user("ada")])],
            "acted_on": [e("security.breached_credential.detected", 0, reason="Password expired", to=[user("ada")])],
            "by_okta": [e("security.breached_credential.detected", 0, "system@okta.com", [user("ada")], None)],
        },
        {
            "a_new_password": [e("user.account.update_password", 0)],
            "a_lock": [e("user.account.lock", 0)],
            "a_threat": [e("security.threat.detected", 0)],
        },
    ),
    "behaviour-reset": (
        {
            "by_an_admin": [e("user.behavior.profile.reset", 0, "boss", [user("ada")])],
            "by_the_user": [e("user.behavior.profile.reset", 0, "ada", [user("ada")])],
            "by_a_program": [e("user.behavior.profile.reset", 0, "tool", [user("ada")], type="PublicClientApp")],
        },
        {
            "refused": [e("user.behavior.profile.reset", 0, "boss", [user("ada")], result="FAILURE")],
            "settings": [e("behavior.settings.update", 0, "boss")],
            "sessions": [e("user.session.clear", 0, "boss", [user("ada")])],
        },
    ),
    "support-access": (
        by_boss(
            "user.session.impersonation.grant",
            "user.session.impersonation.initiate",
            "support.org.view",
            "support.org.update",
        ),
        by_boss("user.session.impersonation.end", "user.session.impersonation.revoke", "user.session.start"),
    ),
    "support-reset": (
        {
            kind: [
                e(
                    kind,
                    0,
                    "system@okta.com",
                    [user("ada")],
                    None,
                    transaction={"id": "unknown"},
                    client={"userAgent": None},
                )
            ]
            for kind in ("user.account.reset_password", "user.mfa.factor.update", "user.mfa.attempt_bypass")
        },
        {
            "by_an_admin": [e("user.account.reset_password", 0, "desk", [user("ada")])],
            "by_okta_in_a_transaction": [
                e(
                    "user.mfa.factor.update",
                    0,
                    "system@okta.com",
                    [user("ada")],
                    None,
                    transaction={"id": "abc"},
                    client={},
                )
            ],
            "another_event": [e("user.lifecycle.create", 0, "system@okta.com", [user("ada")], None, client={})],
        },
    ),
    "user-reported": (
        {
            "a_report": [e("user.account.report_suspicious_activity_by_enduser", 0)],
            "from_a_phone": [e("user.account.report_suspicious_activity_by_enduser", 0, on="phone", ip="phone")],
            "whatever_came_of_it": [e("user.account.report_suspicious_activity_by_enduser", 0, result="FAILURE")],
        },
        {
            "a_notice": [e("system.email.new_device_notification.sent_message", 0)],
            "sign_out": [e("user.session.end", 0)],
            "a_password": [e("user.account.update_password", 0)],
        },
    ),
    "directory-agent": (
        by_boss("system.agent.ad.create", "system.agent.ad.config_change_detected", "system.agent.register"),
        by_boss("system.agent.ad.start", "system.agent.ad.import_user", "system.agent.ad.upgrade"),
    ),
    "password-hook": (
        by_boss("inline_hook.created", "inline_hook.updated", "inline_hook.activated"),
        {
            **by_boss("inline_hook.executed", "inline_hook.deleted"),
            "refused": [e("inline_hook.created", 0, "boss", result="FAILURE")],
        },
    ),
    "password-report-read": (
        {
            "downloaded": [
                e(
                    "analytics.reports.export.download",
                    0,
                    "boss",
                    debug={"requestUri": "/reports/password-health/async_csv_download_schedule"},
                )
            ],
            "shown": [e("user.session.access_admin_app", 0, "boss", debug={"requestUri": "/reports/password-health/"})],
            "by_a_program": [e("x", 0, "boss", on="script", debug={"requestUri": "/reports/Password-Health/csv"})],
        },
        {
            "another_report": [
                e("analytics.reports.export.download", 0, "boss", debug={"requestUri": "/reports/mfa-usage/"})
            ],
            "nothing_asked": [e("x", 0, "boss")],
            "the_users_page": [e("x", 0, "boss", debug={"requestUri": "/api/v1/users"})],
        },
    ),
    "api-token-created": (
        {
            "from_anywhere": [
                e(
                    "system.api_token.create",
                    0,
                    "boss",
                    [("Token", "00T1", "ci")],
                    debug={"networkConnection": "ANYWHERE"},
                )
            ],
            "nothing_said": [e("system.api_token.create", 0, "boss", [("Token", "00T1", "ci")])],
            "freed": [
                e(
                    "system.api_token.update",
                    0,
                    "boss",
                    [("Token", "00T1", "ci")],
                    debug={"networkConnection": "ANYWHERE"},
                )
            ],
        },
        {
            "restricted": [
                e("system.api_token.update", 0, "boss", [("Token", "00T1", "ci")], debug={"networkConnection": "ZONE"})
            ],
            "revoked": [e("system.api_token.revoke", 0, "boss")],
            "refused": [e("system.api_token.create", 0, "boss", result="FAILURE")],
        },
    ),
}
