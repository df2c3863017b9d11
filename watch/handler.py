"""The function: woken by new manifests, through a queue or not, or by its schedule.

Its settings are those of `Settings.read`; docs/watch.md says what each means. Nothing is believed of an event but the integration's name.
"""

import functools
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import duckdb

from findings.bucket import integrations
from findings.catalog import SEVERITIES
from findings.database import database
from findings.s3 import S3
from findings.tables import expiry
from findings.tables.append import Broken
from findings.tables.expiry import Days
from findings.tables.history import Tables
from watch import lake, outbox, risks
from watch.lake import Lake
from watch.ledger import Ledger
from watch.outbox import BUS, TOPIC, Bus, Rules, Topic
from watch.risks import Authomize
from watch.wake import Place, wake

INTEGRATION = re.compile(r"[a-z0-9-]+", re.ASCII)
BUS_NAME = re.compile(r"(arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/)?[/.\-_A-Za-z0-9]{1,256}")
LOCATION = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^?#]*?))?/*")
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
ORIGIN = re.compile(r"(https://[A-Za-z0-9.-]+(:\d+)?|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)/?")
TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+")
EXPIRATIONS = ("DATA_EXPIRATION_DAYS", "EVENT_EXPIRATION_DAYS")
KEPT = Path(tempfile.gettempdir(), "watch-kept")
DATABASE_SHARE = 0.5
"""Of the function's memory; the rest is Python's and of what is being written."""


@functools.cache
def _client(service: str) -> Any:
    """Made once a process: it takes longer than most of what it is asked."""
    return boto3.client(service)


