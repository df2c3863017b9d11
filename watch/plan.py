"""Plans: which steps a case asks for, in the order in which they are to be done. Nothing of them is ever sent from here."""

from collections.abc import Callable, Iterable

import duckdb

from watch.cases import Case
from watch.facts import Event, Facts, Party
from watch.steps import Step, Steps

MOST_STEPS = 50
# Sessions and factors of a taken account come before its password: who holds a session outlives a new password.
NETWORKS, POLICIES, ADMINISTRATORS = "/admin/access/networks", "/admin/access/policies", "/admin/access/administrators"


def taken(steps: Steps, user: str) -> list[Step]:
    return [steps.end_sessions(user), steps.reset_factors(user), steps.expire_password(user)]


def _parts(case: Case) -> tuple[str, str]:
    first, _, second = case["key"].partition(":")
    return first, second


def _without_holder(steps: Steps, key: str) -> list[Step]:
    if ":" in key:
        return [steps.take_role(key.rpartition(":")[2])]
    return [steps.delete_role(key) if key.startswith("cr0") else steps.delete_resource_set(key)]


POSTURE: dict[str, Callable[[Steps, Case], list[Step]]] = {
    "admin-by-imported-group": lambda s, c: s.take_roles(c["key"]),
    "admin-phishable-mfa": lambda s, c: [s.enrol(c["key"])],
    "admin-without-mfa": lambda s, c: [s.enrol(c["key"]), *s.take_roles(c["key"])],
    "app-with-admin-role": lambda s, c: s.take_roles(c["key"]),
    "app-implicit-grant": lambda s, c: [
        s.look_at_app(c["key"], "Authorization code with PKCE in place of the implicit grant")
    ],
    "app-leaves-accounts": lambda s, c: [s.look_at_app(c["key"], "Switch Deactivate Users on")],
    "app-open-redirect": lambda s, c: [s.look_at_app(c["key"], "Name each redirect address, with https")],
    "app-reveals-password": lambda s, c: [s.look_at_app(c["key"], "Switch password reveal off")],
    "app-self-service": lambda s, c: [s.look_at_app(c["key"], "Ask for approval, or switch self service off")],
    "app-shared-password": lambda s, c: [s.look_at_app(c["key"], "An account for each user, or federation")],
    "app-weak-saml": lambda s, c: [s.look_at_app(c["key"], "Sign response or assertion with SHA-256")],
    "app-weakened-policy": lambda s, c: [s.look("Restore the rule, or give the app a policy of its own", POLICIES)],
    "app-without-pkce": lambda s, c: [s.look_at_app(c["key"], "Require PKCE")],
    "app-key-expiring": lambda s, c: [s.look_at_app(_parts(c)[0], "Make a new key and activate it")],
    "dormant-account": lambda s, c: [s.suspend(c["key"])],
    "dormant-admin": lambda s, c: [*s.take_roles(c["key"]), s.suspend(c["key"])],
    "idp-auto-link": lambda s, c: [s.look_at_idp(c["key"], "Set Account Link Policy to Disabled")],
    "idp-inactive": lambda s, c: [s.delete_idp(c["key"])],
    "idp-key-expiring": lambda s, c: [
        s.look_at_idp(_parts(c)[0], "Upload the new signing certificate, remove the old one")
    ],
    "idp-key-replaced": lambda s, c: [
        s.look_at_idp(_parts(c)[0], "Compare the certificate with the IdP's own, put the old one back"),
        s.deactivate_idp(_parts(c)[0]),
    ],
    "mfa-hidden": lambda s, c: [
        s.look("Put the collector's outgoing addresses into a zone that the enrollment policy trusts", NETWORKS)
    ],
    "leftover-access": lambda s, c: s.remove_access(c["key"]),
    "never-signed-in": lambda s, c: [s.suspend(c["key"])],
    "new-idp-with-admin": lambda s, c: [s.unlink(*_parts(c)), s.deactivate_idp(_parts(c)[0])],
    "org2org": lambda s, c: [s.deactivate_app(c["key"])],
    "password-push": lambda s, c: [s.look_at_app(c["key"], "Switch Sync Password off")],
    "path-to-super-admin": lambda s, c: [
        s.look("make paths prints the steps of this way, and the fewest removals that close all ways", ADMINISTRATORS)
    ],
    "powerful-custom-role": lambda s, c: [s.take_role(_parts(c)[1])],
    "role-without-holder": lambda s, c: _without_holder(s, c["key"]),
    "shared-admin": lambda s, c: s.take_roles(c["key"]),
    "stuck-account": lambda s, c: [s.unlock(c["key"])],
    "super-admins": lambda s, c: s.take_roles(c["key"]),
    "unused-apps": lambda s, c: [s.deactivate_app(c["key"])],
    "unused-assignments": lambda s, c: [s.unassign(*_parts(c))],
    "user-weak-mfa": lambda s, c: [s.enrol(c["key"])],
    "user-without-mfa": lambda s, c: [s.enrol(c["key"])],
}


def _is_person(party: Party) -> bool:
    return party.type.lower() == "user" and party.id.startswith("00u")


def _actor(steps: Steps, event: Event) -> list[Step]:
    return taken(steps, event.actor.id) if _is_person(event.actor) else []


def _targets(steps: Steps, event: Event) -> list[Step]:
    return [step for party in event.targets if _is_person(party) for step in taken(steps, party.id)]


def _through_idp(steps: Steps, event: Event) -> list[Step]:
    return [
        *(steps.deactivate_idp(party.id) for party in event.targets if party.id in steps.facts.idps),
        *_actor(steps, event),
    ]


def _stop_actor(steps: Steps, event: Event) -> list[Step]:
    return [steps.end_sessions(event.actor.id), steps.suspend(event.actor.id)] if _is_person(event.actor) else []


