"""Rules of the findings that need no org: heads, parameters, the tables, and the Athena text. With those of findings/tests/."""

import json
import re
import unittest
from pathlib import Path

import sqlglot

from findings import athena, athena_stack, catalog, scanned, table, views
from findings.answers import Answer
from findings.bucket import utc
from findings.columns import SCHEMAS, streams
from findings.database import database
from findings.dialect import Athena, DuckDb
from findings.tables import shape

ROOT = Path(__file__).parent


class Catalogue(unittest.TestCase):
    def test_there_are_at_least_15_of_posture_and_25_of_events(self) -> None:
        kinds = [finding.kind for finding in catalog.findings()]
        self.assertGreaterEqual(kinds.count("posture"), 15)
        self.assertGreaterEqual(kinds.count("events"), 25)

    def test_each_head_is_whole(self) -> None:
        for finding in catalog.findings():
            self.assertTrue(all((finding.title, finding.why, finding.remedy, finding.false_positives)), finding.id)
            self.assertTrue(
                any(reference.startswith("MITRE ATT&CK T") or "Okta" in reference for reference in finding.references),
                finding.id,
            )

    def test_each_parameter_is_used_and_each_that_is_used_has_a_default(self) -> None:
        for finding in catalog.findings():
            used = set(catalog.PARAMETER.findall(finding.select))
            self.assertLessEqual(finding.parameters.keys(), used, finding.id)
            self.assertLessEqual(used, finding.parameters.keys() | catalog.SHARED_PARAMETERS.keys(), finding.id)

    def test_a_parameter_of_two_findings_has_one_default(self) -> None:
        defaults: dict[str, int] = {}
        for finding in catalog.findings():
            for name, value in finding.parameters.items():
                self.assertEqual(defaults.setdefault(name, value), value, f"{finding.id}: {name}")

    def test_a_threshold_that_nobody_has_is_an_error(self) -> None:
        with self.assertRaises(catalog.UnknownParameter):
            catalog.parameters({"dormant_hours": 1})

    def test_the_document_says_what_the_heads_say(self) -> None:
        rows = (ROOT.parent / "docs" / "findings.md").read_text().splitlines()
        for finding in catalog.findings():
            said = _row(finding)
            self.assertEqual(sum(row.startswith(said) for row in rows), 1, f"docs/findings.md has no row {said}")

    def test_a_technique_is_named_by_its_id_alone(self) -> None:
        for finding in catalog.findings():
            for reference in finding.references:
                if reference.startswith("MITRE"):
                    self.assertRegex(reference, r"^MITRE ATT&CK T\d{4}(\.\d{3})?$", finding.id)


def _row(finding: catalog.Finding) -> str:
    """Its row in the document, without the number of cases in the demo."""
    names = " ".join([f"`{finding.id}`", *(f"`{name}={value}`" for name, value in finding.parameters.items())])
    sentences = [
        text if text.endswith((".", "?")) else f"{text}." for text in (finding.title, finding.why, finding.remedy)
    ]
    text = f"{' '.join(sentences)} ({'; '.join(finding.references)})"
    return f"| {names} | {finding.severity} | {text} | {finding.false_positives} |"


class Dialects(unittest.TestCase):
    def test_athena_takes_every_finding_and_every_view(self) -> None:
        views_shown = list(athena_stack.views().items())
        asked = [(finding.id, select) for finding, select in athena.queries(catalog.parameters({}), "okta")]
        for name, select in [*views_shown, *asked]:
            with self.subTest(name):
                trees = sqlglot.parse(select, read="athena")
                self.assertEqual(len(trees), 1)
                self.assertIsInstance(trees[0], sqlglot.exp.Query)
        self.assertEqual(len(asked), len(catalog.findings()))
        self.assertEqual(len(views_shown), len(streams()))

    def test_no_finding_scans_tables_more_than_thirty_times(self) -> None:
        for finding, tables in scanned.scans().items():
            self.assertLessEqual(sum(tables.values()), MOST_SCANS, f"{finding}: {tables}")

    def test_each_scan_is_of_one_integration_and_what_is_asked_of_recent_events_reads_recent_days_alone(self) -> None:
        for finding, select in athena.queries(catalog.parameters({}), "acme"):
            for scan in scans_of(select):
                self.assertIn("integration = 'acme'", scan, finding.id)
            days = [
                scan
                for scan in scans_of(select)
                if "changes_activity" in scan and "CURRENT_DATE - INTERVAL '120' DAY" in scan
            ]
            self.assertEqual(bool(days), "recent_events" in select, finding.id)
        dated = [
            finding.id
            for finding, select in athena.queries(catalog.parameters({}), "acme")
            if "CURRENT_DATE" in select.upper()
        ]
        self.assertGreater(len(dated), 20)

    def test_a_select_of_seldom_events_asks_for_no_type_that_is_often(self) -> None:
        often = re.findall(r"'([^']+)'", views.selects(DuckDb)["seldom_events"])
        asked = {finding.id: finding.select for finding in catalog.findings()} | views.selects(Athena)
        selects: dict[tuple[str, int], sqlglot.exp.Select] = {}
        for name, select in asked.items():
            for scan in sqlglot.parse_one(catalog.PARAMETER.sub("0", select), read="athena").find_all(
                sqlglot.exp.Table
            ):
                if scan.name in ("seldom_events", "seldom_targets") and name != "seldom_targets":
                    found = scan.parent_select
                    assert found
                    selects[name, len(selects)] = found
        self.assertGreater(len(selects), 40)
        for (name, _), scanning in selects.items():
            wheres = [scanning.args["where"], *scanning.args.get("joins", [])]
            texts = [each.this for where in wheres for each in where.find_all(sqlglot.exp.Literal) if each.is_string]
            for text in texts:
                like = re.compile(re.escape(text).replace("%", ".*"))
                self.assertEqual([type for type in often if like.fullmatch(type)], [], f"{name}: {text}")

    def test_the_dialects_differ_in_how_lists_are_read_alone(self) -> None:
        one, other = views.selects(DuckDb), views.selects(Athena)
        self.assertEqual(list(one), list(other))
        self.assertEqual({name for name in one if one[name] != other[name]}, {*views.lists(), "told_events"})

    def test_a_view_has_the_columns_that_its_types_tell(self) -> None:
        for stream in streams():
            given = sqlglot.parse_one(athena.current(stream), read="athena").assert_is(sqlglot.exp.Query).named_selects
            self.assertEqual(given, list(athena_stack.view_types(stream)), stream.view)


