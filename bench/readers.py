"""What reading a large org costs: `python3 -m bench.readers [PROGRAMS]` with the programs of a build, target/debug if none
is named.

The bench org is collected into a bucket on this machine, loaded into the fake Authomize, and asked for its findings.
Peak memory is of the loader's process alone. The last table works out what Athena reads in a year of such an org.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import org
from bench.function import ENVIRONMENT, Function
from demo import http
from demo.aws import BUCKET, PREFIX, SECRET_ID, Aws
from demo.children import child
from demo.load import PYTHON

FINDINGS_PYTHON = os.environ.get("FINDINGS_PYTHON", ".venv/bin/python3")
DAYS = 365
EVENTS_A_USER_AND_DAY = 20
"""Assumed: sign-ins, uses of apps and factors; what an org's own log holds is seen in its first day."""
DOLLARS_A_TB = 5
FACTORS_EVERY_DAYS = 7


def main(words) -> int:
    programs = Path(words[0] if words else "target/debug")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "bucket")
        collect(programs, copy)
        sizes = stream_sizes(copy)
        print(table(("stream", "records", "bytes as stored"), [(name, *each) for name, each in sizes.items()]))
        print(
            table(
                ("load of the bench org", "requests", "bytes", "wall", "peak memory"),
                [load(programs, copy, mode) for mode in ("plan", "full")],
            )
        )
        seconds, found = findings(copy)
        total = sum(size for _, size in sizes.values()) + sum(
            file.stat().st_size for file in copy.glob(f"{PREFIX}/manifests/**/*.json")
        )
        print(f"\nfindings: {seconds:.1f} s, {total:,} bytes read, {found} findings asked")
        print(table(("what Athena reads", "bytes", "US dollars"), list(year(sizes))))
    return 0


def collect(programs, copy) -> None:
    """Runs the function until nothing is left to do, and copies the bucket."""
    function = Function()
    with Aws() as aws, org.serving(programs / "bench-org") as served, http.serving(function.answer) as service:
        aws.create_secret(served.secret)
        environment = (
            ENVIRONMENT
            | aws.environment
            | {"BUCKET": BUCKET, "PREFIX": PREFIX, "SECRET_ID": SECRET_ID, "RATE_LIMIT_SHARE": "100"}
        )
        environment |= {"AWS_LAMBDA_RUNTIME_API": service, "OKTA_ENDPOINT_URL": served.url}
        with (
            tempfile.TemporaryFile("w+") as log,
            child([programs / "okta-authomize"], env=environment, stdout=log, stderr=log) as process,
        ):
            function.pid, function.log = process.pid, log
            function.polled.get(timeout=60)
            while function.invoke().report["continue"]:
                pass
        aws.copy_to(copy)


def stream_sizes(copy) -> dict[Any, Any]:
    """By stream: (records, bytes) of the committed batches."""
    sizes: dict[str, tuple[int, int]] = {}
    for file in sorted(copy.glob(f"{PREFIX}/manifests/**/*.json")):
        for batch in json.loads(file.read_text())["batches"]:
            records, size = sizes.get(batch["stream"], (0, 0))
            sizes[batch["stream"]] = records + batch["records"], size + batch["bytes"]
    return dict(sorted(sizes.items()))


def load(programs, copy, mode) -> tuple[Any, str, str, str, str]:
    """(mode, requests, bytes, seconds, peak memory) of a load."""
    with tempfile.TemporaryDirectory() as folder, fake() as tenant:
        secret = Path(folder, "authomize.json")
        secret.write_text(json.dumps({"token": tenant["token"], "base_url": tenant["url"]}))
        began = time.monotonic()
        command = [programs / "load", mode, "--dir", copy, "--secret", secret, "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            answer = process.stdout.read() if process.stdout else b""
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        report = json.loads(answer)
        return (
            mode,
            f"{report['requests']:,}",
            f"{report['bytes']:,}",
            f"{seconds:.1f} s",
            f"{used.ru_maxrss / 1024:.0f} MiB",
        )


@contextlib.contextmanager
def fake() -> Iterator[Any]:
    """A fake Authomize that holds nothing yet."""
    command = [PYTHON, "-B", "conformance/authomize_fake.py", "--until-stdin-closes"]
    with child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield json.loads(process.stdout.readline())


def findings(copy) -> tuple[Any, int]:
    """(seconds, number of findings) of asking all."""
    began = time.monotonic()
    command = [FINDINGS_PYTHON, "-B", "-m", "findings", "--dir", copy, "--json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return time.monotonic() - began, len(found)


def year(sizes) -> list[Any]:
    """Rows of what queries read, a year after the first run of an org of this size."""
    users = sizes["users"][0]
    events = DAYS * users * EVENTS_A_USER_AND_DAY
    of_an_event = {stream: sizes[stream][1] / sizes["activity"][0] for stream in ("activity", "usage")}

    def in_a_year(stream) -> Any:
        if stream in of_an_event:
            return events * of_an_event[stream]
        return sizes.get(stream, (0, 0))[1] * DAYS / (FACTORS_EVERY_DAYS if stream == "factors" else 1)

    command = [FINDINGS_PYTHON, "-B", "-m", "findings.scanned"]
    scans = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    read = {
        name: sum(in_a_year(stream) * times for stream, times in scanned.items()) for name, scanned in scans.items()
    }
    findings = {finding.stem: read[finding.stem] for finding in Path("findings").glob("[pe]*/*.sql")}
    rows = [
        (f"`{name}`", read[name]) for name in ("current_users", "effective_admins", "effective_access", "mfa", "events")
    ]
    dearest = max(findings, key=lambda name: findings[name])
    rows += [
        (f"the finding that reads most, `{dearest}`", findings[dearest]),
        (f"all {len(findings)} findings", sum(findings.values())),
    ]
    rows += [("`raw_activity` of one `date`", in_a_year("activity") / DAYS)]
    return [(name, f"{size:,.0f}", f"{size / 1e12 * DOLLARS_A_TB:.4f}") for name, size in rows]


def table(head, rows) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n" + "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
