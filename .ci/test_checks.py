"""Rules of the runner of checks. Usage: python .ci/test_checks.py"""

import contextlib
import io
import shlex
import sys
import unittest

import checks
from checks import Check


def prints(*lines: str, code: int = 0) -> str:
    """A command that prints these lines, which hold no blank, and ends with the code."""
    program = ";".join([*(f"print({line!r})" for line in lines), f"exit({code})"]).replace(" ", "\\x20")
    return f"{shlex.quote(sys.executable)} -c {program}"


FINE = "test result: ok. 3 passed; 0 failed; 0 ignored"
BAD = "test result: FAILED. 3 passed; 2 failed; 0 ignored"


class Checks(unittest.TestCase):
    def told(self, *lanes: list[str]) -> tuple[int, list[str]]:
        text = io.StringIO()
        named = tuple(
            tuple(Check(f"{number}.{place}", command) for place, command in enumerate(lane))
            for number, lane in enumerate(lanes)
        )
        with contextlib.redirect_stdout(text):
            code = checks.main(named)
        return code, text.getvalue().splitlines()

    def test_every_check_runs_after_one_has_failed_and_the_summary_names_all_that_failed(self) -> None:
        code, lines = self.told([prints(BAD, code=1), prints(FINE)], [prints(code=1), prints(FINE), prints(code=9)])
        self.assertEqual((code, lines[-2:]), (1, ["failed: 0.0, 1.0, 1.2", "9 passed, 4 failed"]))

    def test_what_went_well_says_so(self) -> None:
        code, lines = self.told([prints(FINE)], [prints()])
        self.assertEqual((code, lines[-1]), (0, "3 passed, 0 failed"))
        self.assertFalse([line for line in lines if line.startswith("failed")])

    def test_failing_tests_of_a_check_that_ends_well_are_failures(self) -> None:
        code, lines = self.told([prints(BAD)])
        self.assertEqual((code, lines[-2:]), (1, ["failed: 0.0", "3 passed, 2 failed"]))

    def test_a_run_without_any_test_has_failed(self) -> None:
        code, lines = self.told([prints("nothing")])
        self.assertEqual((code, lines[-2:]), (1, ["no test ran", "0 passed, 1 failed"]))

    def test_a_command_that_cannot_be_started_has_failed(self) -> None:
        code, lines = self.told([prints(FINE), "/no/such/program"])
        self.assertEqual((code, lines[-2:]), (1, ["failed: 0.1", "3 passed, 1 failed"]))

    def test_each_line_names_its_check(self) -> None:
        _, lines = self.told([prints("one")], [prints("two")])
        self.assertIn("0.0 | one", lines)
        self.assertIn("1.0 | two", lines)

    def test_unittests_are_counted_too(self) -> None:
        ran, failed = "Ran 7 tests in 0.1s", "FAILED (failures=1, errors=2, skipped=1)"
        code, lines = self.told([prints(ran, "OK"), prints(ran, failed, code=1)])
        self.assertEqual((code, lines[-1]), (1, "11 passed, 3 failed"))

    def test_colours_hide_no_result(self) -> None:
        self.assertEqual(checks.counts("test result: \x1b[32mok\x1b[0m. 3 passed; 1 failed; 0 ignored"), (3, 1))


if __name__ == "__main__":
    unittest.main()
