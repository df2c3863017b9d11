"""The pages of every state, made by runs of the function against the fake org (tests/rules/pages.rs)."""

import json
import subprocess
from pathlib import Path
from typing import Any

from demo.failure import Failure

STATES = ("connected", "syncing", "degraded", "failed", "never")
HOSTILE = "hostile"


def pages() -> dict[Any, Any]:
    """Addresses of the pages by state."""
    folder = target() / "tmp" / "status-pages"
    files = {name: folder / f"{name}.html" for name in (*STATES, HOSTILE)}
    if missing := [name for name, file in files.items() if not file.exists()]:
        raise Failure(f"no page of {', '.join(missing)} in {folder}: cargo test --test rules pages leaves them there")
    return {name: file.resolve().as_uri() for name, file in files.items()}


def target() -> Path:
    """The folder that cargo builds into."""
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    return Path(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["target_directory"])
