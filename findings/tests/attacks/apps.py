"""Apps, their secrets, tokens and the passwords that Okta keeps for them."""

from findings.tests.life import DAY, HOUR, Act, app, e, user, was

CLIENT = {"type": "PublicClientApp", "on": "script"}
ORG2ORG = ("AppInstance", "0oahub", "Hub")
FEATURES = {
    "changeDetails": {
        "from": {"features": "PUSH_NEW_USERS"},
        "to": {"features": "PUSH_NEW_USERS, PUSH_PASSWORD_UPDATES"},
    }
}


def shown(at: int, whose: str = "ada", of: str = "crm", by: str = "ada", **more) -> Act:
    return e(
        "application.user_membership.show_password",
        at,
        by,
        [("AppUser", f"0ua{whose}", whose, f"{whose}@acme.example"), app(of), user(whose)],
        **more,
    )


def token(at: int, ip: str, name: str = "backup", **more) -> Act:
    return e("app.oauth2.token.grant.access_token", at, name, [app(name)], ip, **{**CLIENT, **more})


SCOPES = {
    "grantedScopes": "okta.users.read, okta.groups.read, okta.apps.read, okta.roles.read, okta.idps.read, okta.logs.read",
    "grantType": "client_credentials",
}


def run(
    at: float,
    ip: str = "aws0",
    agent: str = "okta-authomize/0.2.0",
    network: int = 16509,
    kind: str = "app.oauth2.token.grant.access_token",
    **more,
) -> Act:
    """What a run of the collector leaves in the log: a token grant, from one of its provider's many addresses."""
    return e(
        kind,
        at,
        "collector",
        [app("collector")],
        ip,
        **{
            "type": "PublicClientApp",
            "debug": SCOPES,
            "client__userAgent": {"rawUserAgent": agent},
            "securityContext": {"asNumber": network, "isProxy": False},
            **more,
        },
    )


