"""
What every command is made of: words about it, options, and one function that does it.

Theory of operation: a command does its work and says whether there is something to
look at, or says why it could not be done.  What that means to a shell is decided
here and nowhere else, so a script reads the exit codes of all commands alike.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from typing import TextIO, TypeAlias

import attrs

from careof._commands.arguments import Parser
from careof._commands.problems import Problem
from careof._commands.stopping import Stop
from careof._values.clock import Clock

FINE, LOOK, NOT_DONE = 0, 1, 2
PROGRAM = "python -m careof"


@attrs.frozen(kw_only=True)
class Shell:
    """
    Where a command was typed.
    """

    stop: Stop
    stdout: TextIO
    stderr: TextIO
    clock: Clock

    def tell(self, text: str) -> None:
        """
        Write the result, which is *text*, to the standard output.
        """
        say(self.stdout, f"{text}\n")


def say(stream: TextIO, text: str) -> None:
    """
    Write *text* to *stream*, where somebody may have stopped listening.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with contextlib.suppress(OSError):
        # Whatever the terminal cannot show must not cost the rest.
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


@attrs.frozen
class Done:
    """
    That the work is done.

    Attributes:
        is_fine: Whether there is nothing to look at.
        lines: What became of it, for the standard error.
    """

    is_fine: bool
    lines: list[str] = attrs.Factory(list)


Run: TypeAlias = Callable[[argparse.Namespace, Shell], Done | Problem]


@attrs.frozen(kw_only=True)
class Usage:
    """
    How a command is used, as its help tells it.

    Attributes:
        about: It in one line.
        fine: What the exit code 0 means.
        look: What 1 means.
        is_writing: Whether it makes files, and leaves none where it is not done.
        options: Adds what can be typed behind its name.
    """

    name: str
    about: str
    description: str
    fine: str
    look: str
    examples: str
    is_writing: bool
    options: Callable[[Parser], None]

    @property
    def nothing(self) -> str:
        """
        What is true whenever it was not done.
        """
        return ", and nothing was written" if self.is_writing else ""

    def parser(self) -> Parser:
        """
        What reads its options, and prints its help.
        """
        parser = Parser(
            prog=f"{PROGRAM} {self.name}",
            description=self.description,
            epilog=_EPILOG.format(
                fine=self.fine,
                look=self.look,
                nothing=self.nothing,
                examples=self.examples,
            ),
        )
        self.options(parser)
        return parser


_EPILOG = """\
exit codes:
  0         {fine}
  1         {look}
  2         it was not done{nothing}: stderr says why
  129, 130, 143
            stopped by SIGHUP, Ctrl-C or SIGTERM{nothing}

for example:
{examples}"""
