"""The rules that the status page must keep in every state, width and scheme: `python -m pictures.looks`.

Leaves 0 where a browser found nothing, or where there is no browser and none can be installed: that is said.
"""

import importlib.resources
import json
import sys
import time
from typing import Any

from demo.failure import Failure
from pictures import browser
from pictures.states import HOSTILE, pages

WIDTHS = (360, 820, 1440)
SCHEMES = ("light", "dark")
HEIGHT = 900
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Elements whose right edge is beyond the screen's, and text that is cut off by its own box.
OVERFLOW = """
(() => {
  const beyond = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) beyond.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest('.hidden, thead') || element.closest('svg') && element.tagName !== 'svg') continue;
    const box = element.getBoundingClientRect();
    if (box.width && (box.right > width + 1 || box.left < -1)) beyond.push(`${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
    if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== 'visible') beyond.push(`cut: ${element.tagName}`);
  }
  return beyond.slice(0, 5);
})()
"""
CONTENT = "[document.title, document.querySelector('h1').innerText, document.querySelector('.pill').innerText]"


def axe() -> str:
    """The rules of WCAG as a script, out of the package that carries it."""
    return importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()


def faults(tab, name, url, script, width, scheme) -> Any:
    """The faults of one page at one width in one scheme."""
    tab.open(url, width, HEIGHT, scheme)
    where = f"{name}, {width} px, {scheme}"
    found = [f"{where}: asks for {asked}" for asked in tab.requested if asked != url and not asked.startswith("data:")]
    found += [f"{where}: beyond the screen: {text}" for text in tab.evaluate(OVERFLOW)]
    title, heading, state = tab.evaluate(CONTENT)
    if not (title and heading and state):
        found.append(f"{where}: title, heading or state is empty")
    tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    found += [f"{where}, unfolded: beyond the screen: {text}" for text in tab.evaluate(OVERFLOW)]
    tab.evaluate(f"{script}; 0")
    given = tab.evaluate(f"axe.run(document, {{runOnly: {json.dumps(RULES)}}}).then(given => given.violations)")
    for rule in given:
        nodes = [node["html"][:100] for node in rule["nodes"][:2]]
        found.append(f"{where}: {rule['id']}: {rule['help']} ({len(rule['nodes'])}): {' '.join(nodes)}")
    # An unknown contrast is none that is believed.
    return found


def printed(tab, name, url) -> list[Any]:
    """The faults of the page on paper."""
    tab.open(url, 794, 1123, "dark", media="print")
    ink = tab.evaluate("getComputedStyle(document.body).color")
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    if (ink, paper) != ("rgb(0, 0, 0)", "rgb(255, 255, 255)"):
        return [f"{name}, printed: {ink} on {paper}"]
    return [f"{name}, printed: beyond the paper: {text}" for text in tab.evaluate(OVERFLOW)]


def main() -> int:
    path = browser.program() or browser.install()
    if not path:
        print("the status page was not looked at: there is no browser", flush=True)
        return 0
    started, script, found, looks = time.monotonic(), axe(), [], 0
    try:
        given = pages()
        with browser.tab(path) as tab:
            for name, url in given.items():
                for width in WIDTHS:
                    for scheme in SCHEMES:
                        found += faults(tab, name, url, script, width, scheme)
                        looks += 1
                found += printed(tab, name, url)
    except Failure as failure:
        found.append(str(failure))
    print("\n".join(found))
    shown = [name for name in given if name != HOSTILE]
    print(
        f"{looks} looks at {len(given)} pages ({', '.join(shown)}, and hostile text) in {time.monotonic() - started:.0f} s: {len(found)} faults"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
