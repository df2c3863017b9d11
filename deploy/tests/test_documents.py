"""docs/operations.md tells what the templates and the estimates say."""

import re
import unittest
from typing import Any

from deploy import roster
from deploy.estimates import costs, fleet, latency
from deploy.template import load
from deploy.tests.resources import ROOT, of_type

DOCUMENT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def codes(header) -> set[Any]:
    """The words between backticks in the first column of a table."""
    lines = DOCUMENT.split(header, 1)[1].splitlines()[2:]
    rows = [
        line.split(" | ")[0]
        for line in lines[: next(n for n, line in enumerate([*lines, ""]) if not line.startswith("|"))]
    ]
    return {code for row in rows for code in re.findall(r"`(\w+)`", row)}


class Operations(unittest.TestCase):
    def test_the_tables_are_the_estimates(self) -> None:
        for table in (costs.by_users(), costs.by_orgs(), latency.told()):
            self.assertIn(table, DOCUMENT)

    def test_the_simulated_week_of_a_fleet_is_in_the_document(self) -> None:
        week = fleet.week().go(7)
        for text in (fleet.by_cases(), fleet.of_the_week(week), fleet.of_the_orgs(week)):
            self.assertIn(text, DOCUMENT)

    def test_every_alarm_is_told_and_no_other(self) -> None:
        there = {
            name
            for file in ("template.yaml", "fleet.yaml")
            for name in of_type(load(ROOT / file), "AWS::CloudWatch::Alarm")
        }
        self.assertEqual(codes("| alarm | when |"), there)

    def test_every_metric_is_told_and_no_other(self) -> None:
        source = (ROOT / "src/metrics.rs").read_text(encoding="utf-8")
        self.assertEqual(
            codes("| metric | meaning |"), set(re.findall(r'\("(\w+)", "(?:Count|Milliseconds|Seconds)"\)', source))
        )
        self.assertEqual(codes("| metric of the rounds | meaning |"), {name for name, _ in roster.GAUGES})

    def test_parameters_that_are_told_are_the_templates(self) -> None:
        self.assertLessEqual(codes("| parameter | for |"), load(ROOT / "template.yaml")["Parameters"].keys())

    def test_the_number_of_metrics_in_the_estimate_is_that_of_the_code(self) -> None:
        source = (ROOT / "src/metrics.rs").read_text(encoding="utf-8")
        self.assertEqual(int(re.findall(r"METRICS: \[\(&str, &str\); (\d+)\]", source)[0]), costs.METRICS)
        self.assertEqual(len(roster.GAUGES), costs.GAUGES)
        of_one, of_all = (
            self.watched("template.yaml", ("IsOneOrg",)),
            self.watched("template.yaml", ()) + self.watched("fleet.yaml", ()),
        )
        self.assertEqual((of_one, of_all), (costs.ALARM_METRICS, costs.FLEET_ALARM_METRICS))

    def watched(self, template, conditions) -> Any:
        """How many metrics the alarms watch that have no condition, or one of these."""
        alarms = of_type(load(ROOT / template), "AWS::CloudWatch::Alarm").values()
        there = [alarm["Properties"] for alarm in alarms if alarm.get("Condition") in (None, *conditions)]
        return sum(sum("MetricStat" in one for one in alarm.get("Metrics", [])) or 1 for alarm in there)


if __name__ == "__main__":
    unittest.main()
