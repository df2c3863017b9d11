"""A plan for people: a checklist, and a shell script that only an administrator can run, with a credential of their own."""

import json
import shlex
from urllib.parse import urlsplit

from watch.cases import Case


def text(case: Case) -> str:
    plan = case.get("plan", [])
    if not plan:
        return f"{case['title']}: {case['name']}\n\n  {case['do']}\n\n  No step of it can be told in advance."
    lines = [f"{case['title']}: {case['name']}", f"  {case['detail']}", ""]
    for number, step in enumerate(plan, start=1):
        lines += [
            f"  [ ] {number}. {step['step']}",
            f"         {step['console']}",
            f"         affects {step['affects']:,}; undo: {step['undo']}",
        ]
        lines += [f"         used lately by {', '.join(step['used_lately'])}"] if step["used_lately"] else []
    return "\n".join(
        [*lines, "", "The next commit closes a case of posture if it worked. As a script:", "", script(case)]
    )


def script(case: Case) -> str:
    """Shell; the token comes from whoever runs it. Steps without a request are comments."""
    lines = ["#!/bin/sh", "set -eu", ': "${OKTA_TOKEN:?an API token of an administrator}"']
    for number, step in enumerate(case["plan"], start=1):
        lines.append(f"# {number}. {_line(step['step'])} (undo: {_line(step['undo'])})")
        request = step["request"]
        if request is None:
            lines.append(f"# by hand: {_line(step['console'])}")
            continue
        address = urlsplit(step["console"])
        url = f"{address.scheme}://{address.netloc.replace('-admin.', '.', 1)}{request['path']}"
        words = [
            "curl",
            "--fail-with-body",
            "--silent",
            "--show-error",
            "--request",
            request["method"],
            url,
            "--header",
            "Accept: application/json",
        ]
        if request["body"] is not None:
            words += ["--header", "Content-Type: application/json", "--data", json.dumps(request["body"])]
        # The token is not on the command line, which others of the machine can read.
        lines.append(f'printf \'header = "Authorization: SSWS %s"\\n\' "$OKTA_TOKEN" | {shlex.join(words)} --config -')
    return "\n".join(lines)


def _line(words: str) -> str:
    """Names come from the org: nothing of them may begin a new line of the script."""
    return " ".join(words.split())
