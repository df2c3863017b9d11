"""Runs every check, in two lanes beside each other, goes on after one fails, and closes with the count of tests.

Each line of output begins with the name of its check. After the last one there is a table of what each took, the names
of those that failed, and as the last line always `N passed, N failed`. It never says `0 failed` if something failed: a
check that fails without a failing test counts as one, and so does a run without any test.
"""

import os
import re
import subprocess
import sys
import threading
import time
from typing import NamedTuple


class Check(NamedTuple):
    name: str
    command: str


class Ended(NamedTuple):
    name: str
    seconds: float
    code: int
    passed: int
    failed: int


PYTHON = "python3 -B"
TEMPLATES = "template.yaml fleet.yaml alerts.yaml target/athena.yaml target/plain.json target/plain-fleet.json"
# What needs cargo's lock on target/ is one lane, the rest is the other.
LANES = (
    (
        Check("format", "cargo fmt --all --check"),
        Check("lint", "cargo clippy --workspace --all-targets --locked -- -D warnings"),
        Check("tests", "cargo test --workspace --locked --no-fail-fast"),
        Check("status page in a browser", f"{PYTHON} -m pictures.looks"),
        Check("documentation", "cargo doc --workspace --no-deps --locked"),
        Check("dependencies", "cargo-deny --log-level error check bans licenses sources"),
    ),
    (
        Check("checks", f"{PYTHON} .ci/test_checks.py"),
        Check("Python format", "ruff format --check --quiet"),
        Check("Python lint", "ruff check --quiet"),
        Check("Python types", "mypy"),
        Check("conformance checks", f"{os.environ.get('CONFORMANCE_PYTHON')} -B -m conformance.selftest"),
        Check("findings", f"{PYTHON} -m findings.selftest"),
        Check("deployment", f"{PYTHON} -m deploy.selftest"),
        Check("plain CloudFormation", f"{PYTHON} -m deploy.plain template.yaml target/plain.json"),
        Check("plain fleet", f"{PYTHON} -m deploy.plain fleet.yaml target/plain-fleet.json"),
        Check("templates", f"cfn-lint {TEMPLATES}"),
        Check("watch", f"{PYTHON} -m watch.selftest"),
    ),
)
CARGO = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed;")
UNITTEST = re.compile(r"^Ran (\d+) tests? in ")
FAILED = re.compile(r"^FAILED \((.*)\)$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WORDS_OF_FAILURE = ("failures", "errors", "unexpected successes")


def counts(line: str) -> tuple[int, int]:
    """How many tests passed and failed by a line of cargo's or of unittest's, which says so in two lines."""
    line = COLOUR.sub("", line.rstrip())
    if found := CARGO.search(line):
        return int(found[1]), int(found[2])
    if found := UNITTEST.search(line):
        return int(found[1]), 0
    if found := FAILED.search(line):
        numbers = dict(part.split("=") for part in found[1].split(", "))
        failed = sum(int(numbers.get(word, 0)) for word in WORDS_OF_FAILURE)
        return -failed, failed
    return 0, 0


def run(check: Check, say: threading.Lock) -> Ended:
    """Shows a command's output as it comes, and counts its tests."""
    # What reads a template wants a region.
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ, "RUSTDOCFLAGS": "-D warnings"}
    started = time.monotonic()
    passed = failed = 0

    def show(line: str) -> None:
        with say:
            print(f"{check.name} | {line}", flush=True)

    show(check.command)
    try:
        with subprocess.Popen(
            check.command.split(),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                show(line.rstrip("\n"))
                more_passed, more_failed = counts(line)
                passed += more_passed
                failed += more_failed
        code = process.returncode
    except OSError as error:
        show(f"cannot be started: {error}")
        code = 127
    seconds = time.monotonic() - started
    show(f"{'failed' if code else 'fine'} after {seconds:.0f} s")
    return Ended(check.name, seconds, code, passed, failed)


def table(ended: list[Ended], whole: float) -> list[str]:
    """Lines of text: what each check took. Two lanes run beside each other, so that the sum is more than the whole."""
    lines = [f"  {each.name:<28}{each.seconds:>7.0f} s  {'failed' if each.code else 'fine'}" for each in ended]
    return [*lines, f"  {'all':<28}{whole:>7.0f} s"]


def main(lanes: tuple[tuple[Check, ...], ...] = LANES) -> int:
    say = threading.Lock()
    ended: list[list[Ended]] = [[] for _ in lanes]
    started = time.monotonic()

    def lane(number: int) -> None:
        for check in lanes[number]:
            ended[number].append(run(check, say))

    threads = [threading.Thread(target=lane, args=(number,)) for number in range(len(lanes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [each for one in ended for each in one]
    whole = time.monotonic() - started
    passed, failed = sum(each.passed for each in every), sum(each.failed for each in every)
    # A check without a failing test of its own that fails counts as one.
    failed += sum(1 for each in every if each.code and not each.failed)
    print("\n".join(["", *table(every, whole), ""]))
    if broken := [each.name for each in every if each.code or each.failed]:
        print(f"failed: {', '.join(broken)}")
    if not passed and not failed:
        print("no test ran")
        failed = 1
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
