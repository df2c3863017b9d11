"""Answers in the Open Cybersecurity Schema Framework, one event a line.

Posture is a Compliance Finding (2003), events are a Detection Finding (2004): https://schema.ocsf.io/1.8.0
"""

import hashlib
from datetime import datetime, timezone
from typing import Any

from findings.answers import Answer, Case
from findings.catalog import Finding

VERSION = "1.8.0"
SEVERITY = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
TACTIC_FREE = "MITRE ATT&CK "


def events(answers: list[Answer], org: str, integration: str, now: datetime) -> list[dict[str, Any]]:
    """An event for each case. Their ids stay the same while the case does, so that a later run updates them."""
    return [_event(answer.finding, case, org, integration, now) for answer in answers for case in answer.cases]


def _event(finding: Finding, case: Case, org: str, integration: str, now: datetime) -> dict[str, Any]:
    severity_id, severity = SEVERITY[finding.severity]
    compliance = finding.kind == "posture"
    class_uid, class_name = (2003, "Compliance Finding") if compliance else (2004, "Detection Finding")
    uid = hashlib.sha256(f"{org}\n{finding.id}\n{case.id}".encode()).hexdigest()[:32]
    info: dict[str, Any] = {"uid": uid, "title": finding.title, "desc": f"{case.name}: {case.detail}. {finding.why}"}
    if case.at:
        info["first_seen_time" if compliance else "created_time"] = milliseconds(case.at)
    event = {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": class_uid,
        "class_name": class_name,
        "type_uid": class_uid * 100 + 1,
        "type_name": f"{class_name}: Create",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 1,
        "status": "New",
        "time": milliseconds(now),
        "message": f"{finding.title}: {case.name}",
        "metadata": {
            "version": VERSION,
            "product": {"name": "okta-authomize", "vendor_name": "Authomize"},
            "log_name": f"findings/{integration}",
            "uid": uid,
        },
        "finding_info": info,
        "resources": [{"uid": case.id, "name": case.name, "type": "Okta object"}],
        "remediation": {"desc": finding.remedy, "references": list(finding.references)},
        "unmapped": {"finding": finding.id, "org": org, "false_positives": finding.false_positives},
    }
    if compliance:
        event["compliance"] = {
            "control": finding.id,
            "standards": list(finding.references),
            "status_id": 3,
            "status": "Fail",
        }
    else:
        info["attacks"] = [
            {"technique": {"uid": reference.removeprefix(TACTIC_FREE)}}
            for reference in finding.references
            if reference.startswith(TACTIC_FREE)
        ]
    return event


def milliseconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=timezone.utc).timestamp() * 1000)


def of_case(case: dict[str, Any]) -> dict[str, Any]:
    """A case of the watch as it opens, or closes. Its uid is the case's id, so that both are about one finding."""
    severity_id, severity = SEVERITY[case["severity"]]
    compliance = case["kind"] == "posture"
    class_uid, class_name = (2003, "Compliance Finding") if compliance else (2004, "Detection Finding")
    is_closed = case["state"] == "closed"
    activity_id, activity, status_id, status = (3, "Close", 4, "Resolved") if is_closed else (1, "Create", 1, "New")
    times = {"first_seen_time": _milliseconds(case["first_seen"]), "last_seen_time": _milliseconds(case["last_seen"])}
    event = {
        "activity_id": activity_id,
        "activity_name": activity,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": class_uid,
        "class_name": class_name,
        "type_uid": class_uid * 100 + activity_id,
        "type_name": f"{class_name}: {activity}",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "time": _milliseconds(case["closed_at"] if is_closed else case["last_seen"]),
        "message": f"{case['title']}: {case['name']}",
        "metadata": {
            "version": VERSION,
            "product": {"name": "okta-authomize", "vendor_name": "Authomize"},
            "log_name": f"cases/{case['integration']}",
            "uid": case["id"],
        },
        "finding_info": {"uid": case["id"], "title": case["title"], "desc": f"{case['name']}: {case['detail']}"}
        | times,
        "resources": [
            {"uid": uid, "type": "Okta object" if compliance else "System Log event"} for uid in case["evidence"]
        ],
        "remediation": {"desc": case["do"]},
        "unmapped": {"finding": case["finding"], "key": case["key"]},
    }
    if compliance:
        passed = {"status_id": 1, "status": "Pass"} if is_closed else {"status_id": 3, "status": "Fail"}
        event["compliance"] = {"control": case["finding"]} | passed
    return event


def _milliseconds(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text.rstrip("Z")))
