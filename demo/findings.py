"""What `make run` ends with: the findings on what it collected."""

import os
import subprocess


def tell(out, prefix, integration):
    """The table of `make findings`, or nothing where its needs are not installed."""
    python = os.environ.get("FINDINGS_PYTHON")
    if not python:
        return ""
    command = [python, "-B", "-m", "findings", "--dir", str(out), "--prefix", prefix, "--integration", integration, "--examples", "1"]
    answered = subprocess.run(command, capture_output=True, text=True)
    return answered.stdout if answered.returncode == 0 else f"make findings: {answered.stderr.strip()}\n"
