"""The rules of the four suites, as they lie in their clones, with the events that each must raise or must not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from findings.suites import conditions, derived
from findings.suites.conditions import NotRead, Tree
from findings.suites.derived import Event

FOLDERS = {"panther": "panther-analysis", "okta": "customer-detections", "sigma": "sigma", "elastic": "detection-rules"}
TESTED = re.compile(r"okta", re.IGNORECASE)


class Trial(NamedTuple):
    name: str
    events: list[Event]
    is_expected: bool
    """Whether the rule is to be raised."""


class Rule(NamedTuple):
    suite: str
    id: str
    trials: list[Trial]
    """None if its query is a program: then a scene of ours is played."""


def read(folder: Path) -> list[Rule]:
    """Every rule about Okta's log. Raises FileNotFoundError if a clone is missing."""
    for name in FOLDERS.values():
        if not (folder / name).is_dir():
            raise FileNotFoundError(f"{folder / name} is not there: clone {', '.join(FOLDERS.values())} side by side")
    return [
        *_panther(folder / FOLDERS["panther"]),
        *_okta(folder / FOLDERS["okta"]),
        *_sigma(folder / FOLDERS["sigma"]),
        *_elastic(folder / FOLDERS["elastic"]),
    ]


def _panther(folder: Path) -> Iterator[Rule]:
    standard = [
        file
        for file in sorted((folder / "rules" / "standard_rules").glob("*.yml"))
        if "Okta.SystemLog" in file.read_text()
    ]
    for file in [*sorted((folder / "rules" / "okta_rules").glob("*.yml")), *standard]:
        rule = yaml.safe_load(file.read_text())
        times = max(1, rule.get("Threshold") or 1)
        trials = []
        for test in rule.get("Tests", []):
            if rule["AnalysisType"] == "rule" and (
                file.parent.name == "okta_rules" or TESTED.search(f"{test['Name']} {test['Log'].get('p_log_type', '')}")
            ):
                trials.append(
                    Trial(
                        test["Name"],
                        _before(test) + derived.repeated(_event(test["Log"]), times, 30),
                        test["ExpectedResult"],
                    )
                )
        yield Rule("panther", file.stem, trials)


NAMES = {
    "eventtype": "eventType",
    "displaymessage": "displayMessage",
    "legacyeventtype": "legacyEventType",
    "debugcontext": "debugContext",
    "authenticationcontext": "authenticationContext",
    "securitycontext": "securityContext",
}


def _event(log: dict[str, Any]) -> Event:
    """A test's event, in the letters of the log, at a time that findings look at."""
    event = {NAMES.get(name, name): value for name, value in log.items() if not name.startswith("p_")}
    place = log.get("p_enrichment", {}).get("ipinfo_location", {})
    for address in place.values():
        if "lat" in address:
            client = event.setdefault("client", {})
            client["geographicalContext"] = {
                "country": address.get("country"),
                "geolocation": {"lat": address["lat"], "lon": address["lng"]},
            }
    return json.loads(json.dumps(event, default=str))


def _before(test: dict[str, Any]) -> list[Event]:
    """What a rule had kept of an earlier event, as that event: Panther's tests give it as a mock of their store."""
    for mock in test.get("Mocks") or []:
        kept = mock.get("returnValue")
        if mock.get("objectName") != "get_string_set" or not kept:
            continue
        kept = json.loads(kept)
        event = derived.repeated(_event(test["Log"]), 1)[0]
        if kept and isinstance(kept[0], dict):
            return [_at_place(event, test["Log"], kept[0])]
        agent = next((word.partition(":")[2] for word in kept if word.startswith("user_agent:")), "")
        event["client"] = {
            **event["client"],
            "ipAddress": kept[1],
            "userAgent": {"rawUserAgent": agent, "browser": kept[3], "os": kept[4]},
        }
        event["published"] = "2026-11-23T09:00:00Z"
        return [event]
    return []


