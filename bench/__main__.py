"""The story of `make bench`."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import large, results, scenarios, watch
from demo.children import child
from demo.failure import Failure

RESULTS = Path("bench/results.md")
TIMES = 3
# Set as `cargo lambda build --release` does, so that the measured build is the deployed one.
AS_CARGO_LAMBDA = {
    "CARGO_PROFILE_RELEASE_STRIP": "symbols",
    "CARGO_PROFILE_RELEASE_LTO": "thin",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "1",
}


def main() -> int:
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    try:
        programs = build("okta-authomize", "okta-authomize"), build("fake-org", "bench-org")
        measure(scenarios.Bench(*programs, TIMES))
    except Failure as failure:
        print(f"\nmake bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def build(package, program) -> Path:
    """A program as it is released; gives the file."""
    command = ["cargo", "build", "--release", "--locked", "--package", package, "--bin", program]
    with child(command, env=os.environ | AS_CARGO_LAMBDA) as process:
        if process.wait():
            raise Failure(f"{package} does not build (see above)")
    metadata = subprocess.run(
        ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"], check=True, capture_output=True
    )
    return Path(json.loads(metadata.stdout)["target_directory"], "release", program)


def measure(bench) -> None:
    began = time.monotonic()
    parts = []

    def tell(part) -> None:
        parts.append(part)
        print(f"\n{part}", flush=True)

    tell(results.head())
    tell(results.program(bench.program, scenarios.cold_starts(bench)))
    for title, rows in (("The usual org", scenarios.usual), ("Large crowds", scenarios.crowds)):
        tell(results.runs(title, list(rows(bench))))
    tell(results.changes(list(scenarios.incremental(bench))))
    tell(results.backlog(scenarios.backlog(bench)))
    tell(results.costs(list(scenarios.costs(bench))))
    # They wait more than they work, so they may do it together.
    with ThreadPoolExecutor() as together:
        hanging = together.submit(scenarios.hanging, bench)
        limited = list(together.map(lambda share: scenarios.limited(bench, share), (50, 100)))
        tell(results.limited(limited))
        tell(results.troubled([*scenarios.troubled(bench), hanging.result()]))
    tell(results.watch(list(watch.rows())))
    tell(results.large(list(large.rows())))
    RESULTS.write_text("\n\n".join(parts) + "\n")
    print(f"\n{RESULTS} written after {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
