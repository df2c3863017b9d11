"""A command's output as a page that looks like a terminal."""

import html
import re

ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\r[^\n]*\r")
PAGE = """<!doctype html><meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,">
<style>
body {{ margin: 0; background: #0f141c; color: #dfe5ef; font: 13.5px/1.45 "DejaVu Sans Mono", ui-monospace, monospace; display: inline-block; }}
pre {{ margin: 0; padding: 22px 26px; font: inherit; }}
.prompt {{ color: #63d391; }} .critical, .high {{ color: #ff9d94; }} .medium {{ color: #f0bd5c; }} .quiet {{ color: #93a0b8; }}
</style><pre>{text}</pre>
"""
SEVERITY = re.compile(r"^(\s+)(critical|high|medium)(\s)", re.MULTILINE)


def page(command, printed, rows) -> str:
    """The page of a command and of the first `rows` lines of what it printed."""
    lines = ESCAPES.sub("", printed).strip("\n").splitlines()
    text = html.escape("\n".join(line[:118] for line in lines[:rows]))
    text = SEVERITY.sub(r'\1<span class="\2">\2</span>\3', text)
    rest = f'\n<span class="quiet">… {len(lines) - rows} more lines</span>' if len(lines) > rows else ""
    prompt = f'<span class="prompt">$</span> {html.escape(command)}\n'
    return PAGE.format(title=html.escape(command), text=f"{prompt}{text}{rest}")
