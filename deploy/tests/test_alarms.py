"""Every alarm, both ways: a day that must raise it, and one like it that must not; and whenever the trouble ends, so does the alarm.

The days are made of lines that the built functions wrote (tests/rules/watch.rs and fleet.rs keep them so), as CloudWatch takes them in,
and of what AWS itself counts of such runs. What CloudWatch does with them stands in deploy/estimates/cloudwatch.py.
"""

import functools
import unittest
from typing import Any

from deploy import roster
from deploy.estimates import fleet as simulated
from deploy.estimates.cloudwatch import ALARM, INSUFFICIENT, OK, Alarm, Metrics, evaluate
from deploy.template import load
from deploy.tests.recorded import line
from deploy.tests.resources import ROOT, of_type

HOUR, EVERY = 3_600, 300
STACK = "acme-okta"
NAMES = {
    "AWS::StackName": STACK,
    "Function": "collector",
    "Loader": "loader",
    "Roster": "roster",
    "LoaderDeadLetters.QueueName": "dead-letters",
    "WatchDeadLetters.QueueName": "dead-letters-of-the-watch",
}
ALARMS = {
    name: alarm["Properties"]
    for file in ("template.yaml", "fleet.yaml")
    for name, alarm in of_type(load(ROOT / file), "AWS::CloudWatch::Alarm").items()
}


def one_org(*parts) -> tuple[Any, Any]:
    """Days of runs every five minutes: (hours, name of a line or a function of the number of the run that gives one, or `None` for no
    run). What passes since the last good run is counted."""
    metrics, at, well_at = Metrics(), 0, 0
    for hours, kind in parts:
        for number in range(int(hours * HOUR / EVERY)):
            at += EVERY
            name = kind(number) if callable(kind) else kind
            if name is None:
                continue
            name, members = name if isinstance(name, tuple) else (name, {})
            told = line(name)
            well_at = at if told["outcome"] == "succeeded" else well_at
            metrics.emf(told | {"freshness_seconds": at - well_at} | members, at)
            for metric, value in (("Invocations", 1), ("Errors", told["errors"])):
                metrics.put("AWS/Lambda", metric, {"FunctionName": "collector"}, at, value)
    return metrics, at


def counted(namespace, name, dimensions, *parts) -> tuple[Any, Any]:
    """Days of a metric alone: (hours, value every five minutes, or `None`)."""
    metrics, at = Metrics(), 0
    for hours, value in parts:
        for _ in range(int(hours * HOUR / EVERY)):
            at += EVERY
            if value is not None:
                metrics.put(namespace, name, dimensions, at, value)
    return metrics, at


def a_fleet(days, orgs, befall=lambda fleet: None) -> Any:
    """Days of a simulated fleet, with the real rounds."""
    fleet = simulated.Fleet(orgs())
    befall(fleet)
    return fleet.go(days)


@functools.cache
def states(name, day) -> list[Any]:
    """The states that an alarm has in a day, in order."""
    made = DAYS[name][day]()
    if isinstance(made, simulated.Fleet):
        metrics, begins, ends, names = (
            made.metrics,
            simulated.START,
            made.now,
            NAMES | {"AWS::StackName": simulated.STACK},
        )
    else:
        (metrics, ends), begins, names = made, EVERY, NAMES
    return [state for _, state in Alarm(ALARMS[name], names).changes(metrics, begins, ends)]


def twice_a_day(number) -> str:
    return "rejected" if number % 100 < 2 else "idle"


def sick(hours) -> Any:
    def befall(fleet) -> None:
        org = next(iter(fleet.orgs.values()))
        org.sick = [(simulated.START + 2 * HOUR, simulated.START + (2 + hours) * HOUR)]

    return befall


def hangs(hours) -> Any:
    def befall(fleet) -> None:
        org = next(iter(fleet.orgs.values()))
        org.hangs = [(simulated.START + 2 * HOUR, simulated.START + (2 + hours) * HOUR)]

    return befall


def rounds(orgs) -> Any:
    return counted("OktaAuthomize", "orgs", {"stack": STACK}, *orgs)


