"""Rules of the findings that need no org: heads, parameters, and the Athena text."""

import json
import unittest

from pathlib import Path

import sqlglot

from findings import athena, athena_stack, catalog, table, views
from findings.bucket import utc
from findings.columns import BASE_COLUMNS, SCHEMAS, streams
from findings.dialect import Athena, DuckDb

ROOT = Path(__file__).parent


class Catalogue(unittest.TestCase):
    def test_there_are_at_least_15_of_posture_and_25_of_events(self):
        kinds = [finding.kind for finding in catalog.findings()]
        self.assertGreaterEqual(kinds.count("posture"), 15)
        self.assertGreaterEqual(kinds.count("events"), 25)

    def test_each_head_is_whole(self):
        for finding in catalog.findings():
            self.assertTrue(all((finding.title, finding.why, finding.remedy, finding.false_positives)), finding.id)
            self.assertTrue(any(reference.startswith("MITRE ATT&CK T") or "Okta" in reference for reference in finding.references), finding.id)

    def test_each_parameter_is_used_and_each_that_is_used_has_a_default(self):
        for finding in catalog.findings():
            used = set(catalog.PARAMETER.findall(finding.select))
            self.assertLessEqual(finding.parameters.keys(), used, finding.id)
            self.assertLessEqual(used, finding.parameters.keys() | catalog.SHARED_PARAMETERS.keys(), finding.id)

    def test_a_parameter_of_two_findings_has_one_default(self):
        defaults: dict[str, int] = {}
        for finding in catalog.findings():
            for name, value in finding.parameters.items():
                self.assertEqual(defaults.setdefault(name, value), value, f"{finding.id}: {name}")

    def test_a_threshold_that_nobody_has_is_an_error(self):
        with self.assertRaises(catalog.UnknownParameter):
            catalog.parameters({"dormant_hours": 1})

    def test_the_document_says_what_the_heads_say(self):
        rows = (ROOT.parent / "docs" / "findings.md").read_text().splitlines()
        for finding in catalog.findings():
            said = _row(finding)
            self.assertEqual(sum(row.startswith(said) for row in rows), 1, f"docs/findings.md has no row {said}")

    def test_a_technique_is_named_by_its_id_alone(self):
        for finding in catalog.findings():
            for reference in finding.references:
                if reference.startswith("MITRE"):
                    self.assertRegex(reference, r"^MITRE ATT&CK T\d{4}(\.\d{3})?$", finding.id)


def _row(finding: catalog.Finding) -> str:
    """Its row in the document, without the number of cases in the demo."""
    names = " ".join([f"`{finding.id}`", *(f"`{name}={value}`" for name, value in finding.parameters.items())])
    sentences = [text if text.endswith((".", "?")) else f"{text}." for text in (finding.title, finding.why, finding.remedy)]
    text = f"{' '.join(sentences)} ({'; '.join(finding.references)})"
    return f"| {names} | {finding.severity} | {text} | {finding.false_positives} |"


class Dialects(unittest.TestCase):
    def test_athena_takes_every_view_and_every_finding(self):
        values = catalog.parameters({})
        types = athena_stack.column_types()
        views_shown = [(name, athena_stack.shown(select, types[name])) for name, select in athena.selects(values)]
        parsed = 0
        for name, select in [*views_shown, *((finding.id, select) for finding, select in athena.queries(values))]:
            with self.subTest(name):
                trees = sqlglot.parse(select, read="athena")
                self.assertEqual(len(trees), 1)
                self.assertIsInstance(trees[0], sqlglot.exp.Query)
                parsed += 1
        self.assertGreater(parsed, 90)

    def test_athena_takes_every_table(self):
        for statement in athena.tables("bucket", "okta", "acme"):
            self.assertIsInstance(sqlglot.parse_one(statement, read="athena"), sqlglot.exp.Create)

    def test_a_select_of_a_view_gives_the_columns_that_its_type_tells(self):
        types = athena_stack.column_types()
        for name, select in athena.selects(catalog.parameters({})):
            given = sqlglot.parse_one(select, read="athena").named_selects
            # What a star stands for is seen by the names below it.
            expected = [column for column in given if column != "*"]
            self.assertEqual([column for column in types[name] if column in expected], expected, name)

    def test_the_dialects_differ_in_how_json_is_read_alone(self):
        one, other = views.statements(DuckDb()), views.statements(Athena())
        self.assertEqual(list(one), list(other))
        shared = [views.NUMBER.sub("", file.stem) for file in views.FOLDER.glob("*.sql")]
        self.assertGreater(len(shared), 10)
        for name in shared:
            self.assertEqual(one[name].partition("\n")[2], other[name].partition("\n")[2], name)


class Drift(unittest.TestCase):
    def test_the_stack_is_the_one_that_is_made(self):
        kept = (ROOT.parent / "athena.yaml").read_text()
        self.assertEqual(kept, athena_stack.text(), "run python -m findings.athena > athena.yaml")

    def test_each_member_of_a_line_is_a_column_or_the_readers_business(self):
        readers = {"schema", "stream", "op"}
        for file in SCHEMAS.glob("*.json"):
            members = set(json.loads(file.read_text())["properties"])
            self.assertEqual(members - set(BASE_COLUMNS) - readers, set(), f"{file.name} has members that no view shows")

    def test_each_stream_that_has_a_schema_has_a_view_and_each_view_a_stream(self):
        declared = set(json.loads((ROOT / "columns.json").read_text()))
        self.assertEqual(declared, {stream.name for stream in streams()})

    def test_a_column_is_there_in_both_dialects(self):
        types = athena_stack.column_types()
        for stream in streams():
            names = [*(name for name in stream.base), "sequence", *(column.name for column in stream.columns)]
            self.assertEqual(set(types[stream.view]), set(names), stream.name)
            for items in stream.lists:
                self.assertLessEqual({column.name for column in items.columns}, set(types[items.name]), items.name)


class Times(unittest.TestCase):
    def test_any_zone_and_any_fraction_is_utc(self):
        self.assertEqual(str(utc("2026-11-25T13:06:08.5+02:00")), "2026-11-25 11:06:08.500000")
        self.assertEqual(str(utc("2026-11-25T13:06:08Z")), "2026-11-25 13:06:08")

    def test_what_is_no_time_is_refused(self):
        for text in ("2026-11-25", "soon", None, 5):
            with self.assertRaises(ValueError):
                utc(text)


class Table(unittest.TestCase):
    def test_nothing_found_is_told_too(self):
        self.assertIn("Not found", "\n".join(table.text([answer for answer in _nothing()])))


def _nothing():
    from findings.answers import Answer

    return [Answer(finding, []) for finding in catalog.findings()]


if __name__ == "__main__":
    unittest.main()
