"""`make suites DIR=path`: what the findings say of the events of four public suites of rules.

Status 0 if no rule is answered wrongly and 95 % of those that are not left out are answered rightly.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import tomli

from findings.suites import derived, rules
from findings.suites.rules import Rule, Trial
from findings.suites.scenes import SCENES
from findings.tests.stage import Stage

TABLE = Path(__file__).parent / "table.toml"
RIGHT, WRONG, MISSED, LEFT = "right", "wrong", "missed", "left out"
LEAST_SHARE = 0.95


class Verdict(NamedTuple):
    rule: Rule
    word: str
    why: str


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make suites", description=__doc__.splitlines()[0])
    parser.add_argument(
        "dir", metavar="DIR", type=Path, help=f"folder with clones of {', '.join(rules.FOLDERS.values())}"
    )
    parser.add_argument("--only", metavar="RULE", help="this rule, with each of its trials")
    given = parser.parse_args(words)
    try:
        found = rules.read(given.dir)
    except (OSError, rules.NotRead) as error:
        print(f"make suites: {error}", file=sys.stderr)
        return 2
    table = tomli.loads(TABLE.read_text())
    verdicts = [_verdict(rule, table[rule.suite].get(rule.id)) for rule in found if given.only in (None, rule.id)]
    for each in verdicts:
        print(f"{each.rule.suite:<8} {each.rule.id:<82} {each.word:<9} {each.why}")
    return _summary(verdicts)


def _summary(verdicts: list[Verdict]) -> int:
    print(f"\n{'':<10}{'rules':>7}" + "".join(f"{word:>10}" for word in (RIGHT, WRONG, MISSED, LEFT)))
    for suite in [*rules.FOLDERS, "all"]:
        counted = Counter(each.word for each in verdicts if suite in ("all", each.rule.suite))
        print(
            f"{suite:<10}{sum(counted.values()):>7}"
            + "".join(f"{counted[word]:>10}" for word in (RIGHT, WRONG, MISSED, LEFT))
        )
    counted = Counter(each.word for each in verdicts)
    asked = sum(counted.values()) - counted[LEFT]
    share = counted[RIGHT] / asked if asked else 1.0
    print(f"\n{share:.1%} of {asked} rules that are not left out")
    return 0 if not counted[WRONG] and share >= LEAST_SHARE else 1


def _verdict(rule: Rule, said: dict[str, Any] | None) -> Verdict:
    if said is None:
        return Verdict(rule, MISSED, "no finding, and not in the table")
    if "left" in said:
        return Verdict(rule, LEFT, said["left"])
    trials = _trials(rule, said)
    if not any(trial.is_expected for trial in trials):
        return Verdict(rule, MISSED, "nothing to try: the table wants a scene")
    false: list[str] = []
    silent: list[str] = []
    for trial in trials:
        raised = _stage(trial, said).ask(said["by"])
        if bool(raised) != trial.is_expected:
            (silent if trial.is_expected else false).append(trial.name)
    by = ", ".join(said["by"]) + (f" ({said['note']})" if "note" in said else "")
    if false:
        return Verdict(rule, WRONG, f"{by}; raised by {', '.join(false)}")
    if silent:
        is_mute = len(silent) == sum(trial.is_expected for trial in trials)
        return Verdict(rule, MISSED if is_mute else WRONG, f"{by}; not raised by {', '.join(silent)}")
    return Verdict(rule, RIGHT, by)


def _trials(rule: Rule, said: dict[str, Any]) -> list[Trial]:
    if "scene" in said:
        stage = Stage()
        for act in SCENES[said["scene"]]:
            act(stage)
        return [Trial(said["scene"], stage.logged(), True)]
    wanted = [
        trial
        for trial in rule.trials
        if trial.name not in said.get("without", ())
        and ("only" not in said or trial.events[0]["eventType"] in said["only"])
    ]
    times = said.get("times", 1)
    return [
        trial._replace(events=[event for event in trial.events for event in derived.repeated(event, times)])
        if times > 1
        else trial
        for trial in wanted
    ]


def _stage(trial: Trial, said: dict[str, Any]) -> Stage:
    stage = Stage()
    events = [{**event, "published": _moment(event, number)} for number, event in enumerate(trial.events)]
    given = said.get("given") if trial.is_expected else None
    if given == "target is an admin":
        for target in {
            target["id"] for event in events for target in event.get("target") or [] if target["type"] == "User"
        }:
            stage.record(
                "role_assignments",
                f"{target}:ra1",
                {
                    "principal_id": target,
                    "principal_type": "User",
                    "id": "ra1",
                    "type": "SUPER_ADMIN",
                    "status": "ACTIVE",
                    "created": "2025-01-01T00:00:00Z",
                },
            )
    elif given == "device and address are new":
        for event in events:
            event["debugContext"] = {"debugData": {"behaviors": "{New Device=POSITIVE, New IP=POSITIVE}"}}
    elif given == "its event type":
        events = [
            {**event, "eventType": "app.generic.unauth_app_access_attempt", "outcome": {"result": "FAILURE"}}
            for event in events
        ]
    elif given == "each of another app":
        events = [
            {**event, "target": [{"type": "AppInstance", "id": f"0oa{number}", "displayName": f"a{number}"}]}
            for number, event in enumerate(events)
        ]
    stage.events({name: value for name, value in event.items() if name != "uuid"} for event in events)
    return stage


def _moment(event: dict[str, Any], number: int) -> str:
    """The event's own time if it is one that findings look at, else one a minute."""
    own = str(event.get("published", ""))
    return own if own.startswith("2026-11-23T") else f"2026-11-23T10:{number % 60:02}:30Z"


if __name__ == "__main__":
    sys.exit(main())
