"""Questions on the terminal."""

import getpass
import sys
from collections.abc import Callable

from deploy.failure import Failure

KEPT = "[Enter: as it is]"
Read = Callable[[str], str]
"""Shows a text and gives the line that is typed."""
Check = Callable[[str], str | None]
"""Why an answer is wrong, or nothing."""
Say = Callable[..., None]


class Terminal:
    """`read` and `read_hidden` are given by tests."""

    def __init__(self, read: Read = input, read_hidden: Read = getpass.getpass, say: Say | None = None) -> None:
        self._read = read
        self._read_hidden = read_hidden
        self.say = say or (lambda text="": print(text, flush=True))

    def ask(self, question: str, default: str = "", is_good: Check = lambda text: None) -> str:
        """An answer; `is_good` says what is wrong with it, or nothing. An empty line takes the default."""
        return self._asked(f"{question} [{default}]: " if default else f"{question}: ", default, is_good)

    def ask_or_keep(self, question: str, present: str, is_good: Check = lambda text: None) -> str:
        """As `ask`, but what an empty line keeps is not shown."""
        return self._asked(f"{question} {KEPT}: " if present else f"{question}: ", present, is_good)

    def ask_hidden(self, question: str, present: str | None = None) -> str:
        """Something that is neither shown nor kept on this machine; an empty line keeps what is there at present, if anything is."""
        while True:
            if (
                answer := self._line(
                    self._read_hidden, f"{question} (not shown) {KEPT if present else ''}".rstrip() + ": "
                )
                or present
            ):
                return answer
            self.say("  It is needed.")

    def choose(self, question: str, options: dict[str, str], default: str | None = None) -> str:
        """One of the options, `{word: meaning}`; the first is the default if none is named."""
        self.say(question)
        for word, meaning in options.items():
            self.say(f"  {word:<12}{meaning}")
        default = default or next(iter(options))
        return self.ask(
            "Your choice", default, lambda text: None if text in options else f"One of {', '.join(options)}."
        )

    def agree(self, question: str) -> bool:
        """Whether the answer is yes, written out."""
        return self.ask(f"{question} Write yes to go on", "no") == "yes"

    def _asked(self, shown: str, default: str, is_good: Check) -> str:
        while True:
            answer = self._line(self._read, shown) or default
            if not (wrong := is_good(answer)):
                return answer
            self.say(f"  {wrong}")

    @staticmethod
    def _line(read: Read, shown: str) -> str:
        try:
            return read(shown).strip()
        except EOFError:
            raise Failure("there is nobody to ask: run it in a terminal") from None


def is_interactive() -> bool:
    return sys.stdin.isatty()