def _at_place(event: Event, log: dict[str, Any], place: dict[str, Any]) -> Event:
    """The sign-in before, as long before as the test says."""
    from datetime import datetime, timedelta

    moments = [datetime.fromisoformat(str(text)[:19]) for text in (log["p_event_time"], place["p_event_time"])]
    first = datetime(2026, 11, 23, 10) - abs(moments[0] - moments[1])
    event["published"] = f"{(first + timedelta(seconds=0)).isoformat()}Z"
    event["client"] = {
        **event["client"],
        "ipAddress": "192.0.2.1",
        "geographicalContext": {
            "country": place.get("country"),
            "geolocation": {"lat": place["lat"], "lon": place["lng"]},
        },
    }
    return event


def _trials(tree: Tree | None) -> list[Trial]:
    if tree is None:
        return []
    fulfilled = [Trial(f"way {number}", [event], True) for number, event in enumerate(derived.events(tree), start=1)]
    return [
        *fulfilled,
        *(Trial(f"exception {number}", [event], False) for number, event in enumerate(derived.near(tree), start=1)),
    ]


def _okta(folder: Path) -> Iterator[Rule]:
    for file in sorted([*(folder / "detections").glob("*.yml"), *(folder / "hunts").glob("*.yml")]):
        written = yaml.safe_load(file.read_text())["detection"].get("okta_systemlog", {})
        tree = conditions.okta(written["OIE"]) if "OIE" in written else None
        yield Rule("okta", file.stem, _trials(tree))


MODIFIERS = {"contains": "co", "startswith": "sw", "endswith": "co", "re": None, "expand": None}


def _sigma(folder: Path) -> Iterator[Rule]:
    for file in sorted(folder.glob("rules*/**/okta*.yml")):
        if "okta" in str(file.parent).lower():
            yield Rule("sigma", file.stem, _trials(_sigma_tree(yaml.safe_load(file.read_text())["detection"])))


def _sigma_tree(detection: dict[str, Any]) -> Tree | None:
    """Every selection at once, without what the filters say. None if a filter is a pattern or a placeholder."""
    parts: list[Tree] = []
    for name, given in detection.items():
        if name == "condition":
            continue
        tree = _selection(given)
        if tree is None:
            return None
        parts.append(("not", tree) if name.startswith("filter") else tree)
    return ("and", parts)


def _selection(given: Any) -> Tree | None:
    if isinstance(given, list):
        trees = [_selection(each) for each in given]
        return None if None in trees else ("or", trees)
    leaves: list[Tree] = []
    for field, values in given.items():
        path, *modifiers = field.split("|")
        operators = [MODIFIERS.get(modifier) for modifier in modifiers] or ["eq"]
        if None in operators:
            return None
        leaves.append(
            (
                "or",
                [
                    ("is", path, operators[0], str(value))
                    for value in (values if isinstance(values, list) else [values])
                ],
            )
        )
    return ("and", leaves)


def _elastic(folder: Path) -> Iterator[Rule]:
    import tomli

    for file in sorted((folder / "rules" / "integrations" / "okta").glob("*.toml")):
        rule = tomli.loads(file.read_text())["rule"]
        trials = _trials(conditions.kuery(rule["query"])) if rule.get("language") == "kuery" else []
        threshold = rule.get("threshold", {})
        times = max(
            [int(threshold.get("value", 1)), *(int(each["value"]) for each in threshold.get("cardinality", []))]
        )
        if threshold.get("cardinality"):
            trials = []
        yield Rule(
            "elastic",
            file.stem,
            [trial._replace(events=derived.repeated(trial.events[0], times, 60)) for trial in trials],
        )
    for file in sorted((folder / "hunting" / "okta" / "queries").glob("*.toml")):
        yield Rule("elastic", f"hunt:{file.stem}", [])


__all__ = ["NotRead", "Rule", "Trial", "read"]
