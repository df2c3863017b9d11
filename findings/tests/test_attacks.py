"""Each finding of attacks is raised by its own scenes, by none that comes near, and by no day on which nothing is wrong."""

import os
import unittest

from findings import catalog
from findings.tests import life, runs, settings
from findings.tests.attacks import RULES, apps

RUNS_SEEDS = int(os.environ.get("RUNS_SEEDS", "10"))
"""Stacks of which the runs are played."""


class Attacks(unittest.TestCase):
    def test_each_finding_has_three_scenes_that_raise_it_and_three_that_come_near(self) -> None:
        for finding in catalog.findings():
            if finding.kind == "events":
                raised, near = RULES[finding.id]
                self.assertGreaterEqual(min(len(raised), len(near)), 3, finding.id)
        self.assertEqual(RULES.keys(), {finding.id for finding in catalog.findings() if finding.kind == "events"})

    def test_scenes_that_must_raise_a_finding_do(self) -> None:
        for finding, (raised, _) in RULES.items():
            for name, acts in raised.items():
                with self.subTest(f"{finding}: {name}"):
                    self.assertIn(finding, life.staged(acts).ask([finding]))

    def test_near_misses_do_not(self) -> None:
        for finding, (_, near) in RULES.items():
            for name, acts in near.items():
                with self.subTest(f"{finding}: {name}"):
                    self.assertEqual(life.staged(acts).ask([finding]), {})

    def test_a_day_on_which_nothing_is_wrong_raises_nothing(self) -> None:
        attacks = [finding.id for finding in catalog.findings() if finding.kind == "events"]
        for name, acts in life.ordinary_days().items():
            with self.subTest(name):
                self.assertEqual(life.staged(acts).ask(attacks), {})


class Collector(unittest.TestCase):
    def test_of_a_thousand_runs_none_is_somebody_elses_and_each_of_fifty_thefts_is(self) -> None:
        runs = [
            apps.run(
                -n * 1800,
                f"aws{n % 50}",
                f"okta-authomize/0.{n // 300}.0",
                result="FAILURE" if n % 17 == 0 else "SUCCESS",
            )
            for n in range(1000)
        ]
        thefts = [
            apps.run(
                -n * 5000 - 7,
                f"evil{n}",
                ("python-requests/2.32", "okta-authomize/0.1.0", "curl/8")[n % 3],
                64666 + n % 5 if n % 3 == 1 else 16509,
                uuid=f"theft{n}",
            )
            for n in range(50)
        ]
        self.assertEqual(life.staged(runs).ask(["collector-impersonated"]), {})
        found = life.staged([*runs, *thefts]).ask(["collector-impersonated"])["collector-impersonated"]
        self.assertEqual({case.id for case in found}, {f"theft{n}" for n in range(50)})

    def test_of_thousands_of_runs_none_is_at_a_wrong_time_whatever_is_killed_retried_begun_by_hand_or_deployed(
        self,
    ) -> None:
        for seed in range(RUNS_SEEDS):
            minutes, is_redeployed = (5, 10, 15, 30, 60)[seed % 5], seed % 2 == 1
            with self.subTest(seed=seed, minutes=minutes, is_redeployed=is_redeployed):
                ours = runs.Runs(seed, minutes, 1000, is_redeployed)
                self.assertEqual(life.staged(ours.acts).ask(["collector-impersonated"]), {})

    def test_each_of_fifty_tokens_is_found_that_were_taken_at_a_time_that_no_run_explains(self) -> None:
        for seed, minutes in enumerate((5, 15, 60)):
            with self.subTest(minutes=minutes):
                ours = runs.Runs(seed, minutes, 1000)
                thefts = [
                    apps.run(at, "aws7", runs.AGENT, uuid=f"theft{n}") for n, at in enumerate(ours.unexplained(50))
                ]
                stage, values = life.staged([*ours.acts, *thefts]), {"schedule_minutes": minutes}
                found = stage.ask(["collector-impersonated"], values)["collector-impersonated"]
                self.assertEqual({case.id for case in found}, {f"theft{n}" for n in range(50)})
                self.assertTrue(all("at which no run begins" in case.detail for case in found))


class Settings(unittest.TestCase):
    def test_records_that_must_raise_a_finding_of_posture_do_and_those_that_come_near_do_not(self) -> None:
        for finding, (raised, near) in settings.RULES.items():
            for number, acts in enumerate([*raised, *near]):
                with self.subTest(f"{finding}: {number}"):
                    self.assertEqual(bool(life.staged(acts).ask([finding])), number < len(raised))
