"""`make check`: whether a secret opens its org, as a table of streams.

    OKTA_SECRET=path/to/secret.json make check

The function runs here with the event {"mode": "check"}: one request a stream, nothing collected. The report of a
deployed function gives the same table: `python3 -m demo.check --report FILE`, or `-` for standard input.
"""

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from demo.failure import Failure

EVENT = "events/check.json"
LOG = Path("out", ".check.log")
NARROWEST = 20
FIXED_COLUMNS = (20, 11)
# Most that a line is given, whatever the terminal has.
WIDEST = 160
Report = dict[str, Any]
NO_TERMINAL = 120
REACHABLE = {"succeeded": "yes", "not_applicable": "not there"}


def main(arguments) -> int:
    parser = argparse.ArgumentParser(prog="make check", description="Whether a secret opens its Okta org.")
    parser.add_argument("--report", metavar="FILE", help="a check's report to show instead of running one; - reads it")
    given = parser.parse_args(arguments)
    try:
        report = read(given.report) if given.report else run(os.environ.get("OKTA_SECRET"))
        print("\n".join(table(report, width())), flush=True)
    except Failure as failure:
        print(f"\nmake check: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0 if is_open(report) else 1


def read(path) -> Any:
    """A report as the function answered it."""
    try:
        report = json.load(sys.stdin) if path == "-" else json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise Failure(f"{path} cannot be read as a report: {error}") from None
    if isinstance(report, dict) and "errorType" in report:
        raise Failure(refusal(report))
    if not isinstance(report, dict) or not isinstance(report.get("streams"), dict):
        raise Failure(f"{path} is no report of a check: it has no streams")
    return report


def run(secret) -> Any:
    """Runs the check on this machine, with the bucket emulated."""
    # What these import is installed by make alone; a report can be shown without.
    from demo import function
    from demo.aws import BUCKET, PREFIX, SECRET_ID, Aws
    from demo.source import own_org

    if not secret:
        raise Failure("name the file with the secret's content: OKTA_SECRET=path/to/secret.json make check")
    source = own_org(secret)
    function.build(function.NAME)
    with ExitStack() as stack:
        aws = stack.enter_context(Aws())
        aws.create_secret(source.secret)
        settings = aws.environment | {"BUCKET": BUCKET, "PREFIX": PREFIX, "SECRET_ID": SECRET_ID}
        # An own org is reached by its domain; only a test names another place.
        settings["OKTA_ENDPOINT_URL"] = os.environ.get("OKTA_ENDPOINT_URL", "")
        running = stack.enter_context(function.running(settings, LOG))
        print(f"\nChecking {source.title}\n", flush=True)
        with running.invocation(EVENT) as process:
            return running.report(process)


def refusal(error) -> str:
    """What a Lambda error says."""
    return f"{error['errorType']}: {error.get('errorMessage', '')}"


def is_open(report: Report) -> bool:
    """Whether every stream can be read, or does not exist in this org."""
    return all(told.get("outcome") in REACHABLE for told in report["streams"].values())


def width() -> int:
    return min(shutil.get_terminal_size((NO_TERMINAL, 0)).columns, WIDEST)


def table(report: Report, columns: int = NO_TERMINAL) -> list[str]:
    """Lines of text: a row a stream with what it is missing and what to do; a remedy stands once, and is named again."""
    stream, reachable = FIXED_COLUMNS
    rest = max(columns - 2 - stream - reachable, 2 * NARROWEST + 2)
    missing = max(rest * 2 // 5, NARROWEST)
    widths = (stream, reachable, missing, rest - missing)
    rows = [("stream", "reachable", "missing", "remedy")]
    first_with: dict[str, str] = {}
    for name, told in report["streams"].items():
        lack, remedy = parts(told)
        if remedy:
            first = first_with.setdefault(remedy, name)
            remedy = remedy if first == name else f"as for {first}"
        rows.append((name, REACHABLE.get(told.get("outcome"), "no"), lack, remedy))
    lines = [line for row in rows for line in wrapped(row, widths)]
    return [*lines, "", verdict(report), *power(report, columns)]


def power(report, columns) -> list[Any]:
    """What the credential itself gives, where the function could see it."""
    told = report.get("power")
    if not told:
        return []
    way = told.get("super_admin_by") or "no way to super admin was found"
    texts = (
        f"its admin roles: {', '.join(told.get('roles') or ['none'])}",
        f"a path to super admin: {way}",
        told.get("advice", ""),
    )
    return [
        "",
        *(
            line
            for text in texts
            for line in textwrap.wrap(text, columns - 4, initial_indent="  ", subsequent_indent="    ")
        ),
    ]


def parts(told) -> tuple[Any, Any] | tuple[str, str] | tuple[Any, str]:
    """What is missing, and the remedy: the function writes one, a colon, the other, and Okta's words in brackets."""
    outcome, error = told.get("outcome"), told.get("error") or ""
    if outcome == "succeeded":
        # It can be read; what is said of it is advice.
        lack, _, remedy = error.partition(": ")
        return lack, remedy
    if outcome == "partial":
        return "an answer in time: Okta's rate limit is used up", "check again in a minute"
    # The request and Okta's words stand behind; they differ where the remedy does not.
    told_in_words = error.rpartition(" (GET ")[0] or error
    if outcome == "not_applicable":
        return told_in_words, ""
    lack, colon, remedy = told_in_words.partition(": ")
    if outcome != "unavailable" or not colon:
        return error, "check again; it passes by itself most often"
    return lack, remedy


def wrapped(cells, widths) -> Iterator[str]:
    """One row's lines."""
    columns = [
        textwrap.wrap(cell, width - 2, break_on_hyphens=False) or [""]
        for cell, width in zip(cells, widths, strict=True)
    ]
    for number in range(max(map(len, columns))):
        parts_of_line = [column[number] if number < len(column) else "" for column in columns]
        yield ("  " + "".join(part.ljust(width) for part, width in zip(parts_of_line, widths, strict=True))).rstrip()


def verdict(report) -> str:
    closed = [name for name, told in report["streams"].items() if told.get("outcome") not in REACHABLE]
    requests = report.get("okta", {}).get("requests", 0)
    if closed:
        return f"  {len(closed)} of {len(report['streams'])} streams cannot be read ({requests} requests)"
    return f"  every stream can be read, and the bucket can be written ({requests} requests)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
