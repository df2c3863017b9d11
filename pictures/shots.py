"""`make pictures`: docs/pictures/, made from the program. The pages are those of the rules, the terminal's text is that of `make run`."""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from demo.failure import Failure
from pictures import browser, terminal
from pictures.states import pages

FOLDER = Path("docs/pictures")
DESK, DESK_HIGH = 1180, 1700
# Shades of a picture: what is drawn has few, and takes a third of the space by it.
COLOURS = 64
# Width of the window for a terminal's page.
TERMINAL = 1000
# Lines of `make run` from its beginning, and of the findings.
RUN_ROWS, FINDING_ROWS = 44, 34


def main() -> int:
    path = browser.program() or browser.install()
    if not path:
        print("make pictures: there is no Chromium, and it cannot be installed here", file=sys.stderr)
        return 1
    try:
        test = [
            "cargo",
            "test",
            "--quiet",
            "--locked",
            "--package",
            "okta-authomize",
            "--test",
            "rules",
            "--",
            "pages::",
        ]
        if subprocess.run(test, check=False).returncode:
            raise Failure("the rules of the pages fail (see above)")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with browser.tab(path) as tab:
            page(tab)
            run(tab)
    except Failure as failure:
        print(f"make pictures: {failure}", file=sys.stderr)
        return 1
    return 0


def page(tab) -> None:
    """A picture of the status page of a connected integration."""
    tab.open(pages()["connected"], DESK, 900, "light")
    keep("connected", tab.picture(DESK_HIGH))


def run(tab) -> None:
    """Two pictures of a first `make run`."""
    printed = first_run()
    collected, _, rest = printed.partition("\n\nokta of ")
    findings = f"okta of {rest.partition('Loading ')[0]}"
    for name, command, text, rows in [
        ("run", "make run", collected, RUN_ROWS),
        ("findings", "make findings", findings, FINDING_ROWS),
    ]:
        with tempfile.NamedTemporaryFile("w", suffix=".html") as file:
            file.write(terminal.page(command, text, rows))
            file.flush()
            tab.open(Path(file.name).as_uri(), TERMINAL, 400, "dark")
            keep(name, tab.picture())


def first_run() -> Any:
    """The output of `make run` where there is no out/ yet; one that is there is put aside meanwhile."""
    out, aside = Path("out"), Path("out-aside")
    if out.exists():
        out.rename(aside)
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "demo", "--text"], stdout=subprocess.PIPE, text=True, check=False
        )
    finally:
        shutil.rmtree(out, ignore_errors=True)
        if aside.exists():
            aside.rename(out)
    if done.returncode:
        raise Failure("make run fails (see above)")
    return done.stdout


def keep(name, png) -> None:
    """Writes a picture, small."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    file = FOLDER / f"{name}.png"
    picture.save(file, optimize=True)
    print(f"  {file}  {picture.width} × {picture.height}, {file.stat().st_size // 1000} kB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