def _granted(steps: Steps, event: Event) -> list[Step]:
    return [step for party in event.targets for step in steps.take_roles(party.id)]


def _apps(steps: Steps, event: Event) -> list[Step]:
    return [steps.deactivate_app(party.id) for party in event.targets if party.type == "AppInstance"]


def _address(steps: Steps, event: Event) -> list[Step]:
    return [steps.block(event.ip)] if event.ip else []


ATTACKS: dict[str, Callable[[Steps, Event], list[Step]]] = {
    **dict.fromkeys(
        (
            "admin-console-refused",
            "admin-console-weak",
            "anonymiser-admin",
            "anonymiser-enrolment",
            "anonymiser-new-device",
            "anonymiser-sign-in",
            "app-burst",
            "apps-refused",
            "challenges-unmet",
            "dormant-admin-wakes",
            "fastpass-unsigned",
            "identity-verification-denied",
            "impossible-travel",
            "mfa-bypass-tried",
            "mfa-fatigue",
            "number-challenge-wrong",
            "phishing-declined",
            "push-bombing",
            "push-elsewhere",
            "recovery-burst",
            "refresh-token-reused",
            "session-in-two-places",
            "session-roaming",
            "shared-authenticator",
            "success-after-spray",
            "user-reported",
        ),
        _actor,
    ),
    **dict.fromkeys(
        ("admin-factor-reset", "admin-password-reset", "breached-password", "support-reset", "reset-then-enrolled"),
        _targets,
    ),
    "risk-high": lambda s, e: [*_actor(s, e), *_targets(s, e)],
    **dict.fromkeys(("device-token-many-names", "threat-insight"), _address),
    **dict.fromkeys(("factors-off-at-once", "protected-action"), _stop_actor),
    "idp-first-use": _through_idp,
    "outside-range": lambda s, e: [s.revoke_token(party.id) for party in e.targets if "token" in party.type.lower()],
    "app-credential-added": lambda s, e: [
        s.look_at_app(party.id, "Deactivate the new credential, if nobody asked for it")
        for party in e.targets
        if party.type == "AppInstance"
    ],
    "collector-impersonated": lambda s, e: [
        s.look_at_app(
            e.actor.id if e.actor.id.startswith("0oa") else party.id,
            "Generate a new client secret, deactivate the old one",
        )
        for party in e.targets[:1]
    ],
    "admin-consent": lambda s, e: [
        s.look_at_app(party.id, "Revoke the scopes, if nobody asked for them")
        for party in e.targets
        if party.type == "AppInstance"
    ],
    **dict.fromkeys(
        ("routing-changed", "mfa-switched-off"),
        lambda s, e: [s.look("Restore the rule, or the authenticator", POLICIES)],
    ),
    "threat-insight-weakened": lambda s, e: [s.look("Restore the protection", "/admin/settings/general")],
    "directory-agent": lambda s, e: [
        s.look("Ask who installed the agent, deactivate it if nobody did", "/admin/dashboard/agents")
    ],
    "password-hook": lambda s, e: [
        s.look("Ask who made the hook, deactivate it if nobody did", "/admin/workflow/inlinehooks")
    ],
    "admin-granted": _granted,
    "admin-through-idp": _through_idp,
    "api-token-created": lambda s, e: [
        s.revoke_token(party.id) for party in e.targets if "token" in party.type.lower()
    ],
    "attack-started": lambda s, e: [s.look("Set ThreatInsight to log and enforce", "/admin/settings/general")],
    "blinding": lambda s, e: [s.look("Switch log streams and network zones on again", NETWORKS), *_stop_actor(s, e)],
    "client-secret-read": lambda s, e: [
        s.look_at_app(party.id, "Generate a new client secret, deactivate the old one")
        for party in e.targets
        if party.type == "AppInstance"
    ],
    "mass-reset": _stop_actor,
    "mfa-unanswered": _address,
    "new-idp": lambda s, e: [s.deactivate_idp(party.id) for party in e.targets if party.id in s.facts.idps],
    "org2org-created": _apps,
    "password-push-switched-on": lambda s, e: [
        s.look_at_app(party.id, "Switch Sync Password off") for party in e.targets if party.type == "AppInstance"
    ],
    "password-spray": _address,
    "policy-deleted": lambda s, e: [s.look("Compare the policies with what they were, restore them", POLICIES)],
    "short-lived-admin": lambda s, e: [*_granted(s, e), *_stop_actor(s, e)],
    "sign-on-rule-weakened": lambda s, e: [s.look("Restore the rule", POLICIES)],
    "super-admin-to-app": lambda s, e: [*_granted(s, e), *_apps(s, e)],
    "support-access": lambda s, e: [s.look("End the access of Okta Support", "/admin/settings/account")],
}


class Planner:
    """Plans of cases of one org, as of the newest manifest."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, org: str, cases: Iterable[Case]) -> None:
        self._steps = Steps(org, Facts(connection, cases))

    def with_plan(self, case: Case) -> Case:
        """Where no steps are known, it is what the finding says, at the object's place in the console."""
        found: list[Step] = []
        if case["finding"] in POSTURE:
            found = POSTURE[case["finding"]](self._steps, case)
        elif case["finding"] in ATTACKS:
            events = (self._steps.facts.events.get(id) for id in case["evidence"])
            found = [step for event in events if event for step in ATTACKS[case["finding"]](self._steps, event)]
        found = found or [self._steps.look_at(case["key"].partition(":")[0], case["do"])]
        once = [step for number, step in enumerate(found[: 4 * MOST_STEPS]) if step not in found[:number]]
        return case | {"plan": once[:MOST_STEPS]}
