"""
An invitation as fixed bytes with slots: what the library writes once, not for each person.

Theory of operation: the ``email`` package writes the invitation with a marker
in the place of each placeholder, and what it wrote is cut at the markers.  All
is quoted-printable (RFC 2045 §6.7), where a line may be broken anywhere by "="
at its end.  A marker has a line of its own, and its line breaks become such
soft ones, so a value of any length leaves the lines around it alone.

A value is filled in only if it is plain, that is printable ASCII; of that, "="
alone has a meaning there, and is written ``=3D``.  So no value ends a line, and
none can hold the boundary between the parts, which has a "=_" that no text in
quoted-printable has.  If one value is not plain, nothing is filled in, and the
library writes the whole mail.
"""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP

from careof._sending.email.mail_head import encoded, stands_for_itself, subject_line
from careof._values.templates import Filled, Template, Templates, one_line

_LONGEST = 500  # characters of a value; what is longer is no name and no link
_LINE = 75  # characters before the "=" that breaks a line; RFC 2045 §6.7 (5)
_PIECE = 25  # characters that fit a line even if all are written as three
_WORD = 54  # characters; RFC 2047 §2 ends a line at 76, with the name of the header
_SOFT = "=\r\n"

# One short of the limit, for the "=" that a line before a slot gets.
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=_LINE)

# RFC 2047 §4.2 (3), letters and digits being safe everywhere.
_IN_WORD = {
    **{code: f"={code:02X}" for code in range(0x21, 0x7F) if not chr(code).isalnum()},
    ord(" "): "_",
}


class Compiled:
    """
    The subject and the body of an invitation, to be filled with plain values.
    """

    __slots__ = ("_body", "_ends_open", "_html", "_subject", "_text")

    def __init__(self, templates: Templates) -> None:
        parts = [part for part in (templates.text, templates.html) if part]
        self._subject = _Subject(templates.subject or Template(""))
        self._text = templates.text
        self._html = templates.html or Template("")
        self._body = _body(templates.text, templates.html)
        # The library ends a body with a line break if it has none.  Where the
        # last thing is a slot, that depends on whether something is put into it.
        self._ends_open = any(part.names and not part.pieces[-1] for part in parts)

    def fill(self, values: Mapping[str, str]) -> tuple[str, str] | None:
        """
        The value of ``Subject`` and the body with its headers, or None:
        *values* are not plain.
        """
        for value in values.values():
            if not (value.isascii() and value.isprintable() and len(value) <= _LONGEST):
                return None
        if self._ends_open and "" in values.values():
            return None
        subject = self._subject.fill(values)
        if subject is None or not self._body:
            return None
        pieces = list(self._body)
        texts = {name: _quoted(values[name]) for name in self._text.names}
        htmls = {name: _quoted(html.escape(values[name])) for name in self._html.names}
        pieces[1::2] = [
            *[texts[name] for name in self._text.pieces[1::2]],
            *[htmls[name] for name in self._html.pieces[1::2]],
        ]
        return subject, "".join(pieces)


def compiled(filled: Filled) -> Compiled:
    """
    The invitation that *filled* was made of, compiled when it is first asked for.
    """
    found = filled.templates.compiled
    if not isinstance(found, Compiled):
        found = filled.templates.compiled = Compiled(filled.templates)
    return found


class _Subject:
    """
    The value of ``Subject``: as it is where it can stand so, or in encoded words.
    """

    __slots__ = ("_fixed", "_template", "_words")

    def __init__(self, template: Template) -> None:
        self._template = template
        self._fixed = None if template.names else subject_line(template.pieces[0])
        self._words = [
            # Each begins a line of its own, as if it stood beside the name.
            encoded("Subject", piece) if piece and position % 2 == 0 else piece
            for position, piece in enumerate(template.pieces)
        ]

    def fill(self, values: Mapping[str, str]) -> str | None:
        if self._fixed is not None:
            return self._fixed
        text = self._template.fill(values, one_line)
        if stands_for_itself(text):
            return text
        words = list(self._words)
        words[1::2] = [_word(one_line(values[name])) for name in words[1::2]]
        if any(len(word) > _WORD for word in words[1::2]):
            return None
        words[1::2] = [f"=?utf-8?q?{word}?=" if word else "" for word in words[1::2]]
        # RFC 2047 §6.2: the white space between two encoded words is not shown.
        return "\r\n ".join(filter(None, words))


def _word(value: str) -> str:
    return value.translate(_IN_WORD)


def _quoted(value: str) -> str:
    quoted = value.replace("=", "=3D")
    if len(quoted) <= _LINE:
        return quoted
    return _SOFT.join(
        value[start : start + _PIECE].replace("=", "=3D") for start in range(0, len(value), _PIECE)
    )


def _body(text: Template, html_template: Template | None) -> tuple[str, ...]:
    """
    The body with its headers, as pieces with a slot between each two; none at
    all if there is a line break that would merge with those of a marker.
    """
    templates = [text] if html_template is None else [text, html_template]
    literals = [piece for template in templates for piece in template.pieces[::2]]
    if any("\r" in piece.replace("\r\n", "") for piece in literals):
        return ()
    marker = secrets.token_hex(16)
    mail = EmailMessage(policy=_POLICY)
    mail.set_content(_marked(text, marker), cte="quoted-printable")
    if html_template is not None:
        marked = _marked(html_template, marker)
        mail.add_alternative(marked, subtype="html", cte="quoted-printable")
        mail.set_boundary(f"=_{secrets.token_hex(12)}")
    pieces = re.split(f"\r\n{marker}\r\n", mail.as_bytes().decode("ascii"))
    pieces[:-1] = [piece + _SOFT for piece in pieces[:-1]]
    pieces[1:] = [_SOFT + piece for piece in pieces[1:]]
    cut = [""] * (2 * len(pieces) - 1)
    cut[::2] = pieces
    return tuple(cut)


def _marked(template: Template, marker: str) -> str:
    pieces = list(template.pieces)
    pieces[1::2] = [f"\n{marker}\n"] * len(pieces[1::2])
    if template.names and not pieces[-1]:
        pieces[-1] = "\n"
    return "".join(pieces)
