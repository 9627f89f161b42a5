"""
The texts of an invitation, split once, and one person's values in them.

Theory of operation: a template is split once into literal text and names.
Filling joins the pieces, each value escaped for where it stands, and never
looks at the result again: a first name of ``{survey_url}`` stays what it is.
What is filled is kept as templates and values until somebody asks for a text,
because a mail is put together from these, and its text is never needed.
"""

from __future__ import annotations

import html as html_module
from collections.abc import Callable, Mapping

import attrs

from careof._values.placeholders import PLACEHOLDER
from careof._values.sealed import SealedText, Unpicklable

# The name whose url is a header of its own (RFC 2369).
UNSUBSCRIBE = "unsubscribe_url"


class Template:
    """
    One text, as pieces: literal text and names by turns, literal text first and last.
    """

    __slots__ = ("names", "pieces")

    def __init__(self, text: str) -> None:
        self.pieces: tuple[str, ...] = tuple(PLACEHOLDER.split(text))
        self.names: frozenset[str] = frozenset(self.pieces[1::2])

    def fill(self, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
        """
        The text with *values* in it.
        """
        if not self.names:
            return self.pieces[0]
        pieces = list(self.pieces)
        pieces[1::2] = [escape(values[name]) for name in pieces[1::2]]
        return "".join(pieces)


class Templates:
    """
    The texts of one invitation.

    Attributes:
        names: What they need, in order.
        compiled: What somebody who sends them made of them, and wants to find
            again.  It lives as long as they do, and holds nothing personal.
    """

    __slots__ = ("compiled", "html", "names", "subject", "text")

    def __init__(self, subject: str | None, text: str, html: str | None) -> None:
        self.subject = None if subject is None else Template(subject)
        self.text = Template(text)
        self.html = None if html is None else Template(html)
        parts = (self.subject, self.text, self.html)
        self.names = tuple(sorted({name for part in parts if part for name in part.names}))
        self.compiled: object = None


@attrs.frozen(kw_only=True)
class Written:
    """
    The texts of a message that somebody wrote.
    """

    subject: SealedText | None
    text: SealedText
    html: SealedText | None
    unsubscribe_url: SealedText | None


class Filled(Unpicklable):
    """
    The texts of a message that was made of an invitation, each written when it is asked for.
    """

    __slots__ = ("_values", "templates", "unsubscribe_url")

    def __init__(
        self, templates: Templates, values: Mapping[str, str], unsubscribe_url: SealedText | None
    ) -> None:
        self.templates = templates
        self.unsubscribe_url = unsubscribe_url
        self._values = values

    def reveal(self) -> Mapping[str, str]:
        """
        The values themselves, by name.
        """
        return self._values

    @property
    def subject(self) -> SealedText | None:
        template = self.templates.subject
        return None if template is None else SealedText(template.fill(self._values, one_line))

    @property
    def text(self) -> SealedText:
        return SealedText(self.templates.text.fill(self._values, str))

    @property
    def html(self) -> SealedText | None:
        template = self.templates.html
        if template is None:
            return None
        return SealedText(template.fill(self._values, html_module.escape))


def one_line(value: str) -> str:
    """
    *value* as a header can hold it: RFC 5322 §2.2, a field is one line.
    """
    if not value.isprintable():
        value = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(value.split())
