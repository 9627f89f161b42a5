"""
The commands of ``python -m careof``: which one, and how it ended.
"""

from __future__ import annotations

import io
import sys

from careof._commands import (
    check,
    migrate,
    migrate_orders,
    preflight,
    pseudonymize,
    pseudonymize_orders,
)
from careof._commands.command import FINE, LOOK, NOT_DONE, PROGRAM, Done, Run, Shell, Usage, say
from careof._commands.problems import Problem
from careof._commands.stopping import Stop, Stopped
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.spelling import meant

_COMMANDS: dict[str, tuple[Usage, Run]] = {
    usage.name: (usage, run)
    for usage, run in (
        (check.USAGE, check.run),
        (preflight.USAGE, preflight.run),
        (migrate_orders.USAGE, migrate.run),
        (pseudonymize_orders.USAGE, pseudonymize.run),
    )
}
_HELP = """\
usage: {program} COMMAND ...

Surveys for people whose contact details you do not store.

commands:
{commands}

for example:
  {program} check settings.toml C-1001

What a command takes, and how it ends: {program} COMMAND --help
"""


def main(words: list[str], *, clock: Clock = SYSTEM_CLOCK, is_last: bool = False) -> int:
    """
    Do what *words* say, and return the exit code.

    Args:
        is_last: Whether the process ends with it.
    """
    # There is none if the shell has closed it.
    stdout, stderr = sys.stdout or io.StringIO(), sys.stderr or io.StringIO()
    if words[:1] in ([], ["-h"], ["--help"]):
        say(stdout, _help())
        return FINE
    if words[0] not in _COMMANDS:
        close = meant(words[0], _COMMANDS)
        hint = f"; {close}" if close else "."
        say(stderr, f"careof: there is no such command{hint} Try {PROGRAM} --help.\n")
        return NOT_DONE
    usage, run = _COMMANDS[words[0]]
    try:
        with Stop(is_last=is_last) as stop:
            options = usage.parser().parse_args(words[1:])
            shell = Shell(stop=stop, stdout=stdout, stderr=stderr, clock=clock)
            outcome = run(options, shell)
    except SystemExit as end:  # the parser has said why
        return int(end.code or 0)
    except Stopped as stopped:
        exit_code, lines = stopped.exit_code, [f"stopped{usage.nothing}."]
    except Exception as error:
        # Its text is somebody else's, and could be a row of the table.
        kind = type(error).__name__
        exit_code, lines = NOT_DONE, [f"{kind}, unforeseen{usage.nothing}."]
    else:
        exit_code, lines = _ended(outcome)
    say(stderr, "".join(f"careof {usage.name}: {line}\n" for line in lines))
    return exit_code


def _ended(outcome: Done | Problem) -> tuple[int, list[str]]:
    if isinstance(outcome, Problem):
        return NOT_DONE, outcome.text.splitlines()
    return FINE if outcome.is_fine else LOOK, outcome.lines


def _help() -> str:
    width = max(map(len, _COMMANDS))
    commands = "\n".join(
        f"  {name:<{width}}  {usage.about}" for name, (usage, _) in _COMMANDS.items()
    )
    return _HELP.format(program=PROGRAM, commands=commands)
