"""Admins: what is granted, reset, and done by whoever took one over."""

from typing import Any

from findings.tests.life import CONSOLE, DAY, HOUR, MINUTE, START, admin, app, e, gone, known, user, was

GROUP = ("UserGroup", "00gops", "Ops")
OPS = [
    was("group_memberships", "00gops:00ugrace", {"group_id": "00gops", "user_id": "00ugrace"}),
    was(
        "role_assignments",
        "00gops:ra1",
        {
            "principal_id": "00gops",
            "principal_type": "Group",
            "id": "ra1",
            "type": "SUPER_ADMIN",
            "status": "ACTIVE",
            "created": "2025-01-01T00:00:00Z",
        },
    ),
]
IDP = was("idps", "0oaidp", {"id": "0oaidp", "name": "Partner", "created": "2026-11-22T00:00:00Z"})
THROUGH = ("IdentityProvider", "0oaidp", "Partner")
NEW = {"behaviors": "{New Geo-Location=NEGATIVE, New Device=POSITIVE, New IP=POSITIVE}"}


READER = [
    was("users", "00uada", {"id": "00uada", "status": "ACTIVE", "profile": {"login": "ada"}}),
    admin("ada", "READ_ONLY_ADMIN"),
    was(
        "applications",
        "0oabackup",
        {
            "id": "0oabackup",
            "label": "Backup",
            "status": "ACTIVE",
            "settings": {"oauthClient": {"application_type": "service"}},
            "credentials": {
                "oauthClient": {"client_id": "0oabackup", "token_endpoint_auth_method": "client_secret_basic"}
            },
        },
    ),
]
SUPER = {"principal_id": "0oabackup", "principal_type": "Client", "id": "ra9", "type": "SUPER_ADMIN"}
HELD = was("role_assignments", "0oabackup:ra9", SUPER)


def caused(stream: str, id: str, source: dict, kind: str) -> list[Any]:
    """A record that an event of this kind brought, with the event."""

    def act(stage) -> None:
        stage.record(stream, id, source, START, "opening")

    return [e(kind, 0, "boss", [user("grace")], uuid="opening"), act]


def console(at, kind="policy.evaluate_sign_on", result="CHALLENGE", **more) -> Any:
    return e(kind, at, "boss", [CONSOLE], result=result, **more)


def verified(method) -> list[Any]:
    return [e("user.authentication.verify", 0, "boss", [(*CONSOLE, None, {"detailEntry": {"methodTypeUsed": method}})])]


def gets(*names, by="boss", at=0, who="grace", kind="user.account.privilege.grant", result="SUCCESS", **more) -> Any:
    return e(kind, at, by, [user(who)], result=result, debug={"privilegeGranted": ", ".join(names)}, **more)


