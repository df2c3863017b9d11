"""The story of `make run`. Where its output is no terminal, or with `--json`, standard output is one JSON object, and the
story goes to standard error."""

import argparse
import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from demo import changes, findings, function, load, summary
from demo.aws import BUCKET, PREFIX, SECRET_ID, Aws
from demo.failure import Failure
from demo.progress import Progress
from demo.source import demo_org, own_org
from demo.state import State

OUT = Path("out")
LOG = OUT / ".function.log"
DEMO_INTEGRATION = "okta"
MOST_INVOCATIONS = 20
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments) -> int | None:
    parser = argparse.ArgumentParser(prog="make run", description="Collects an org into out/.")
    shape = parser.add_mutually_exclusive_group()
    told_of = "reports, seconds, findings, files, load"
    shape.add_argument(
        "--json", action="store_true", help=f"one object on standard output, as where that is no terminal: {told_of}"
    )
    shape.add_argument("--text", action="store_true", help="words on standard output, even where that is no terminal")
    asked = parser.parse_args(arguments)
    is_json = asked.json or not (asked.text or sys.stdout.isatty())
    answer = beside_output() if is_json else None
    for number in SIGNALS:
        signal.signal(number, stop)
    bypass_proxies()
    try:
        own_secret = os.environ.get("OKTA_SECRET")
        told = collect(own_secret, is_json)
        if not own_secret:
            # The last mile, of the demo org alone: nobody's own data goes anywhere unasked.
            code = load.load_into_fake(load.build(), ["--integration", DEMO_INTEGRATION])
            told["load"] = "failed" if code else "succeeded"
        if answer:
            print(json.dumps(told, ensure_ascii=False), file=answer, flush=True)
        return 1 if told.get("load") == "failed" else 0
    except Failure as failure:
        print(f"\nmake run: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmake run: stopped; what was committed is in out/", file=sys.stderr)
        return 130


def beside_output() -> Any:
    """Standard output, of which nothing else is left: what this program and those that it starts say goes to standard error."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answer


def stop(*_) -> NoReturn:
    """The first signal begins the end; more of them would only leave it unfinished."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def bypass_proxies() -> None:
    """Everything but one's own org is on this machine."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1,localhost"]))


def collect(own_secret, is_json) -> Any:
    state = None if own_secret else demo_state()
    own: Any = own_org(own_secret) if own_secret else None
    programs = function.build(function.NAME, *([] if own_secret else [function.ORG]))
    with ExitStack() as stack:
        aws = stack.enter_context(Aws())
        aws.restore(OUT)
        source = stack.enter_context(demo_org(programs / function.ORG, state)) if state else own
        aws.create_secret(source.secret)
        # Before the function, so that it has ended when this is done: no commit is copied by halves.
        stack.callback(keep, aws, state)
        running = stack.enter_context(function.running(environment(aws, source), LOG))
        return story(aws, source, running, is_json)


def demo_state() -> Any:
    """The same org as before, and something more has happened in it; or a first one."""
    state = State.read(OUT)
    collected = (OUT / PREFIX / "manifests" / DEMO_INTEGRATION).exists()
    if collected and not state:
        raise Failure("out/ holds a demo org that is not known any more (no out/.demo.json): move or remove out/")
    state = state or State.first()
    if collected:
        state.add_burst()
    return state


def environment(aws, source) -> Any:
    """The function's settings; those of the reader's shell, such as RATE_LIMIT_SHARE, pass through."""
    settings = aws.environment | {"BUCKET": BUCKET, "PREFIX": PREFIX, "SECRET_ID": SECRET_ID}
    # Empty is unset: an own org is reached by its domain, whatever the shell says.
    return settings | {"OKTA_ENDPOINT_URL": source.endpoint or ""}


def keep(aws, state) -> None:
    """Keeps what is committed, and the org it came from, however the run ended."""
    aws.copy_to(OUT)
    if state:
        state.write(OUT)


def story(aws, source, running, is_json) -> dict[Any, Any]:
    print(f"\nCollecting {source.title}", flush=True)
    started = time.monotonic()
    known = {entry["Key"] for entry in aws.objects(f"{PREFIX}/manifests/")}
    reports = invoke_until_done(running, Progress(aws, source))
    seconds = time.monotonic() - started
    integration = reports[-1]["integration"]
    earlier = sum(key.startswith(f"{PREFIX}/manifests/{integration}/") for key in known)
    manifests = aws.manifests(integration, after=earlier)
    text = summary.tell(reports, manifests, source.counts(), seconds)
    if earlier:
        text += ["", f"  Since the {summary.many(earlier, 'commit')} before:", *changes.tell(aws, manifests)]
    text += summary.files(OUT, PREFIX, integration)
    text.append("  make peek shows what is in them; make run again goes on from there.")
    print("\n".join(text), flush=True)
    # Before the function has ended, for what it committed is complete: the copy is the one that is kept.
    aws.copy_to(OUT)
    table, found = findings.tell(OUT, PREFIX, integration, is_json)
    print(f"\n{table}", flush=True)
    return {
        "integration": integration,
        "reports": reports,
        "seconds": round(seconds, 1),
        "findings": found,
        "files": f"{OUT}/{PREFIX}",
    }


def invoke_until_done(running, progress) -> Any:
    reports: list[dict[str, Any]] = []
    while len(reports) < MOST_INVOCATIONS and (not reports or reports[-1]["continue"]):
        with running.invocation() as process:
            progress.watch(process)
            reports.append(running.report(process))
    return reports


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