class Settings(NamedTuple):
    bucket: str
    prefix: str
    least_severity: str
    bus: str
    topic_arn: str
    lake: str
    lake_role_arn: str
    lake_external_id: str
    authomize_secret: str
    authomize_url: str
    days: Days

    @classmethod
    def read(cls, environment: dict[str, str]) -> "Settings":
        """Raises `ValueError` that names every bad variable."""
        given = cls(
            environment.get("BUCKET", ""),
            environment.get("PREFIX", "okta"),
            environment.get("ALERT_SEVERITY") or "high",
            environment.get("EVENT_BUS", "default"),
            environment.get("ALERT_TOPIC_ARN", ""),
            environment.get("SECURITY_LAKE_LOCATION", ""),
            environment.get("SECURITY_LAKE_ROLE_ARN", ""),
            environment.get("SECURITY_LAKE_EXTERNAL_ID", ""),
            environment.get("AUTHOMIZE_SECRET_ID", ""),
            environment.get("AUTHOMIZE_API_URL") or "https://api.authomize.com",
            Days(*(_days(environment.get(name) or "0") for name in EXPIRATIONS)),
        )
        wrong = [] if given.bucket else ["BUCKET is needed: the collector's bucket"]
        if not given.prefix or given.prefix != given.prefix.strip("/"):
            wrong.append("PREFIX has a slash at an end, or is empty")
        if given.least_severity not in SEVERITIES:
            wrong.append(f"ALERT_SEVERITY is {given.least_severity!r}; it is one of {', '.join(SEVERITIES)}")
        if given.bus and not BUS_NAME.fullmatch(given.bus):
            wrong.append("EVENT_BUS is no bus's name or ARN; empty is for none")
        if given.topic_arn and not TOPIC_ARN.fullmatch(given.topic_arn):
            wrong.append("ALERT_TOPIC_ARN is no topic's ARN")
        if given.lake and not LOCATION.fullmatch(given.lake):
            wrong.append("SECURITY_LAKE_LOCATION is no place in S3, such as s3://bucket/ext/okta/1.0")
        if given.lake_role_arn and not ROLE_ARN.fullmatch(given.lake_role_arn):
            wrong.append("SECURITY_LAKE_ROLE_ARN is no role's ARN")
        if not ORIGIN.fullmatch(given.authomize_url):
            wrong.append("AUTHOMIZE_API_URL is not https; plain http is for loopback addresses alone")
        wrong += [
            f"{name} is no number of days; 0 is for ever"
            for name, days in zip(EXPIRATIONS, given.days, strict=True)
            if days < 0
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return given


def _days(text: str) -> int:
    """-1 where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1


class WakeFailed(Exception):
    """Some integrations could not be looked at; the message names each with the reason."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The function's answer: the messages that are to come again, or a report an integration."""
    settings = Settings.read(dict(os.environ))
    store = S3(_client("s3"), settings.bucket, KEPT)
    memory_mb = int(getattr(context, "memory_limit_in_mb", 1536) or 1536)
    watch = _Watch(store, settings, _rules(settings), int(memory_mb * DATABASE_SHARE))
    try:
        return (
            _messages(watch, event["Records"])
            if isinstance(event.get("Records"), list)
            else _reports(watch, _named(event, settings.prefix))
        )
    finally:
        store.forget(".jsonl.gz")


class _Watch(NamedTuple):
    store: S3
    settings: Settings
    rules: Rules
    memory_mb: int

    def look(self, integration: str) -> dict[str, Any]:
        """One wake-up. If something is left to be announced, its message has to come again."""
        began = time.monotonic()
        place = Place(self.store, self.settings.prefix, integration)
        with database(self.memory_mb) as connection:
            woken = wake(connection, place, self.rules.to)
            # Who waits for an alert comes first.
            left = outbox.deliver(place, woken, self.rules)
            beside = self._beside(connection, place, woken.ledger)
        known = woken.ledger
        report: dict[str, Any] = {
            "integration": integration,
            "sequence": known.sequence,
            "open": len(known.cases_open()),
        }
        report |= {
            change: [word["case"] for word in woken.news if word["change"] == change] for change in ("opened", "closed")
        }
        report |= {
            "digest": next((word["digest"] for word in woken.news if word["change"] == "digest"), None),
            "untold": left,
        } | beside
        _log(
            "INFO",
            "woken",
            report
            | {
                "opened": len(report["opened"]),
                "closed": len(report["closed"]),
                "duration_ms": int((time.monotonic() - began) * 1000),
            },
        )
        return report

    def _beside(self, connection: duckdb.DuckDBPyConnection, place: Place, known: Ledger) -> dict[str, int]:
        """What expires, and what goes to Security Lake and to Authomize, if anything does; one that fails costs the others nothing."""
        tasks: dict[str, Callable[[], int]] = {
            "rows_expired": lambda: expiry.expire(connection, Tables(*place), self.settings.days)
        }
        if self.settings.lake:
            tasks["lake_objects"] = lambda: lake.follow(connection, place, _lake(self.settings))
        if self.settings.authomize_secret:
            tasks["risks_left"] = lambda: risks.follow(
                connection, place, _authomize(self.settings), known, self.settings.least_severity
            )
        done, failures = {}, []
        for name, task in tasks.items():
            try:
                done[name] = task()
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return done


def _rules(settings: Settings) -> Rules:
    targets: dict[str, Any] = {}
    if settings.bus:
        targets[BUS] = Bus(_client("events"), settings.bus)
    if settings.topic_arn:
        targets[TOPIC] = Topic(_client("sns"), settings.topic_arn)
    return Rules(targets, settings.least_severity)


def _lake(settings: Settings) -> Lake:
    """With the credentials of the role that Security Lake has made for the source, where it is named."""
    place = LOCATION.fullmatch(settings.lake)
    assert place, "the settings were looked at"
    client = _client("s3")
    if settings.lake_role_arn:
        asked = {"RoleArn": settings.lake_role_arn, "RoleSessionName": "okta-authomize-watch"} | (
            {"ExternalId": settings.lake_external_id} if settings.lake_external_id else {}
        )
        given = _client("sts").assume_role(**asked)["Credentials"]
        client = boto3.client(
            "s3",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
    return Lake(client, place["bucket"], place["prefix"] or "", client.meta.region_name)


def _authomize(settings: Settings) -> Authomize:
    """By the secret that the loader has, too. Raises `ValueError` that holds nothing of it."""
    stored = _client("secretsmanager").get_secret_value(SecretId=settings.authomize_secret)["SecretString"]
    try:
        told = json.loads(stored)
        token, url = told["token"], told.get("base_url") or settings.authomize_url
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not ORIGIN.fullmatch(url):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            'the secret AUTHOMIZE_SECRET_ID is not {"token": "..."}, with an https base_url or none'
        ) from None
    return Authomize(url.rstrip("/"), token)


def _messages(watch: _Watch, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Many manifests of one integration are one wake-up. What fails comes again."""
    by_integration: dict[str, list[str]] = {}
    for record in records:
        try:
            name = _of_object(json.loads(record["body"]), watch.settings.prefix)
        except (ValueError, KeyError, TypeError):
            name = None
        if name:
            by_integration.setdefault(name, []).append(record["messageId"])
        else:
            _log("WARN", "a message names no manifest", {"message_id": record.get("messageId")})
    failed = [id for name, ids in by_integration.items() if _failure(watch, name) for id in ids]
    return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}


def _reports(watch: _Watch, named: list[str] | None) -> dict[str, Any]:
    wanted = named if named is not None else list(integrations(watch.store, watch.settings.prefix))
    if named is not None:
        return watch.look(named[0])
    failures = {name: failure for name in wanted if (failure := _failure(watch, name))}
    if failures:
        raise WakeFailed("; ".join(f"{name}: {failure}" for name, failure in failures.items()))
    return {"integrations": wanted}


def _failure(watch: _Watch, integration: str) -> str | None:
    """Why an integration could not be looked at, or announced; one costs no other."""
    try:
        left = watch.look(integration)["untold"]
        return f"{left} words are still to be told" if left else None
    except Exception as error:
        told = "; ".join(error.violations[:5]) if isinstance(error, Broken) else str(error)
        _log(
            "ERROR",
            "an integration could not be looked at",
            {"integration": integration, "error": f"{type(error).__name__}: {told}"[:2000]},
        )
        return f"{type(error).__name__}: {told}"[:500]


def _named(event: dict[str, Any], prefix: str) -> list[str] | None:
    """The integration that an event names, or `None`: all of them, for that is what the schedule asks."""
    if "integration" in event:
        unknown = event.keys() - {"integration"}
        if unknown or not isinstance(event["integration"], str) or not INTEGRATION.fullmatch(event["integration"]):
            raise ValueError('an event of yours is {"integration": "okta"}, with the name as it stands in the bucket')
        return [event["integration"]]
    if event.get("detail-type") == "Object Created":
        name = _of_object(event, prefix)
        if not name:
            raise ValueError("the event names no manifest")
        return [name]
    if "detail-type" not in event:
        raise ValueError('an event of yours is {"integration": "okta"}, with the name as it stands in the bucket')
    return None


def _of_object(event: dict[str, Any], prefix: str) -> str | None:
    """The integration whose manifest an event of S3 names."""
    key = event["detail"]["object"]["key"]
    match = re.fullmatch(rf"{re.escape(prefix)}/manifests/({INTEGRATION.pattern})/\d{{12}}\.json", key, re.ASCII)
    return match[1] if match else None


def _log(level: str, message: str, told: dict[str, Any]) -> None:
    print(
        json.dumps({"level": level, "message": message} | told, ensure_ascii=False),
        file=sys.stderr if level == "ERROR" else sys.stdout,
        flush=True,
    )
