"""docs/operations.md tells what the templates and the estimates say."""

import re
import unittest

from deploy.estimates import costs, latency
from deploy.template import load
from deploy.tests.resources import ROOT, of_type

DOCUMENT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def codes(header):
    """The words between backticks in the first column of a table."""
    lines = DOCUMENT.split(header, 1)[1].splitlines()[2:]
    rows = [line.split(" | ")[0] for line in lines[: next(n for n, line in enumerate([*lines, ""]) if not line.startswith("|"))]]
    return {code for row in rows for code in re.findall(r"`(\w+)`", row)}


class Operations(unittest.TestCase):
    def test_the_tables_are_what_is_worked_out(self):
        for table in (costs.by_users(), costs.by_orgs(), latency.told()):
            self.assertIn(table, DOCUMENT)

    def test_every_alarm_is_told_and_no_other(self):
        there = {name for file in ("template.yaml", "fleet.yaml") for name in of_type(load(ROOT / file), "AWS::CloudWatch::Alarm")}
        self.assertEqual(codes("| alarm | when |"), there)

    def test_every_metric_is_told_and_no_other(self):
        source = (ROOT / "src/metrics.rs").read_text(encoding="utf-8")
        self.assertEqual(codes("| metric | meaning |"), set(re.findall(r'\("(\w+)", "(?:Count|Milliseconds|Seconds)"\)', source)))

    def test_parameters_that_are_told_are_the_templates(self):
        self.assertLessEqual(codes("| parameter | for |"), load(ROOT / "template.yaml")["Parameters"].keys())

    def test_the_number_of_metrics_in_the_estimate_is_that_of_the_code(self):
        source = (ROOT / "src/metrics.rs").read_text(encoding="utf-8")
        self.assertEqual(int(re.search(r"METRICS: \[\(&str, &str\); (\d+)\]", source)[1]), costs.METRICS)
        watched = 0
        for name, alarm in of_type(load(ROOT / "template.yaml"), "AWS::CloudWatch::Alarm").items():
            if "Condition" not in alarm:
                watched += sum("MetricStat" in one for one in alarm["Properties"].get("Metrics", [])) or 1
        self.assertEqual(watched, costs.ALARM_METRICS)


if __name__ == "__main__":
    unittest.main()
