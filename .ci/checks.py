"""Runs every check in order, stops at the first that fails, and closes with the count of tests.

The last line is always `N passed, N failed`. It never says `0 failed` where something failed: a check
that fails without a failing test counts as one, and so does a run in which no test ran.
"""

import os
import re
import subprocess
import sys
import time

CHECKED_BY = os.path.dirname(os.environ["CHECKOV_PYTHON"])
CHECKS = [
    ("format", "cargo fmt --all --check"),
    ("lint", "cargo clippy --workspace --all-targets --locked -- -D warnings"),
    ("the conformance checks themselves", f"{os.environ['CONFORMANCE_PYTHON']} -B conformance/selftest.py"),
    ("the findings themselves", f"{os.environ['FINDINGS_PYTHON']} -B -m findings.selftest"),
    ("the watch itself", f"{os.environ['FINDINGS_PYTHON']} -B -m watch.selftest"),
    ("the deployment itself", f"{CHECKED_BY}/python3 -B -m deploy.selftest"),
    ("tests", "cargo test --workspace --locked --no-fail-fast"),
    ("the status page in a browser", "python3 -B -m pictures.looks"),
    ("dependencies, by cargo-deny", f"{CHECKED_BY}/cargo-deny --log-level error check bans licenses sources"),
    ("documentation", "cargo doc --workspace --no-deps --locked"),
    ("template, by AWS SAM", "sam validate --lint"),
    ("the fleet's template, by AWS SAM", "sam validate --lint --template fleet.yaml"),
    ("plain CloudFormation of one org", f"{CHECKED_BY}/python3 -B -m deploy.plain template.yaml target/plain.json"),
    ("plain CloudFormation of a fleet", f"{CHECKED_BY}/python3 -B -m deploy.plain fleet.yaml target/plain-fleet.json"),
    ("Athena's template, by AWS SAM", "sam validate --lint --template target/athena.yaml"),
    (
        "templates, by cfn-lint",
        "cfn-lint template.yaml fleet.yaml alerts.yaml target/athena.yaml target/plain.json target/plain-fleet.json",
    ),
    (
        "the Terraform module, by checkov",
        f"{CHECKED_BY}/checkov --directory terraform --framework terraform --skip-download --compact --quiet",
    ),
    (
        "templates, by checkov",
        f"{CHECKED_BY}/checkov --file template.yaml fleet.yaml alerts.yaml target/athena.yaml target/plain.json target/plain-fleet.json --framework cloudformation --skip-download --compact --quiet",
    ),
]
RESULT = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed;")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def run(command):
    """Shows a command's output as it comes; gives its exit code and the tests it counted."""
    # AWS SAM wants a region even to read a template.
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ, "RUSTDOCFLAGS": "-D warnings"}
    passed = failed = 0
    process = subprocess.Popen(
        command.split(),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    for line in process.stdout:
        print(line, end="", flush=True)
        if result := RESULT.search(COLOUR.sub("", line)):
            passed += int(result[1])
            failed += int(result[2])
    return process.wait(), passed, failed


def table(took):
    """Lines of text: what each check took, and its share of the whole."""
    whole = sum(seconds for _, seconds, _ in took) or 1
    lines = [f"  {name:<40}{seconds:>7.0f} s{100 * seconds / whole:>6.0f} %  {word}" for name, seconds, word in took]
    return ["", *lines, f"  {'all':<40}{whole:>7.0f} s"]


def main():
    passed = failed = 0
    took = []
    print(f"{len(CHECKS)} checks: {', '.join(name for name, _ in CHECKS)}", flush=True)
    for number, (name, command) in enumerate(CHECKS, start=1):
        print(f"\n== {number} of {len(CHECKS)}, {name}: {command}", flush=True)
        started = time.monotonic()
        code, more_passed, more_failed = run(command)
        passed += more_passed
        failed += more_failed
        took.append((name, time.monotonic() - started, "failed" if code else "fine"))
        print(f"== {name}: {took[-1][2]} after {took[-1][1]:.0f} s", flush=True)
        if code:
            failed = failed or 1
            break
    if not passed and not failed:
        print("no test ran", flush=True)
        failed = 1
    print("\n".join(table(took)))
    print(f"\n{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
