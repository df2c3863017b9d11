"""By finding of posture that the demo has no case of: records that must raise it, and some that come near."""

from typing import Any

from findings.tests.life import Act, e, was

POLICY = {
    "changeDetails": {
        "from": {"policyRuleActionJson": '{"factorMode":"2FA"}'},
        "to": {"policyRuleActionJson": '{"factorMode":"1FA"}'},
    }
}


def app(
    oauth: dict[str, Any] | None = None,
    client: dict[str, Any] | None = None,
    saml: dict[str, Any] | None = None,
    credentials: dict[str, Any] | None = None,
    **more: Any,
) -> Act:
    source = {
        "id": "0oa1",
        "name": "x",
        "label": "App",
        "status": "ACTIVE",
        "settings": {"oauthClient": oauth or {}, "signOn": saml or {}},
        "credentials": {"oauthClient": client or {}, **(credentials or {})},
    }
    return was("applications", "0oa1", source | more)


def uris(*redirects: str, **more: Any) -> Act:
    return app({"redirect_uris": list(redirects), "wildcard_redirect": "DISABLED", **more})


def key(kid: str, expires: str, of: str = "0oa1") -> Act:
    return was(
        "application_keys", f"{of}:{kid}", {"app_id": of, "kid": kid, "kty": "RSA", "use": "sig", "expiresAt": expires}
    )


def provisioning(create: str, deactivate: str) -> Act:
    return was(
        "application_features",
        "0oa1:USER_PROVISIONING",
        {
            "app_id": "0oa1",
            "name": "USER_PROVISIONING",
            "capabilities": {
                "create": {"lifecycleCreate": {"status": create}},
                "update": {"lifecycleDeactivate": {"status": deactivate}},
            },
        },
    )


def leaver(status: str = "DEPROVISIONED") -> Act:
    return was("users", "00u1", {"id": "00u1", "status": status, "profile": {"login": "gone"}})


def factors(listed: str, *seen: str, status: str = "ACTIVE") -> list[Act]:
    """A user with one factor of that status, whom the log has seen pass these methods, which their list does not show."""
    methods = [{"method": method, "at": "2026-10-01T08:00:00.000Z"} for method in seen]
    source = {
        "user_id": "00u2",
        "factors": [{"id": "f1", "factorType": "push", "status": listed}],
        "seen_methods": methods,
    }
    return [
        was("users", "00u2", {"id": "00u2", "status": status, "profile": {"login": "ada"}}),
        was("factors", "00u2", source),
    ]