RULES = {
    "admin-console-refused": (
        {
            "by_its_own_event": [console(0, "user.session.access_admin_app", "FAILURE")],
            "by_policy": [console(0, result="DENY")],
            "as_an_app": [console(0, "app.generic.unauth_app_access_attempt", "FAILURE")],
        },
        {
            "another_app": [e("app.generic.unauth_app_access_attempt", 0, to=[app("wiki")], result="FAILURE")],
            "a_challenge": [console(0)],
            "let_in": [console(0, "user.session.access_admin_app", "SUCCESS")],
        },
    ),
    "admin-console-weak": (
        {
            "a_new_device_and_address_are_challenged": [console(0, debug=NEW)],
            "as_json_text": [
                console(
                    0,
                    debug={
                        "logOnlySecurityData": '{"risk":{"level":"LOW"},"behaviors":{"New Device":"POSITIVE","New IP":"POSITIVE"}}'
                    },
                )
            ],
            "sms_after_a_password": [
                console(
                    0,
                    "user.session.access_admin_app",
                    "SUCCESS",
                    debug={
                        "authMethodFirstType": "okta_password:password:aut1",
                        "authMethodSecondType": "phone_number:sms:aut2",
                    },
                )
            ],
            "verified_by_email": verified("Email"),
            "allowed": [console(0, result="ALLOW", debug=NEW)],
        },
        {
            "a_new_address_alone": [console(0, debug={"behaviors": "{New Device=NEGATIVE, New IP=POSITIVE}"})],
            "verified_by_fastpass": verified("signed_nonce"),
            "a_password_after_a_push": [
                console(
                    0,
                    "user.session.access_admin_app",
                    "SUCCESS",
                    debug={
                        "authMethodFirstType": "okta_verify:push:aut1",
                        "authMethodSecondType": "okta_password:password:aut2",
                    },
                )
            ],
            "another_app": [e("policy.evaluate_sign_on", 0, to=[app("wiki")], result="CHALLENGE", debug=NEW)],
        },
    ),
    "admin-factor-reset": (
        {
            "of_an_admin": [admin("grace"), e("user.mfa.factor.reset_all", 0, "desk", [user("grace")])],
            "by_group": [*OPS, e("user.mfa.factor.deactivate", 0, "desk", [user("grace")])],
            "of_an_admin_whom_the_responder_took_the_role_since": [
                admin("grace", until=2 * HOUR),
                e("user.mfa.factor.reset_all", 0, "desk", [user("grace")]),
            ],
            "of_an_admin_between_two_readings": [
                gets("Super administrator", at=-DAY),
                e("user.mfa.factor.reset_all", 0, "desk", [user("grace")]),
                e("user.account.privilege.revoke", HOUR, "boss", [user("grace")]),
            ],
        },
        {
            "of_nobodys_admin": [admin("boss"), e("user.mfa.factor.reset_all", 0, "desk", [user("grace")])],
            "of_an_admin_of_before": [
                admin("grace", until=-5 * DAY),
                e("user.mfa.factor.reset_all", 0, "desk", [user("grace")]),
            ],
            "of_an_admin_to_be": [
                admin("grace", since=5 * HOUR),
                e("user.mfa.factor.reset_all", 0, "desk", [user("grace")]),
            ],
            "by_the_admin": [admin("grace"), e("user.mfa.factor.deactivate", 0, "grace", [user("grace")])],
            "refused": [admin("grace"), e("user.mfa.factor.reset_all", 0, "desk", [user("grace")], result="FAILURE")],
        },
    ),
    "admin-password-reset": (
        {
            "reset": [admin("grace", "ORG_ADMIN"), e("user.account.reset_password", 0, "desk", [user("grace")])],
            "set": [*OPS, e("user.account.update_password", 0, "desk", [user("grace")])],
            "and_cleaned_up": [
                admin("grace", until=HOUR),
                e("user.account.expire_password", 0, "desk", [user("grace")]),
            ],
        },
        {
            "by_the_admin": [admin("grace"), e("user.account.update_password", 0, "grace", [user("grace")])],
            "of_a_user": [admin("desk"), e("user.account.reset_password", 0, "desk", [user("grace")])],
            "refused": [admin("grace"), e("user.account.reset_password", 0, "desk", [user("grace")], result="FAILURE")],
        },
    ),
    "admin-granted": (
        {
            "a_first_role": [gets("Application administrator (all)")],
            "a_second_role": [admin("grace", "READ_ONLY_ADMIN"), gets("Read only admin", "Super administrator")],
            "to_a_group": [
                e("group.privilege.grant", 0, "boss", [GROUP], debug={"privilegeGranted": "Help Desk administrator"})
            ],
            "a_custom_role": [
                e("iam.resourceset.bindings.add", 0, "boss", [user("grace"), ("RESOURCE_SET", "iam1", "All")])
            ],
            "tried_in_vain": [gets("Super administrator", result="FAILURE")],
        },
        {
            "one_of_two_is_taken_away": [
                admin("grace", "SUPER_ADMIN"),
                admin("grace", "READ_ONLY_ADMIN"),
                gets("Read only admin"),
            ],
            "the_same_again": [admin("grace", "HELP_DESK_ADMIN"), gets("Help Desk administrator")],
            "narrowed_after_a_grant_in_the_log": [
                gets("Report administrator"),
                admin("grace", "REPORT_ADMIN"),
            ],
            "revoked": [e("user.account.privilege.revoke", 0, "boss", [user("grace")])],
        },
    ),
    "admin-removed": (
        {
            "revoked_by_name": [
                e(
                    "user.account.privilege.revoke",
                    0,
                    "boss",
                    [user("grace")],
                    debug={"privilegeRevoked": "Super administrator"},
                )
            ],
            "one_of_two": [admin("grace"), admin("grace", "READ_ONLY_ADMIN"), gets("Read only admin")],
            "all_of_an_org_admin": [
                admin("grace", "ORG_ADMIN", until=HOUR),
                e("user.account.privilege.revoke", 0, "boss", [user("grace")]),
            ],
        },
        {
            "a_smaller_role": [
                admin("grace", "REPORT_ADMIN"),
                e("user.account.privilege.revoke", 0, "boss", [user("grace")]),
            ],
            "a_grant": [admin("grace"), gets("Super administrator", "Read only admin")],
            "another_role_of_a_super_admin": [
                admin("grace"),
                admin("grace", "READ_ONLY_ADMIN"),
                gets("Super administrator"),
            ],
        },
    ),
    "admin-through-idp": (
        {
            "by_the_idp": [IDP, admin("grace"), e("user.authentication.auth_via_IDP", 0, "grace", [THROUGH])],
            "the_idp_is_deleted_and_the_admin_deactivated": [
                IDP,
                gone("idps", "0oaidp", HOUR),
                admin("grace", until=HOUR),
                e("user.authentication.auth_via_IDP", 0, "grace", [THROUGH]),
            ],
            "the_idp_lived_between_two_readings": [
                e("system.idp.lifecycle.create", -HOUR, "boss", [THROUGH]),
                admin("grace"),
                e("user.authentication.auth_via_IDP", 0, "grace", [THROUGH]),
                e("system.idp.lifecycle.delete", HOUR, "boss", [THROUGH]),
            ],
        },
        {
            "a_user": [IDP, admin("boss"), e("user.authentication.auth_via_IDP", 0, "grace", [THROUGH])],
            "refused": [
                IDP,
                admin("grace"),
                e("user.authentication.auth_via_IDP", 0, "grace", [THROUGH], result="FAILURE"),
            ],
            "an_old_idp": [
                was("idps", "0oaidp", {"id": "0oaidp", "name": "Old", "created": "2025-01-01T00:00:00Z"}),
                admin("grace"),
                e("user.authentication.auth_via_IDP", 0, "grace", [THROUGH]),
            ],
        },
    ),
    "admin-consent": (
        {
            "a_scope": [e("app.oauth2.admin.consent.grant", 0, "boss", [app("tool")])],
            "of_a_service_app": [
                e(
                    "app.oauth2.admin.consent.grant",
                    0,
                    "boss",
                    [app("tool")],
                    debug={"grantedScopes": "okta.users.manage"},
                )
            ],
            "by_a_program": [e("app.oauth2.admin.consent.grant", 0, "tool", [app("other")], type="PublicClientApp")],
        },
        {
            "revoked": [e("app.oauth2.admin.consent.revoke", 0, "boss", [app("tool")])],
            "a_users_own": [e("app.oauth2.consent.grant", 0, "ada", [app("tool")])],
            "refused": [e("app.oauth2.admin.consent.grant", 0, "boss", [app("tool")], result="FAILURE")],
        },
    ),
    "anonymiser-admin": (
        {
            "a_page_of_the_console": [
                e(
                    "user.account.update_profile",
                    0,
                    "boss",
                    proxy=True,
                    ip="tor",
                    debug={"requestUri": "/admin/user/profile"},
                )
            ],
            "the_console_itself": [console(0, "user.session.access_admin_app", "SUCCESS", proxy=True, ip="tor")],
            "a_grant": [gets("Super administrator", ip="tor", proxy=True)],
        },
        {
            "from_the_office": [console(0, "user.session.access_admin_app", "SUCCESS")],
            "a_users_page": [
                e(
                    "user.account.update_profile",
                    0,
                    "ada",
                    proxy=True,
                    ip="tor",
                    debug={"requestUri": "/api/v1/users/me"},
                )
            ],
            "refused": [console(0, "user.session.access_admin_app", "FAILURE", proxy=True, ip="tor")],
        },
    ),
    "dormant-admin-wakes": (
        {
            "after_100_days_as_an_older_line_tells": [
                admin("grace"),
                was(
                    "users",
                    "00ugrace",
                    {"id": "00ugrace", "created": "2024-01-01T00:00:00Z", "lastLogin": "2026-08-01T00:00:00Z"},
                ),
                was(
                    "users",
                    "00ugrace",
                    {"id": "00ugrace", "created": "2024-01-01T00:00:00Z", "lastLogin": "2026-11-23T10:00:00Z"},
                    HOUR,
                ),
                e("user.session.start", 0, "grace"),
            ],
            "never_before": [
                admin("grace"),
                was("users", "00ugrace", {"id": "00ugrace", "created": "2024-01-01T00:00:00Z"}),
                *known("ada", "home", days=40),
                e("user.session.start", 0, "grace"),
            ],
            "and_deactivated_at_once": [
                admin("grace", until=HOUR),
                was(
                    "users",
                    "00ugrace",
                    {"id": "00ugrace", "created": "2024-01-01T00:00:00Z", "lastLogin": "2026-07-01T00:00:00Z"},
                ),
                gone("users", "00ugrace", 2 * HOUR),
                e("user.session.start", 0, "grace"),
            ],
        },
        {
            "an_active_admin_whose_log_is_young": [
                admin("grace"),
                was(
                    "users",
                    "00ugrace",
                    {"id": "00ugrace", "created": "2024-01-01T00:00:00Z", "lastLogin": "2026-11-01T00:00:00Z"},
                ),
                *known("ada", "home", days=40),
                e("user.session.start", 0, "grace"),
            ],
            "a_dormant_user": [
                was(
                    "users",
                    "00ugrace",
                    {"id": "00ugrace", "created": "2024-01-01T00:00:00Z", "lastLogin": "2026-07-01T00:00:00Z"},
                ),
                e("user.session.start", 0, "grace"),
            ],
            "refused": [
                admin("grace"),
                was(
                    "users",
                    "00ugrace",
                    {"id": "00ugrace", "created": "2024-01-01T00:00:00Z", "lastLogin": "2026-07-01T00:00:00Z"},
                ),
                e("user.session.start", 0, "grace", result="FAILURE"),
            ],
        },
    ),
    "mass-reset": (
        {
            "a_dozen_over_a_full_hour": [
                e("user.mfa.factor.reset_all", 50 * MINUTE + n * 100, "desk", [user(f"u{n}")]) for n in range(12)
            ],
            "passwords": [e("user.account.reset_password", n, "desk", [user(f"u{n}")]) for n in range(10)],
            "both": [
                e(
                    ("user.account.expire_password", "user.mfa.factor.deactivate")[n % 2],
                    n * 300,
                    "desk",
                    [user(f"u{n}")],
                )
                for n in range(11)
            ],
        },
        {
            "spread_over_a_day": [
                e("user.mfa.factor.reset_all", n * 45 * MINUTE, "desk", [user(f"u{n}")]) for n in range(12)
            ],
            "one_user_again_and_again": [
                e("user.mfa.factor.deactivate", n * 10, "desk", [user("ada")]) for n in range(12)
            ],
            "by_ten_people": [e("user.mfa.factor.reset_all", n, f"desk{n}", [user(f"u{n}")]) for n in range(12)],
            "each_their_own": [e("user.account.reset_password", n, f"u{n}", [user(f"u{n}")]) for n in range(12)],
        },
    ),
    "short-lived-admin": (
        {
            "deactivated": [
                e("user.lifecycle.create", 0, "boss", [user("tmp")]),
                gets("Super administrator", who="tmp", at=60),
                e("user.lifecycle.deactivate", HOUR, "boss", [user("tmp")]),
            ],
            "taken_away": [
                e("user.lifecycle.create", 0, "boss", [user("tmp")]),
                gets("Help Desk administrator", who="tmp", at=60),
                e("user.account.privilege.revoke", HOUR, "boss", [user("tmp")]),
            ],
            "deleted": [
                e("user.lifecycle.create", 0, "boss", [user("tmp")]),
                e("iam.resourceset.bindings.add", 60, "boss", [user("tmp")]),
                e("user.lifecycle.delete.initiated", HOUR, "boss", [user("tmp")]),
            ],
        },
        {
            "stays": [
                e("user.lifecycle.create", 0, "boss", [user("tmp")]),
                gets("Super administrator", who="tmp", at=60),
            ],
            "no_admin": [
                e("user.lifecycle.create", 0, "boss", [user("tmp")]),
                e("user.lifecycle.deactivate", HOUR, "boss", [user("tmp")]),
            ],
            "after_three_days": [
                e("user.lifecycle.create", -3 * DAY, "boss", [user("tmp")]),
                gets("Super administrator", who="tmp", at=-2 * DAY),
                e("user.lifecycle.deactivate", 0, "boss", [user("tmp")]),
            ],
        },
    ),
    "super-admin-to-app": (
        {
            "by_the_apps_event": [
                e(
                    "app.oauth2.client.privilege.grant",
                    0,
                    "boss",
                    [("PublicClientApp", "0oatool", "Tool")],
                    debug={"privilegeGranted": "Super administrator"},
                )
            ],
            "as_an_app": [
                e(
                    "user.account.privilege.grant",
                    0,
                    "boss",
                    [app("tool")],
                    debug={"privilegeGranted": "Super administrator"},
                )
            ],
            "beside_another": [
                e(
                    "app.oauth2.client.privilege.grant",
                    0,
                    "boss",
                    [app("tool")],
                    debug={"privilegeGranted": "Read only admin, Super administrator"},
                )
            ],
        },
        {
            "a_smaller_role": [
                e(
                    "app.oauth2.client.privilege.grant",
                    0,
                    "boss",
                    [app("tool")],
                    debug={"privilegeGranted": "Read only admin"},
                )
            ],
            "to_a_person": [gets("Super administrator")],
            "revoked": [e("app.oauth2.client.privilege.revoke", 0, "boss", [app("tool")])],
        },
    ),
    "protected-action": (
        {
            "a_super_admins_password": [
                e(
                    "security.protected_action.attempt",
                    0,
                    "desk",
                    [("ProtectedAction", "pa1", "Reset passwords for super admins")],
                )
            ],
            "refused": [
                e(
                    "security.protected_action.attempt",
                    0,
                    "boss",
                    [("ProtectedAction", "pa2", "Create API token")],
                    result="FAILURE",
                )
            ],
            "switched_off": [e("security.protected_action.settings.update", 0, "boss")],
        },
        {
            "an_admin_who_proved_who_they_are": [
                e("security.protected_action.attempt", 0, "boss", [("ProtectedAction", "pa2", "Create API token")])
            ],
            "a_users_reset": [e("user.account.reset_password", 0, "desk", [user("ada")])],
            "another_setting": [e("application.lifecycle.update", 0, "boss", [app("wiki")])],
        },
    ),
    "path-opened": (
        {
            "an_app_whose_secret_others_read_becomes_super_admin": [
                *READER,
                *caused("role_assignments", "0oabackup:ra9", SUPER, "app.oauth2.client.privilege.grant"),
            ],
            "somebody_may_read_secrets_now": [
                *READER[:1],
                READER[2],
                HELD,
                *caused(
                    "role_assignments",
                    "00uada:raada",
                    {"principal_id": "00uada", "principal_type": "User", "id": "raada", "type": "READ_ONLY_ADMIN"},
                    "user.account.privilege.grant",
                ),
            ],
            "a_new_owner": [
                *READER[:1],
                was("groups", "00gops", {"id": "00gops", "type": "OKTA_GROUP"}),
                *OPS[1:],
                *caused(
                    "group_owners",
                    "00gops:00uada",
                    {"group_id": "00gops", "id": "00uada", "type": "USER"},
                    "resource.owner.update",
                ),
            ],
        },
        {
            "it_was_open_before": [
                *READER,
                HELD,
                *caused(
                    "role_assignments", "0oabackup:ra10", {**SUPER, "id": "ra10"}, "app.oauth2.client.privilege.grant"
                ),
            ],
            "a_new_super_admin_by_a_grant": [
                *READER[:1],
                *caused(
                    "role_assignments",
                    "00uada:ra1",
                    {"principal_id": "00uada", "principal_type": "User", "id": "ra1", "type": "SUPER_ADMIN"},
                    "user.account.privilege.grant",
                ),
            ],
            "an_app_that_signs_in_with_a_key": [
                *READER[:2],
                was(
                    "applications",
                    "0oabackup",
                    {
                        "id": "0oabackup",
                        "status": "ACTIVE",
                        "settings": {"oauthClient": {"application_type": "service"}},
                        "credentials": {
                            "oauthClient": {"client_id": "0oabackup", "token_endpoint_auth_method": "private_key_jwt"}
                        },
                    },
                ),
                *caused("role_assignments", "0oabackup:ra9", SUPER, "app.oauth2.client.privilege.grant"),
            ],
        },
    ),
    "factors-off-at-once": (
        {
            "three_rules": [
                e("policy.rule.deactivate", n * 60, "boss", [("PolicyRule", f"0pr{n}", f"Rule {n}")]) for n in range(3)
            ],
            "rules_and_an_authenticator": [
                e("policy.rule.delete", 0, "boss", [("PolicyRule", "0pr1", "R1")]),
                e("zone.delete", 60, "boss", [("Zone", "nzo1", "Office")]),
                e("system.mfa.factor.deactivate", 90, "boss", [("Factor", "f1", "WebAuthn")]),
            ],
            "factors_for_admins": [
                *(admin(f"a{n}") for n in range(3)),
                *(e("user.mfa.factor.activate", n * 60, "boss", [user(f"a{n}")]) for n in range(3)),
            ],
        },
        {
            "one": [e("policy.rule.deactivate", 0, "boss", [("PolicyRule", "0pr1", "R")])],
            "over_days": [
                e("policy.rule.deactivate", -n * DAY, "boss", [("PolicyRule", f"0pr{n}", f"Rule {n}")])
                for n in range(3)
            ],
            "ones_own_factors": [
                admin("boss"),
                *(e("user.mfa.factor.activate", n, "boss", [user("boss")]) for n in range(4)),
            ],
        },
    ),
}