RUNS = [run(-n * HOUR, f"aws{n % 9}", f"okta-authomize/0.{n // 20}.0") for n in range(60)]
RULES = {
    "client-secret-read": (
        {
            "by_a_person": [e("app.oauth2.client.read_client_secret", 0, "dev", [app("backup")])],
            "by_a_service_app": [e("app.oauth2.client.read_client_secret", 0, "tool", [app("backup")], **CLIENT)],
            "of_an_idp": [
                e("system.idp.lifecycle.read_client_secret", 0, "dev", [("IdentityProvider", "0oaidp", "Google")])
            ],
        },
        {
            "refused": [e("app.oauth2.client.read_client_secret", 0, "dev", [app("backup")], result="FAILURE")],
            "a_token": [token(0, "server")],
            "an_app_read": [e("application.lifecycle.update", 0, "dev", [app("backup")])],
        },
    ),
    "app-credential-added": (
        {
            "a_secret": [e("app.oauth2.credentials.lifecycle.create", 0, "dev", [app("backup")])],
            "switched_on": [e("app.oauth2.credentials.lifecycle.activate", 0, "tool", [app("backup")], **CLIENT)],
            "a_signing_key": [e("app.keys.generate", 0, "dev", [app("wiki")])],
        },
        {
            "deleted": [e("app.oauth2.credentials.lifecycle.delete", 0, "dev", [app("backup")])],
            "switched_off": [e("app.oauth2.credentials.lifecycle.deactivate", 0, "dev", [app("backup")])],
            "refused": [e("app.oauth2.credentials.lifecycle.create", 0, "dev", result="FAILURE")],
        },
    ),
    "refresh-token-reused": (
        {
            "of_the_org": [e("app.oauth2.token.detect_reuse", 0, "phone app", **CLIENT)],
            "of_an_authorization_server": [e("app.oauth2.as.token.detect_reuse", 0, "phone app", **CLIENT)],
            "refused": [e("app.oauth2.token.detect_reuse", 0, result="FAILURE")],
        },
        {
            "revoked": [e("app.oauth2.token.revoke", 0)],
            "granted": [e("app.oauth2.token.grant.refresh_token", 0)],
            "a_rate": [e("app.oauth2.client_id_rate_limit_warning", 0)],
        },
    ),
    "redirect-mismatch": (
        {
            "at_the_token": [e("app.oauth2.token.grant", 0, result="FAILURE", reason="mismatched_redirect_uri")],
            "at_the_code": [e("app.oauth2.authorize.code", 0, result="FAILURE", reason="redirect_uri_mismatch")],
            "of_an_authorization_server": [
                e("app.oauth2.as.token.grant", 0, result="FAILURE", reason="mismatched_redirect_uri", to=[app("spa")])
            ],
        },
        {
            "another_reason": [e("app.oauth2.token.grant", 0, result="FAILURE", reason="invalid_client")],
            "granted": [e("app.oauth2.token.grant", 0)],
            "an_app_changed": [e("application.lifecycle.update", 0, reason="mismatched_redirect_uri")],
        },
    ),
    "outside-range": (
        {
            "an_api_token": [e("system.api_token.request_outside_allowed_range", 0, ip="evil", result="DENY")],
            "a_bearer_token": [
                e("system.oauth2.token.request_outside_allowed_range", 0, ip="evil", result="FAILURE", **CLIENT)
            ],
            "of_a_client": [e("app.oauth2.client.request_outside_allowed_range", 0, ip="evil")],
        },
        {
            "made": [e("system.api_token.create", 0)],
            "enabled": [e("system.api_token.enable", 0)],
            "blocked_at_the_door": [e("security.request.blocked", 0, ip="evil")],
        },
    ),
    "scope-refused": (
        {
            "by_a_program": [
                e(
                    "app.oauth2.as.token.grant",
                    0,
                    "tool",
                    result="FAILURE",
                    reason="no_matching_scope",
                    debug={"grantType": "client_credentials", "requestedScopes": "okta.users.manage"},
                    **CLIENT,
                )
            ],
            "of_the_org": [e("app.oauth2.token.grant", 0, "tool", result="FAILURE", reason="invalid_scope", **CLIENT)],
            "by_somebody_new": [
                e(
                    "app.oauth2.as.token.grant",
                    0,
                    "other",
                    ip="evil",
                    result="FAILURE",
                    reason="no_matching_scope",
                    **CLIENT,
                )
            ],
        },
        {
            "another_reason": [
                e("app.oauth2.as.token.grant", 0, "tool", result="FAILURE", reason="invalid_client", **CLIENT)
            ],
            "granted": [token(0, "server")],
            "okta_itself": [
                e(
                    "app.oauth2.as.token.grant",
                    0,
                    "okta dashboard",
                    result="FAILURE",
                    reason="no_matching_scope",
                    on="okta",
                    type="PublicClientApp",
                )
            ],
        },
    ),
    "collector-impersonated": (
        {
            "by_another_program": [*RUNS, run(30, agent="python-requests/2.32")],
            "from_another_network": [*RUNS, run(30, "evil", network=64666)],
            "it_reads_a_secret": [*RUNS, run(30, kind="app.oauth2.client.read_client_secret")],
            "when_no_run_begins": [*RUNS, run(-9 * HOUR - 1000)],
            "its_secret_is_read": [
                *RUNS,
                e("app.oauth2.client.read_client_secret", 30, "dev", [("AppInstance", "00ucollector", "Collector")]),
            ],
        },
        {
            "killed_and_retried": [*RUNS, *(run(n * 20, result="FAILURE" if n % 2 else "SUCCESS") for n in range(9))],
            "another_service": [*RUNS, token(0, "server"), token(60, "evil")],
            "a_limit": [*RUNS, run(30, kind="app.oauth2.client_id_rate_limit_warning", network=0)],
            "begun_by_hand": [
                *RUNS,
                run(-9 * HOUR - 1000),
                was("groups", "00gnew", {"id": "00gnew", "type": "OKTA_GROUP"}, -9 * HOUR - 980),
            ],
            "another_schedule_since_then": [*RUNS, *(run(n * HOUR + 200) for n in range(1, 7))],
            "an_upgrade": [*RUNS, run(30, agent="okta-authomize/1.0.0")],
        },
    ),
    "client-many-addresses": (
        {
            "a_second_address": [*(token(n * HOUR, "server") for n in range(4)), token(5 * HOUR, "evil")],
            "two_at_once": [token(0, "server"), token(9, "evil")],
            "three": [token(0, "server"), token(60, "evil"), token(90, "worse")],
        },
        {
            "one": [token(n * HOUR, "server") for n in range(6)],
            "a_cloud": [token(n * HOUR, f"cloud{n}") for n in range(7)],
            "two_clients": [token(0, "server"), token(0, "other", "mailer")],
            "a_phone_app_of_people": [
                token(0, "home", grant="x", debug={"grantType": "authorization_code"}),
                token(60, "cafe", debug={"grantType": "refresh_token"}),
            ],
        },
    ),
    "org2org-created": (
        {
            "by_its_name": [e("application.lifecycle.create", 0, "boss", [("AppInstance", "0oax", "Okta Org2Org")])],
            "changed": [e("application.lifecycle.update", 0, "boss", [("AppInstance", "0oax", "Org2Org")])],
            "by_its_record": [
                was("applications", "0oahub", {"id": "0oahub", "name": "okta_org2org", "label": "Hub"}),
                e("application.lifecycle.activate", 0, "boss", [ORG2ORG]),
            ],
        },
        {
            "another_app": [e("application.lifecycle.create", 0, "boss", [app("wiki")])],
            "refused": [
                e(
                    "application.lifecycle.create",
                    0,
                    "boss",
                    [("AppInstance", "0oax", "Okta Org2Org")],
                    result="FAILURE",
                )
            ],
            "used": [e("user.authentication.sso", 0, to=[("AppInstance", "0oax", "Okta Org2Org")])],
        },
    ),
    "password-push-switched-on": (
        {
            "in_the_change": [e("application.lifecycle.update", 0, "boss", [(*app("erp"), None, FEATURES)])],
            "by_its_reason": [
                e("application.lifecycle.update", 0, "boss", [app("erp")], reason="Pushing user passwords")
            ],
            "in_the_provisioning": [
                e(
                    "application.provision.integration.update",
                    0,
                    "boss",
                    [(*app("erp"), None, {"detailEntry": {"features": "PUSH_PASSWORD_UPDATES"}})],
                )
            ],
        },
        {
            "switched_off": [
                e(
                    "application.lifecycle.update",
                    0,
                    "boss",
                    [
                        (
                            *app("erp"),
                            None,
                            {"changeDetails": {"from": {"features": "PUSH_PASSWORD_UPDATES"}, "to": {"features": ""}}},
                        )
                    ],
                )
            ],
            "kept": [
                e(
                    "application.lifecycle.update",
                    0,
                    "boss",
                    [
                        (
                            *app("erp"),
                            None,
                            {
                                "changeDetails": {
                                    "from": {"features": "PUSH_PASSWORD_UPDATES"},
                                    "to": {"features": "PUSH_PASSWORD_UPDATES, GROUP_PUSH"},
                                }
                            },
                        )
                    ],
                )
            ],
            "another_reason": [e("application.lifecycle.update", 0, "boss", [app("erp")], reason="Renamed")],
        },
    ),
    "passwords-revealed": (
        {
            "of_somebody_else": [shown(0, "grace")],
            "five_within_an_hour": [shown(n * 600, of=f"a{n}") for n in range(5)],
            "through_a_proxy": [shown(0, ip="tor", proxy=True)],
        },
        {
            "ones_own": [shown(0)],
            "ones_own_five_times_in_a_week": [shown(-n * DAY, of=f"a{n}") for n in range(5)],
            "one_app_again_and_again": [shown(n * 60) for n in range(7)],
        },
    ),
}