OPS = [
    was("groups", "00gops", {"id": "00gops", "type": "OKTA_GROUP", "profile": {"name": "Ops"}}),
    was(
        "role_assignments",
        "00gops:ra1",
        {
            "principal_id": "00gops",
            "principal_type": "Group",
            "id": "ra1",
            "type": "HELP_DESK_ADMIN",
            "label": "Help Desk",
        },
    ),
]
RULES: dict[str, tuple[list[list[Act]], list[list[Act]]]] = {
    "app-implicit-grant": (
        [[app({"grant_types": ["authorization_code", "implicit"]})]],
        [[app({"grant_types": ["authorization_code"]})], [app({"grant_types": ["implicit"]}, status="INACTIVE")]],
    ),
    "app-open-redirect": (
        [
            [uris("https://*.acme.example/cb", wildcard_redirect="SUBDOMAIN")],
            [uris("http://app.acme.example/cb")],
            [uris("https://a.example/cb", "http://b.example")],
        ],
        [
            [uris("https://app.acme.example/cb")],
            [uris("http://localhost:8080/cb", "http://127.0.0.1/cb")],
            [uris("com.acme.app:/cb")],
        ],
    ),
    "app-without-pkce": (
        [[app({"application_type": "native", "grant_types": ["authorization_code"]}, {"pkce_required": False})]],
        [
            [app({"application_type": "native", "grant_types": ["authorization_code"]}, {"pkce_required": True})],
            [app({"application_type": "web", "grant_types": ["authorization_code"]}, {"pkce_required": False})],
        ],
    ),
    "app-shared-password": (
        [[app(credentials={"scheme": "SHARED_USERNAME_AND_PASSWORD"})]],
        [[app(credentials={"scheme": "EDIT_USERNAME_AND_PASSWORD"})]],
    ),
    "app-reveals-password": (
        [[app(credentials={"revealPassword": True})]],
        [[app(credentials={"revealPassword": False})]],
    ),
    "app-weak-saml": (
        [
            [app(saml={"signatureAlgorithm": "RSA_SHA1", "digestAlgorithm": "SHA1", "responseSigned": True})],
            [app(saml={"responseSigned": False, "assertionSigned": False})],
        ],
        [
            [
                app(
                    saml={
                        "signatureAlgorithm": "RSA_SHA256",
                        "digestAlgorithm": "SHA256",
                        "responseSigned": True,
                        "assertionSigned": False,
                    }
                )
            ],
            [app()],
        ],
    ),
    "app-self-service": ([[app(accessibility={"selfService": True})]], [[app(accessibility={"selfService": False})]]),
    "app-weakened-policy": (
        [
            [
                app(access_policy_id="rst1"),
                e(
                    "policy.rule.update",
                    0,
                    "boss",
                    [("PolicyEntity", "rst1", "Policy"), ("PolicyRule", "rul1", "Rule", None, POLICY)],
                ),
            ]
        ],
        [
            [
                app(access_policy_id="rst2"),
                e(
                    "policy.rule.update",
                    0,
                    "boss",
                    [("PolicyEntity", "rst1", "Policy"), ("PolicyRule", "rul1", "Rule", None, POLICY)],
                ),
            ]
        ],
    ),
    "app-key-expiring": (
        [[app(), key("k1", "2026-12-01T00:00:00Z")]],
        [
            [app(), key("k1", "2036-12-01T00:00:00Z")],
            [app(), key("k1", "2026-12-01T00:00:00Z"), key("k2", "2036-12-01T00:00:00Z")],
        ],
    ),
    "app-key-shared": (
        [
            [
                app(),
                was("applications", "0oa2", {"id": "0oa2", "label": "Two", "status": "ACTIVE"}),
                key("k1", "2036-12-01T00:00:00Z"),
                key("k1", "2036-12-01T00:00:00Z", "0oa2"),
            ]
        ],
        [[app(), key("k1", "2036-12-01T00:00:00Z"), key("k2", "2036-12-01T00:00:00Z")]],
    ),
    "app-leaves-accounts": (
        [[app(), provisioning("ENABLED", "DISABLED")]],
        [[app(), provisioning("ENABLED", "ENABLED")], [app(), provisioning("DISABLED", "DISABLED")]],
    ),
    "leaver-with-tokens": (
        [
            [
                leaver(),
                was(
                    "application_tokens",
                    "0oa1:oar1",
                    {
                        "app_id": "0oa1",
                        "id": "oar1",
                        "userId": "00u1",
                        "status": "ACTIVE",
                        "expiresAt": "2027-01-01T00:00:00Z",
                    },
                ),
            ],
            [
                leaver(),
                was(
                    "user_grants",
                    "00u1:oag1",
                    {
                        "user_id": "00u1",
                        "id": "oag1",
                        "clientId": "0oa1",
                        "scopeId": "okta.users.read",
                        "status": "ACTIVE",
                    },
                ),
            ],
        ],
        [
            [
                leaver("ACTIVE"),
                was(
                    "application_tokens",
                    "0oa1:oar1",
                    {"app_id": "0oa1", "id": "oar1", "userId": "00u1", "status": "ACTIVE"},
                ),
            ],
            [
                leaver(),
                was(
                    "application_tokens",
                    "0oa1:oar1",
                    {"app_id": "0oa1", "id": "oar1", "userId": "00u1", "status": "REVOKED"},
                ),
            ],
        ],
    ),
    "admin-console-session": (
        [
            [was("org_settings", "admin_console", {"sessionIdleTimeoutMinutes": 60, "sessionMaxLifetimeMinutes": 720})],
            [
                was(
                    "org_settings",
                    "admin_console",
                    {"sessionIdleTimeoutMinutes": 15, "sessionMaxLifetimeMinutes": 1440},
                )
            ],
        ],
        [[was("org_settings", "admin_console", {"sessionIdleTimeoutMinutes": 15, "sessionMaxLifetimeMinutes": 720})]],
    ),
    "rule-into-admin-group": (
        [
            [
                *OPS,
                was(
                    "group_rules",
                    "0pr1",
                    {
                        "id": "0pr1",
                        "name": "R",
                        "status": "ACTIVE",
                        "actions": {"assignUserToGroups": {"groupIds": ["00gops"]}},
                    },
                ),
            ]
        ],
        [
            [
                *OPS,
                was(
                    "group_rules",
                    "0pr1",
                    {"id": "0pr1", "status": "INACTIVE", "actions": {"assignUserToGroups": {"groupIds": ["00gops"]}}},
                ),
            ],
            [
                *OPS,
                was(
                    "group_rules",
                    "0pr1",
                    {"id": "0pr1", "status": "ACTIVE", "actions": {"assignUserToGroups": {"groupIds": ["00gother"]}}},
                ),
            ],
        ],
    ),
    "owner-of-admin-group": (
        [
            [
                *OPS,
                was(
                    "group_owners",
                    "00gops:00u1",
                    {"group_id": "00gops", "id": "00u1", "type": "USER", "displayName": "Ada"},
                ),
            ]
        ],
        [[*OPS, was("group_owners", "00gx:00u1", {"group_id": "00gx", "id": "00u1", "type": "USER"})]],
    ),
    "mfa-hidden": (
        [factors("INACTIVE", "push"), factors("PENDING_ACTIVATION", "sms", "webauthn"), factors("INACTIVE", "totp")],
        [factors("ACTIVE", "sms"), factors("INACTIVE"), factors("INACTIVE", "push", status="SUSPENDED")],
    ),
    "push-mapping-stale": (
        [
            [
                app(),
                was(
                    "application_push_mappings",
                    "0oa1:gPm1",
                    {
                        "app_id": "0oa1",
                        "id": "gPm1",
                        "sourceGroupId": "00g1",
                        "status": "ERROR",
                        "errorSummary": "No group",
                    },
                ),
            ]
        ],
        [[app(), was("application_push_mappings", "0oa1:gPm1", {"app_id": "0oa1", "id": "gPm1", "status": "ACTIVE"})]],
    ),
}