LOADS: tuple[str, str, dict[str, str]] = ("OktaAuthomize", f"{STACK}-loader-troubles", {})
# alarm -> (a day that raises it and ends well, a day that must not).
DAYS = {
    "FailingAlarm": (lambda: one_org((4, "idle"), (2, "rejected"), (8, "idle")), lambda: one_org((24, twice_a_day))),
    "NoSuccessAlarm": (
        lambda: one_org((4, "idle"), (5, "rejected"), (4, "idle")),
        lambda: one_org((4, "idle"), (2.5, "rejected"), (4, "idle"), (2, "unavailable"), (4, "idle")),
    ),
    "FreshnessAlarm": (
        lambda: one_org((2, "idle"), (8, "held"), (4, "idle")),
        lambda: one_org((2, "idle"), (5, "held"), (4, "idle")),
    ),
    "LagAlarm": (
        lambda: one_org((2, "idle"), (4, "lagging"), (3, "idle")),
        lambda: one_org((2, "idle"), (2.5, "lagging"), (3, "idle")),
    ),
    "HeldAlarm": (
        lambda: one_org((2, "idle"), (4, "held"), (3, "idle")),
        lambda: one_org((2, "idle"), (2.5, "held"), (3, "idle")),
    ),
    "UnavailableAlarm": (
        lambda: one_org((2, "idle"), (4, "unavailable"), (3, "idle")),
        lambda: one_org((2, "idle"), (2.5, "unavailable"), (3, "idle")),
    ),
    "FailedAlarm": (
        lambda: one_org((2, "idle"), (4, "failed"), (3, "idle")),
        lambda: one_org((2, "idle"), (2.5, "failed"), (3, "idle")),
    ),
    "ExceptAlarm": (
        lambda: one_org((2, "idle"), (26, "failed"), (3, "idle")),
        lambda: one_org((2, "idle"), (22, "failed"), (3, "idle")),
    ),
    "PartialAlarm": (
        lambda: one_org((2, "idle"), (26, "lagging"), (3, "idle")),
        lambda: one_org((48, lambda number: "lagging" if number % 60 else "idle")),
    ),
    "StaleStateAlarm": (
        lambda: one_org((2, "idle"), (5, "stale"), (3, "idle")),
        lambda: one_org((24, ("idle", {"state_age_seconds": 13 * 24 * HOUR}))),
    ),
    "LoaderLagAlarm": (
        lambda: one_org((2, "idle"), (5, "not-loaded"), (3, "well")),
        # A loader that was at rest for days, and is at work within minutes of a commit.
        lambda: one_org(
            (
                24,
                lambda number: (
                    ("idle", {"load_lag_seconds": 0}) if number % 50 else ("not-loaded", {"load_lag_seconds": 290})
                ),
            )
        ),
    ),
    "LoaderDeadLettersAlarm": (
        lambda: counted(
            "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "dead-letters"}, (2, 0), (1, 3), (2, 0)
        ),
        lambda: counted("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "dead-letters"}, (8, 0)),
    ),
    "WatchDeadLettersAlarm": (
        lambda: counted(
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": "dead-letters-of-the-watch"},
            (2, 0),
            (1, 1),
            (2, 0),
        ),
        lambda: counted(
            "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "dead-letters-of-the-watch"}, (8, 0)
        ),
    ),
    "LoaderAlarm": (
        lambda: counted(*LOADS, (2, None), (4, 1), (4, None)),
        lambda: counted(*LOADS, (2, None), (0.8, 1), (4, None), (0.8, 1), (4, None)),
    ),
    "NoOrgAlarm": (lambda: rounds([(2, 5), (1, 0), (4, 5)]), lambda: rounds([(8, 1)])),
    "RosterAlarm": (
        lambda: counted("AWS/Lambda", "Errors", {"FunctionName": "roster"}, (2, 0), (4, 1), (3, 0)),
        lambda: counted("AWS/Lambda", "Errors", {"FunctionName": "roster"}, (2, 0), (0.1, 1), (3, 0), (0.1, 1), (3, 0)),
    ),
    "NotRunAlarm": (
        lambda: a_fleet(0.3, lambda: simulated.healthy(40), hangs(2)),
        lambda: a_fleet(
            0.3,
            lambda: [*simulated.healthy(30), *(simulated.Org(f"new/{n}", work_s=HOUR) for n in range(10))],
            hangs(0.5),
        ),
    ),
    "SickAlarm": (
        lambda: a_fleet(0.5, lambda: simulated.healthy(40), sick(6)),
        lambda: a_fleet(
            0.5,
            lambda: [*simulated.healthy(30), *(simulated.Org(f"new/{n}", work_s=HOUR) for n in range(10))],
            sick(2.5),
        ),
    ),
}


class BothWays(unittest.TestCase):
    def test_every_alarm_of_the_templates_has_its_days(self) -> None:
        self.assertEqual(DAYS.keys(), ALARMS.keys())

    def test_each_goes_off_on_a_day_that_must_raise_it_and_is_over_when_the_trouble_is(self) -> None:
        for name in DAYS:
            with self.subTest(name):
                found = states(name, 0)
                self.assertEqual(found.count(ALARM), 1, found)
                self.assertEqual(found[-1], OK)

    def test_none_goes_off_on_a_day_that_must_not_raise_it(self) -> None:
        for name in DAYS:
            with self.subTest(name):
                self.assertNotIn(ALARM, states(name, 1))
                self.assertNotIn(INSUFFICIENT, states(name, 1))

    def test_a_schedule_that_stops_is_told_of_by_the_alarms_that_are_for_it_and_no_other(self) -> None:
        stopped = {name for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "missing"}
        self.assertEqual(stopped, {"NoSuccessAlarm", "NoOrgAlarm"})
        metrics, ends = one_org((3, "idle"), (6, None), (3, "idle"))
        found = [state for _, state in Alarm(ALARMS["NoSuccessAlarm"], NAMES).changes(metrics, EVERY, ends)]
        self.assertEqual(found, [OK, INSUFFICIENT, OK])
        self.assertIn("InsufficientDataActions", ALARMS["NoSuccessAlarm"])
        self.assertIn("InsufficientDataActions", ALARMS["NoOrgAlarm"])

    def test_a_day_without_trouble_raises_none_at_all(self) -> None:
        metrics, ends = one_org((0.2, "well"), (26, "idle"))
        for name, alarm in ALARMS.items():
            if name != "NoOrgAlarm":
                self.assertNotIn(ALARM, [state for _, state in Alarm(alarm, NAMES).changes(metrics, EVERY, ends)], name)


class Fleets(unittest.TestCase):
    def test_an_org_that_nobody_mends_hides_no_other(self) -> None:
        orgs = simulated.healthy(60)
        for number, hour in ((0, 1), (1, 6)):
            orgs[number].sick = [(simulated.START + hour * HOUR, float("inf"))]
        fleet = simulated.Fleet(orgs).go(0.6)
        found = [state for _, name, state in simulated.alarms(fleet, 0.6) if name == "SickAlarm"]
        self.assertEqual(found, [OK, ALARM, OK, ALARM, OK])

    def test_while_a_tenth_of_all_are_sick_it_stays_on(self) -> None:
        orgs = simulated.healthy(60)
        for org in orgs[:10]:
            org.sick = [(simulated.START, float("inf"))]
        fleet = simulated.Fleet(orgs).go(0.5)
        self.assertEqual([state for _, name, state in simulated.alarms(fleet, 0.5) if name == "SickAlarm"], [OK, ALARM])

    def test_the_numbers_of_a_round_are_those_that_alarms_ask_for(self) -> None:
        told = roster.emf("acme", dict.fromkeys((name for name, _ in roster.GAUGES), 0), 0)
        self.assertTrue(all(metric["Name"] in told for metric in told["_aws"]["CloudWatchMetrics"][0]["Metrics"]))


class Evaluation(unittest.TestCase):
    """CloudWatch's rules, as far as alarms here depend on them."""

    def alarm(self, **more) -> Any:
        told = {
            "Namespace": "N",
            "MetricName": "m",
            "Statistic": "Maximum",
            "Period": 300,
            "EvaluationPeriods": 3,
            "Threshold": 1,
        }
        return Alarm(
            told | {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching"} | more,
            {},
        )

    def state(self, points, **more) -> Any:
        metrics = Metrics()
        for number, value in enumerate(points):
            if value is not None:
                metrics.put("N", "m", {}, 300 * number + 1, value)
        return self.alarm(**more).state(metrics, 300 * len(points))

    def test_all_periods_must_breach_or_m_of_n(self) -> None:
        self.assertEqual(self.state([1, 1, 1]), ALARM)
        self.assertEqual(self.state([1, 0, 1]), OK)
        self.assertEqual(self.state([1, 0, 1], DatapointsToAlarm=2), ALARM)

    def test_missing_data_is_well_or_missing_as_the_alarm_says(self) -> None:
        self.assertEqual(self.state([1, None, 1]), OK)
        for points, expected in (([None, None, None], INSUFFICIENT), ([None, None, 1], ALARM), ([None, None, 0], OK)):
            self.assertEqual(self.state(points, TreatMissingData="missing"), expected, points)

    def test_expressions_are_worked_out(self) -> None:
        values = {"fresh": 0, "many": 6, "orgs": 50}
        self.assertEqual(evaluate("IF(fresh > 0 OR many > orgs / 10, 1, 0)", values), 1)
        self.assertEqual(evaluate("IF(fresh > 0 OR many > orgs / 10, 1, 0)", values | {"many": 5}), 0)


if __name__ == "__main__":
    unittest.main()
