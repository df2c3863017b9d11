"""Events that follow from a rule's conditions."""

import copy
from typing import Any

from findings.suites.conditions import Leaf, Tree, branches
from findings.tests import life

Event = dict[str, Any]
ELASTIC = {
    "event.action": "eventType",
    "okta.event_type": "eventType",
    "event.outcome": "outcome.result",
    "okta.outcome.result": "outcome.result",
    "okta.outcome.reason": "outcome.reason",
    "okta.actor.id": "actor.id",
    "okta.actor.type": "actor.type",
    "okta.actor.display_name": "actor.displayName",
    "okta.actor.alternate_id": "actor.alternateId",
    "okta.client.device": "client.device",
    "okta.client.user_agent.raw_user_agent": "client.userAgent.rawUserAgent",
    "user_agent.os.name": "client.userAgent.os",
    "okta.security_context.is_proxy": "securityContext.isProxy",
    "okta.authentication_context.external_session_id": "authenticationContext.externalSessionId",
    "okta.authentication_context.issuer.id": "authenticationContext.issuer.id",
    "okta.debug_context.debug_data.dt_hash": "debugContext.debugData.dtHash",
    "okta.debug_context.debug_data.threat_suspected": "debugContext.debugData.threatSuspected",
}
"""Elastic's names of what the log has."""
NO_FIELDS = frozenset({"data_stream.dataset", "event.dataset", "event.category"})
WHOLE = {"true": True, "false": False}
# What a field is filled with if a rule wants it to be there.
PRESENT = {
    "debugContext.debugData.dtHash": "d1",
    "authenticationContext.issuer.id": "0oanewIdp",
    "transaction.detail.requestApiTokenId": "00T1",
    "client.userAgent.os": "Mac OS X",
}


def path_of(field: str) -> str | None:
    """Where the log has a field; None if it is of the suite's own."""
    if field in NO_FIELDS:
        return None
    if field.startswith("okta.debug_context.debug_data.flattened."):
        return f"debugContext.debugData.{field.rpartition('.')[2]}"
    path = {"result": "outcome.result"}.get(field, ELASTIC.get(field, field))
    return path.replace("MethodTypeUsed", "methodTypeUsed")


def events(tree: Tree) -> list[Event]:
    """An event for each way to fulfil the tree."""
    return [filled(leaves) for leaves in branches(tree)]


def near(tree: Tree) -> list[Event]:
    """For each exception that the rule makes, an event that is one."""
    ways = branches(tree)
    exceptions = list(
        dict.fromkeys(
            (field, operator[1:], value)
            for way in ways
            for field, operator, value in way
            if operator in ("!eq", "!co") and not field.endswith("dt_hash")
        )
    )
    found = []
    for exception in exceptions:
        way = next(way for way in ways if any(leaf[0] == exception[0] and leaf[1].startswith("!") for leaf in way))
        found.append(filled([*way, exception]))
    return found


def filled(leaves: list[Leaf]) -> Event:
    kind = next(
        (
            value
            for field, operator, value in leaves
            if path_of(field) == "eventType" and operator in ("eq", "co", "sw")
        ),
        "user.session.start",
    )
    kind = f"{kind}.update" if kind.endswith("lifecycle") else kind
    kind = f"{kind}.grant" if kind.endswith("account.privilege") else kind
    kind = f"{kind}.auth_via_mfa" if kind.rstrip(".") == "user.authentication" else kind
    event = life.event(
        kind,
        0,
        "ada",
        [life.user("grace")] if kind.startswith(("user.account", "user.mfa", "group", "iam")) else [],
        "evil",
    )
    target: dict[str, Any] = {}
    filled_in: set[str] = set()
    for field, operator, value in leaves:
        path = path_of(field)
        if path is None or path == "eventType" or operator.startswith("!"):
            continue
        if operator == "pr":
            value = PRESENT.get(path, "x")
        where, inner = (
            (target, path.partition(".")[2].removeprefix("0.")) if path.startswith("target.") else (event, path)
        )
        _put(
            where,
            inner,
            value.upper() if path == "outcome.result" else WHOLE.get(value.lower(), value),
            path in filled_in,
        )
        if operator != "pr":
            filled_in.add(path)
    for path in sorted(
        {path for field, operator, _ in leaves if operator.startswith("!") and (path := path_of(field))}
        - filled_in
        - {"eventType", "outcome.result"}
    ):
        if not path.startswith("target.") and path not in {
            path_of(field) for field, operator, _ in leaves if operator == "pr"
        }:
            _put(event, path, _at(event, path) or "other", False)
    if target:
        name = target.get("displayName", "Thing")
        event["target"] = [
            {"type": "AppInstance", "id": "0oathing", "displayName": name, "alternateId": name, **target},
            *event["target"],
        ]
    return event


def _put(event: Event, path: str, value: Any, beside: bool) -> None:
    *outer, last = path.split(".")
    for part in outer:
        event = event.setdefault(part, {})
        if not isinstance(event, dict):
            return
    event[last] = f"{event[last]}, {value}" if beside and isinstance(value, str) else value


def _at(event: Event, path: str) -> Any:
    found: Any = event
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def repeated(event: Event, times: int, every: int = 60) -> list[Event]:
    """The event again and again, each time of another app."""
    found = []
    for number in range(times):
        again = copy.deepcopy(event)
        again["published"] = life.event("x", number * every)["published"]
        again.pop("uuid", None)
        found.append(again)
    return found
