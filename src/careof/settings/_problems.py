"""
What is wrong with settings: everything at once, by where it stands.

Theory of operation: whoever fills in a form wants to know all that is wrong
with it, not the first of it.  So nothing is raised on the way; each mistake is
put down with its path, and the last line raises all of them.  A path is made of
names, and a name that looks like none of ours may be a secret in the wrong
place: it becomes a question mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import attrs

from careof._values.spelling import meant
from careof.errors import CareofError, ConfigurationError, DestinationRefusedError

# Names of ours, of headers, of fields and of keys: words, with digits at their ends.  A key
# has them anywhere, a number more of them; and there is no address.
_TELLABLE = re.compile(
    r"(?=.{1,40}\Z)(?!(?:[^0-9]*[0-9]){7})[$/]?[A-Za-z]*[0-9]{0,4}"
    r"(?:[_$./-][A-Za-z]*[0-9]{0,4})*",
    re.ASCII,
)
_PARAMETER = r"[a-z_]+(?:\[[^\]]*\])*"
# How every constructor begins: whose parameter, which, and what was expected.
_OF_CONSTRUCTOR = re.compile(rf"[A-Za-z0-9]+: ({_PARAMETER}(?:, {_PARAMETER})*): (.*)", re.DOTALL)

_MOST = 1000  # problems; who made more has not filled in a form
_OPENED = (
    "Who runs this host opens {others}, by load(..., network=...) or, at a shell, by "
    "--allow-network or --loopback."
)
_ASKED_FOR = 'Other ports, and http, are asked for in the table "network" (ports, allow_http).'


@attrs.frozen
class Problem:
    """
    One thing that cannot work.

    Attributes:
        path: Where it stands, such as ``email.auth.token_url``; ``""`` for all of it.
        text: What was expected.  It repeats no value.
        is_shape: Whether ``json_schema()`` says so too; the rest only careof knows.
    """

    path: str
    text: str
    is_shape: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


class SettingsError(ConfigurationError):
    """
    The settings cannot work: everything that is wrong with them.

    Attributes:
        problems: One for each thing that is wrong, in the order of the settings.
    """

    def __init__(self, message: str, *, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems: list[Problem] = list(problems)


class Problems:
    """
    What was found so far.
    """

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._known: set[Problem] = set()

    def add(self, path: str, text: str, *, is_shape: bool = True) -> None:
        """
        Put one down, unless it is there.
        """
        problem = Problem(path, text, is_shape)
        if problem not in self._known and len(self.found) < _MOST:
            self._known.add(problem)
            self.found.append(problem)

    def error(self) -> SettingsError:
        """
        All of them as one error.
        """
        lines = "".join(f"\n  {problem}" for problem in self.found)
        return SettingsError(f"The settings cannot work:{lines}", problems=self.found)


def told(name: object) -> str:
    """
    A *name* for a path, or a question mark.
    """
    return name if isinstance(name, str) and _TELLABLE.fullmatch(name) else "?"


def unknown(name: object, known: Iterable[str]) -> str:
    """
    The words for a *name* that is none of those *known*.
    """
    names = sorted(known)
    end = ended(name, names)
    others = "" if end != "." else f"; expected one of {', '.join(names)}"
    return f"there is no such key{others}{end}"


def ended(word: object, known: Iterable[str]) -> str:
    """
    The end of a sentence: a question about the one of *known* that is close to *word*.
    """
    question = meant(word, known)
    return f"; {question}" if question else "."


@attrs.frozen
class Complaint:
    """
    What a constructor said, put where it belongs.

    Attributes:
        parameters: Those that it is about; none if it does not say.
    """

    path: str
    text: str
    parameters: tuple[str, ...] = ()


def complaint(error: CareofError, table: str, places: Mapping[str, str]) -> Complaint:
    """
    The *error* of a constructor as a complaint.

    Args:
        table: The path of what was built.
        places: Parameters to paths, where one stands elsewhere; ``""`` for what
            is said of no parameter.
    """
    if isinstance(error, DestinationRefusedError):
        path = places.get("", table)
        return Complaint(path, f"{error} {_to_open(path)}")
    match = _OF_CONSTRUCTOR.fullmatch(str(error))
    if match is None:
        return Complaint(places.get("", table), str(error))
    named = match[1].split(", ")
    parameters = tuple(name.partition("[")[0] for name in named)
    if len(named) > 1:
        return Complaint(table, f"{match[1]}: {match[2]}", parameters)
    inside = [told(name.strip("'\"")) for name in re.findall(r"\[([^\]]*)\]", match[1])]
    path = places.get(parameters[0], f"{table}.{parameters[0]}")
    return Complaint(".".join([path, *inside]), match[2], parameters)


def _to_open(path: str) -> str:
    """
    How a destination at *path* is allowed.
    """
    if path.endswith(".host"):  # a mail server, of whose ports settings say nothing
        return _OPENED.format(others="others")
    return f"{_ASKED_FOR} {_OPENED.format(others='other networks')}"
