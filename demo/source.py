"""The org to collect: the demo org, or one's own."""

import contextlib
import dataclasses
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo.children import child
from demo.failure import Failure
from demo.state import State


@dataclasses.dataclass
class Source:
    """An org as the function needs to know it, and as it shows itself beside."""

    title: str
    secret: dict
    # Where to connect instead of the domain; only the demo org has one.
    endpoint: str | None = None

    def counts(self) -> Any:
        """Requests answered by the demo org so far: {"requests": {path: n}, ..}; nothing of an own org."""
        if not self.endpoint:
            return None
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.endpoint}/_fake/counts", timeout=5) as answer:
            return json.load(answer)
        return None


@contextlib.contextmanager
def demo_org(program: Path, state: State) -> Iterator[Any]:
    """The demo org on a free port, until the block ends."""
    bursts = [word for burst in state.bursts for word in ("--burst", burst)]
    command = [program, "serve", "--listen", "127.0.0.1:0", "--until-stdin-closes"]
    command += ["--seed", str(state.seed), "--people", str(state.people), "--start", state.start, *bursts]
    with child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        ready = process.stdout.readline()
        if not ready:
            raise Failure("the demo org did not start (see above)")
        org = json.loads(ready)
        secret = {key: org[key] for key in ("domain", "client_id", "client_secret")}
        yield Source(f"the demo org, {state.people} people", secret, org["url"])


def own_org(path: str) -> Any:
    """The reader's own org, by a file with the content that its secret in Secrets Manager will have."""
    try:
        secret = json.loads(Path(path).read_text())
    except OSError as error:
        raise Failure(f"OKTA_SECRET names a file that cannot be read: {error}") from None
    except ValueError:
        raise Failure(f"OKTA_SECRET must name a JSON file, and {path} is none") from None
    if not isinstance(secret, dict) or not isinstance(secret.get("domain"), str):
        raise Failure(f'{path} must hold a JSON object with "domain" and credentials')
    # Without a name it would be the integration that the demo org already is.
    secret.setdefault("integration_name", secret["domain"].removeprefix("https://").split(".")[0])
    return Source(f"{secret['domain']} as {secret['integration_name']}", secret)