MOST_SCANS = 30


def scans_of(select: str) -> list[str]:
    """Each scan of a table with the conditions that stand beside it, which an engine needs no rewriting to see."""
    found = [
        table
        for table in sqlglot.parse_one(select, read="athena").find_all(sqlglot.exp.Table)
        if table.name in scanned.TABLES
    ]
    selects = [(table, table.find_ancestor(sqlglot.exp.Select)) for table in found]
    wheres = [(table, select.args.get("where") if select else None) for table, select in selects]
    return [f"{table.name}: {where.sql() if where else ''}" for table, where in wheres]


class Stack(unittest.TestCase):
    def test_the_stack_has_a_table_for_each_stream_and_commits_and_cases_and_no_manifest(self) -> None:
        template = athena_stack.template()
        tables = [
            each["Properties"]["TableInput"]
            for each in template["Resources"].values()
            if each["Type"] == "AWS::Glue::Table"
        ]
        external = {each["Name"]: each for each in tables if each["TableType"] == "EXTERNAL_TABLE"}
        self.assertEqual(
            set(external),
            {"all_commits", "all_ways", "case_changes", *(f"changes_{stream.name}" for stream in streams())},
        )
        for name, given in external.items():
            self.assertEqual(given["PartitionKeys"][0], {"Name": "integration", "Type": "string"}, name)
            self.assertIn("/tables/", json.dumps(given["StorageDescriptor"]["Location"]))
        self.assertEqual(
            [key["Name"] for key in external["changes_activity"]["PartitionKeys"]], ["integration", "date"]
        )

    def test_a_column_of_the_files_is_a_column_of_the_table_and_of_its_type(self) -> None:
        with database() as connection:
            for stream in streams():
                typed = shape.typed(
                    stream,
                    f"select {', '.join(f'null::{type} as {name}' for name, type in (shape.BASE | shape.SOURCE).items())}",
                )
                told = {
                    name: type.lower().replace('"', "")
                    for name, type, *_ in connection.execute(f"describe {typed}").fetchall()
                }
                self.assertEqual(
                    told, {name: type.lower() for name, type in shape.columns(stream).items()}, stream.name
                )


class Drift(unittest.TestCase):
    def test_each_member_of_a_line_is_a_column_or_the_readers_business(self) -> None:
        # What a loader needs of a line is no column: it follows from the source.
        readers = {"schema", "stream", "op", "bundle", "ocsf"}
        for file in SCHEMAS.glob("*.json"):
            members = set(json.loads(file.read_text())["properties"])
            self.assertEqual(
                members - shape.BASE.keys() - shape.SOURCE.keys() - readers,
                set(),
                f"{file.name} has members that no table shows",
            )

    def test_each_stream_that_has_a_schema_has_a_view_and_each_view_a_stream(self) -> None:
        declared = set(json.loads((ROOT / "columns.json").read_text()))
        self.assertLessEqual(declared, {stream.name for stream in streams()})


class Times(unittest.TestCase):
    def test_any_zone_and_any_fraction_is_utc(self) -> None:
        self.assertEqual(str(utc("2026-11-25T13:06:08.5+02:00")), "2026-11-25 11:06:08.500000")
        self.assertEqual(str(utc("2026-11-25T13:06:08Z")), "2026-11-25 13:06:08")

    def test_what_is_no_time_is_refused(self) -> None:
        for text in ("2026-11-25", "soon", None, 5):
            with self.assertRaises(ValueError):
                utc(text)


class Table(unittest.TestCase):
    def test_nothing_found_is_told_too(self) -> None:
        self.assertIn("Not found", "\n".join(table.text(_nothing())))


def _nothing() -> list[Answer]:
    return [Answer(finding, []) for finding in catalog.findings()]


def load_tests(loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None) -> unittest.TestSuite:
    tests.addTests(loader.discover(str(ROOT / "tests"), top_level_dir=str(ROOT.parent)))
    return tests


if __name__ == "__main__":
    unittest.main()
