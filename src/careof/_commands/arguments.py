"""
Words on a command line, read so that no error repeats one.

Theory of operation: whatever is typed in the wrong place may be a secret or a
person, and argparse quotes it.  So only those of its messages are told that are
made of the names of options, and of what an option expects.
"""

from __future__ import annotations

import argparse
import io
import os
import re
from pathlib import Path
from typing import Any, NoReturn

from careof._values.phone_numbers import refuse_region
from careof._values.secret import Secret
from careof._values.spelling import meant
from careof.errors import ConfigurationError

_TELLABLE = re.compile(
    r"the following arguments are required: .*|argument [A-Za-z, -]+: expected .*"
)
_UNTOLD = "there is a word too many, or an option that does not exist"
_MISSING = {
    "env": "expected env:NAME of a variable that is set, which it is not, or not exported",
    "file": "expected file:PATH of a file that exists, which it does not",
}


class Parser(argparse.ArgumentParser):
    """
    A parser whose errors are one line each.
    """

    def __init__(self, **texts: Any) -> None:
        super().__init__(
            **texts, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
        )

    def error(self, message: str) -> NoReturn:
        """
        End with exit code 2.
        """
        told = f"{message}." if _TELLABLE.fullmatch(message) else self._untold(message)
        name = self.prog.removeprefix("python -m ")
        self.exit(2, f"{name}: {told} Try {self.prog} --help.\n")

    def _untold(self, message: str) -> str:
        for word in message.split():
            close = meant(word.partition("=")[0], self._option_string_actions)
            if word.startswith("--") and close:
                return f"{_UNTOLD}; {close}"
        return f"{_UNTOLD}."


def add_region(parser: Parser, otherwise: str) -> None:
    """
    Add ``--region``.

    Args:
        otherwise: What is done with numbers that are written without + if it is not given.
    """
    parser.add_argument(
        "--region",
        metavar="CC",
        type=region,
        help="the country of numbers that are written without +, such as GB; without it they are "
        f"{otherwise}",
    )


def add_keyring(parser: Parser, *, required: bool) -> None:
    """
    Add ``--keyring``.
    """
    parser.add_argument(
        "--keyring",
        metavar="SOURCE",
        required=required,
        type=keyring,
        help="env:NAME or file:PATH, where the text that KeyRing.reveal() gave is kept",
    )


def add_form(parser: Parser, tables: str) -> None:
    """
    Add how *tables* are written down.
    """
    parser.add_argument(
        "--delimiter",
        metavar="CHAR",
        type=delimiter,
        default=",",
        help=r"what stands between two cells; \t is a tab (default: a comma)",
    )
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        type=encoding,
        default="utf-8",
        help=f"of {tables} (default: utf-8, with or without a byte order mark)",
    )


def keyring(text: str) -> Secret:
    """
    Where the text of a key ring is kept.
    """
    kind, _, name = text.partition(":")
    read = {"env": Secret.from_env, "file": Secret.from_file}.get(kind)
    if read is not None:
        try:
            secret = read(name)
        except ConfigurationError:
            pass
        else:
            # Path.exists raises if the name is too long, as a key ring in its place is.
            if not (name in os.environ if kind == "env" else os.path.exists(name)):  # noqa: PTH110
                raise argparse.ArgumentTypeError(_MISSING[kind])
            return secret
    raise argparse.ArgumentTypeError(
        "expected env:NAME or file:PATH, the place where the text of the key ring is kept, and "
        "not the text: others on this machine can read a command line"
    )


def file(text: str) -> Path:
    """
    A file by its name.
    """
    if text == "-":
        raise argparse.ArgumentTypeError("expected a file by its name; IN can be /dev/stdin")
    return Path(text)


def region(text: str) -> str:
    """
    A country.
    """
    if refuse_region(text, "") is None:
        return text
    raise argparse.ArgumentTypeError(
        "expected a country by its two capital letters of ISO 3166-1, such as GB (not UK)"
    )


def scheme(text: str) -> str:
    """
    A scheme of pseudonyms.
    """
    if text in ("hmac", "siv"):
        return text
    raise argparse.ArgumentTypeError("expected hmac or siv")


def delimiter(text: str) -> str:
    r"""
    What stands between two cells; ``\t``, which is easily typed, is a tab.
    """
    if text == r"\t":
        return "\t"
    if len(text) == 1 and text not in '"\r\n':
        return text
    raise argparse.ArgumentTypeError(r'expected one character, such as ";" or "\t", and no quote')


def encoding(text: str) -> str:
    """
    An encoding of text that Python knows.
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=text)
    except (LookupError, ValueError):
        raise argparse.ArgumentTypeError(
            "expected an encoding that Python knows, such as utf-8, utf-16 or cp1252"
        ) from None
    return text
