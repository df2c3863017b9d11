"""The columns of each OCSF class that the collector writes, as DuckDB reads them from JSON. What is absent is null.

They are those of `src/ocsf/`; a rule compares what is read back with what was written.
"""

from typing import Any

Columns = dict[str, Any]
TEXT, NUMBER, REAL, FLAG = "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN"

USER: Columns = {"uid": TEXT, "name": TEXT, "type_id": NUMBER, "type": TEXT, "email_addr": TEXT, "uid_alt": TEXT}
SESSION: Columns = {"uid": TEXT, "issuer": TEXT}
THING: Columns = {"uid": TEXT, "name": TEXT, "type": TEXT}
ENTITY: Columns = {"uid": TEXT, "name": TEXT, "type_id": NUMBER, "type": TEXT, "policy": THING}
OS: Columns = {"name": TEXT, "type_id": NUMBER, "type": TEXT, "version": TEXT}
ENDPOINT: Columns = {
    "ip": TEXT,
    "name": TEXT,
    "domain": TEXT,
    "type_id": NUMBER,
    "type": TEXT,
    "zone": TEXT,
    "isp": TEXT,
    "autonomous_system": {"number": NUMBER, "name": TEXT},
    "location": {"city": TEXT, "region": TEXT, "country": TEXT, "postal_code": TEXT, "lat": REAL, "long": REAL},
    "os": OS,
    "intermediate_ips": [TEXT],
}
DEVICE: Columns = {"uid": TEXT, "name": TEXT, "type_id": NUMBER, "type": TEXT, "os": OS, "is_managed": FLAG}
REQUEST: Columns = {"uid": TEXT, "user_agent": TEXT, "url": {"path": TEXT}}
FACTOR: Columns = {"factor_type_id": NUMBER, "factor_type": TEXT, "provider": TEXT}

EVENT: Columns = {
    "activity_id": NUMBER,
    "activity_name": TEXT,
    "category_uid": NUMBER,
    "category_name": TEXT,
    "class_uid": NUMBER,
    "class_name": TEXT,
    "type_uid": NUMBER,
    "type_name": TEXT,
    "time": NUMBER,
    "severity_id": NUMBER,
    "severity": TEXT,
    "status_id": NUMBER,
    "status": TEXT,
    "status_code": TEXT,
    "status_detail": TEXT,
    "message": TEXT,
    "metadata": {
        "version": TEXT,
        "product": {"name": TEXT, "vendor_name": TEXT},
        "log_name": TEXT,
        "log_version": TEXT,
        "uid": TEXT,
        "event_code": TEXT,
        "correlation_uid": TEXT,
        "original_time": TEXT,
        "profiles": [TEXT],
    },
    "actor": {"user": USER, "session": SESSION, "app_uid": TEXT},
    "device": DEVICE,
    "action_id": NUMBER,
    "action": TEXT,
    "disposition_id": NUMBER,
    "disposition": TEXT,
    "risk_level_id": NUMBER,
    "risk_level": TEXT,
}
ASKED: Columns = {"src_endpoint": ENDPOINT, "http_request": REQUEST}
"""What classes with a request of their own have."""

CLASSES: dict[int, Columns] = {
    0: EVENT,
    2004: EVENT
    | {
        "finding_info": {"uid": TEXT, "title": TEXT, "types": [TEXT]},
        "evidences": [{"user": USER, "src_endpoint": ENDPOINT, "http_request": REQUEST}],
        "resources": [THING],
        "is_alert": FLAG,
    },
    3001: EVENT | ASKED | {"user": USER, "auth_factors": [FACTOR]},
    3002: EVENT
    | ASKED
    | {
        "user": USER,
        "service": THING,
        "session": SESSION,
        "auth_protocol_id": NUMBER,
        "auth_protocol": TEXT,
        "auth_factors": [FACTOR],
        "logon_type_id": NUMBER,
        "logon_type": TEXT,
        "is_mfa": FLAG,
        "is_remote": FLAG,
        "account_switch_type_id": NUMBER,
        "account_switch_type": TEXT,
    },
    3004: EVENT | ASKED | {"entity": ENTITY},
    3005: EVENT | ASKED | {"user": USER, "privileges": [TEXT], "resources": [THING]},
    3006: EVENT | ASKED | {"user": USER, "group": THING, "privileges": [TEXT], "resource": THING},
    6003: EVENT | ASKED | {"api": {"operation": TEXT}, "resources": [THING]},
}
"""By `class_uid`."""
