"""The watch's archive: DuckDB for Lambda's processor, `findings/`, `watch/` and the schemas that say which streams there are.

Usage: python -m deploy.watch ARCH    fetches DuckDB into target/lambda/okta-authomize-watch/
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from deploy.failure import Failure

NAME = "okta-authomize-watch"
REQUIREMENTS = "requirements/watch.txt"
PYTHON_VERSION = "3.13"
"""That of the template's runtime."""
PLATFORMS = {"arm64": "aarch64", "x86_64": "x86_64"}
MANYLINUX = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_26", "manylinux2014")
"""Lambda's Amazon Linux 2023 has glibc 2.34."""
CODE = ("findings/**/*.py", "findings/**/*.sql", "findings/columns.json", "watch/*.py", "schemas/streams/*.json")
LEFT_OUT = ("tests", "experimental", "__pycache__", "adbc_driver_duckdb", "bin")
NOT_RUN = ("selftest.py", "athena.py", "athena_stack.py", "transpiled.py", "scanned.py", "state.py", "filled.py")
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LARGEST_UNPACKED_BYTES = 250_000_000
# The oldest time that an archive can hold: the same files make the same archive.
EPOCH = (1980, 1, 1, 0, 0, 0)


def fetch(root: Path, folder: Path, arch: str) -> None:
    """Installs what `requirements/watch.txt` names, for Lambda and not for this machine."""
    shutil.rmtree(folder, ignore_errors=True)
    platforms = [word for each in MANYLINUX for word in ("--platform", f"{each}_{PLATFORMS[arch]}")]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
    ]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON_VERSION, *platforms]
    command += ["--target", str(folder), "--requirement", str(root / REQUIREMENTS)]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        raise Failure(f"DuckDB for {arch} cannot be had, or is not the one that {REQUIREMENTS} names: see above")


def archive(file: Path, root: Path, library: Path) -> int:
    """Writes it; gives its size when unpacked. Raises `Failure` where it is not built, or larger than Lambda takes."""
    if not any(library.glob("_duckdb*.so")):
        raise Failure(f"{library} is missing: make build")
    entries = {path.relative_to(library).as_posix(): path for path in library.rglob("*") if path.is_file()}
    entries |= {
        path.relative_to(root).as_posix(): path
        for pattern in CODE
        for path in root.glob(pattern)
        if path.name not in NOT_RUN
    }
    kept = {name: path for name, path in entries.items() if not set(LEFT_OUT) & set(Path(name).parts[:-1])}
    unpacked = sum(path.stat().st_size for path in kept.values())
    if unpacked > LARGEST_UNPACKED_BYTES:
        raise Failure(
            f"the watch has {unpacked:,} bytes when it is unpacked, and Lambda takes {LARGEST_UNPACKED_BYTES:,}"
        )
    with zipfile.ZipFile(file, "w") as made:
        for name in sorted(kept):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            made.writestr(entry, kept[name].read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return unpacked


if __name__ == "__main__":
    root = Path(__file__).parents[1]
    try:
        fetch(root, root / "target/lambda" / NAME, sys.argv[1])
    except Failure as failure:
        sys.exit(f"make build: {failure}")
