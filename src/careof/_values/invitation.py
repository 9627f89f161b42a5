"""
One survey message, and the one pass that fills it for one person.

Theory of operation: names are looked up in the invitation's urls, then in what
the endpoint said about the person, then in what the host passed for this
recipient.  Whatever is wrong with a value is found then; the texts are written
when somebody asks for them (``templates.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import attrs

from careof._values.contact import Contact
from careof._values.links import (
    LONGEST_IN_HEADER,
    Url,
    fits_header,
    is_url,
    personal_url,
    stays_in_header,
)
from careof._values.placeholders import NAME, html_problem
from careof._values.sealed import Fixed, SealedMapping, SealedText, is_whole
from careof._values.templates import UNSUBSCRIBE, Filled, Templates, Written
from careof._values.unwrap import unwrap
from careof.errors import (
    CareofError,
    ConfigurationError,
    EndpointUnavailableError,
    UnexpectedAnswerError,
)

Channel = Literal["email", "sms"]

# No mail and no phone shows them, and some readers stop there.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Message(Fixed):
    """
    One invitation filled for one person: what a sender sends.  All of it sealed.
    """

    __slots__ = ("_parts", "channel", "survey_id", "wave")

    def __init__(
        self,
        *,
        survey_id: str,
        channel: Channel,
        text: SealedText,
        subject: SealedText | None = None,
        html: SealedText | None = None,
        wave: str = "",
        unsubscribe_url: SealedText | None = None,
    ) -> None:
        parts = Written(subject=subject, text=text, html=html, unsubscribe_url=unsubscribe_url)
        self._set(survey_id, channel, wave, parts)

    def _set(self, survey_id: str, channel: Channel, wave: str, parts: Written | Filled) -> None:
        self.survey_id: str = survey_id
        self.channel: Channel = channel
        self.wave: str = wave
        self._parts: Written | Filled = parts

    @classmethod
    def _filled(cls, invitation: Invitation, parts: Filled) -> Message:
        message = cls.__new__(cls)
        message._set(invitation.survey_id, invitation.channel, invitation.wave, parts)
        return message

    @property
    def subject(self) -> SealedText | None:
        """
        The subject line (email), or None.
        """
        return self._parts.subject

    @property
    def text(self) -> SealedText:
        """
        The message as plain text.
        """
        return self._parts.text

    @property
    def html(self) -> SealedText | None:
        """
        The message as HTML, or None.
        """
        return self._parts.html

    @property
    def unsubscribe_url(self) -> SealedText | None:
        """
        Where the person says that they want no more (email), or None.
        """
        return self._parts.unsubscribe_url

    def __repr__(self) -> str:
        return f"Message(***, survey_id={self.survey_id!r}, channel={self.channel!r})"


class _Splits:
    """
    A place for what is computed once, which is no attribute that attrs compares or pickles.
    """

    __slots__ = ("_split",)
    _split: Templates


def _copied(urls: Mapping[str, Url]) -> Mapping[str, Url]:
    if not isinstance(urls, Mapping):
        raise _wrong("urls", "expected a mapping of names to URLs or callables")
    return dict(urls)


@attrs.frozen(kw_only=True)
class Invitation(_Splits):
    """
    One survey message for one channel, with placeholders such as ``{first_name}``.

    Args:
        subject: The subject line; required for email, None for SMS.
        urls: Names to URLs.  A callable is given the reference id, so that each
            person gets a link of their own.  An email whose *urls* have the name
            ``unsubscribe_url`` has it as its ``List-Unsubscribe`` (RFC 2369), and
            if it is https, says that one POST is enough (RFC 8058).
        wave: Tells apart reminders of one survey.

    A placeholder is ``{name}`` with lower-case letters, digits and ``_``; other
    braces stand for themselves.  In HTML, values are escaped, and only the
    names of *urls* may stand inside an attribute, in quotes.
    """

    survey_id: str
    channel: Channel
    subject: str | None = None
    text: str
    html: str | None = None
    wave: str = ""
    urls: Mapping[str, Url] = attrs.field(
        factory=dict, converter=_copied, repr=lambda urls: repr(sorted(urls))
    )

    def __attrs_post_init__(self) -> None:
        _check(self)

    def render(
        self, contact: Contact, variables: Mapping[str, str | SealedText] | None = None
    ) -> Message:
        """
        The message for *contact*, sealed.

        Raises:
            UnexpectedAnswerError: Nothing fills a placeholder; ``detail`` is
                ``missing_attribute``, and the message names the placeholder.
        """
        sealed = SealedMapping.of(variables or {}, "render: variables")
        del variables  # a traceback with locals would show them
        outcome = self._fill(contact, unwrap(sealed))
        del contact, sealed  # an error that is kept would keep them in this frame
        return unwrap(outcome)

    def _fill(self, contact: Contact, variables: SealedMapping) -> Message | CareofError:
        """
        As ``render``, with the error as a value.
        """
        templates = self._templates()
        known: dict[str, str] = {}
        for name in templates.names:
            value = self._value(name, contact, variables)
            if isinstance(value, CareofError):
                return value
            known[name] = value
        unsubscribe = self._unsubscribe_url(known, contact.reference_id)
        if isinstance(unsubscribe, CareofError):
            return unsubscribe
        return Message._filled(self, Filled(templates, known, unsubscribe))

    def placeholders(self) -> frozenset[str]:
        """
        The names that this invitation needs.
        """
        return frozenset(self._templates().names)

    def _templates(self) -> Templates:
        # A copy that was made by pickle has none yet.
        split = getattr(self, "_split", None)
        if split is None:
            split = Templates(self.subject, self.text, self.html)
            object.__setattr__(self, "_split", split)
        return split

    def _unsubscribe_url(
        self, known: Mapping[str, str], reference_id: str
    ) -> SealedText | CareofError | None:
        if self.channel != "email" or UNSUBSCRIBE not in self.urls:
            return None
        url: str | CareofError
        if UNSUBSCRIBE in known:
            url = known[UNSUBSCRIBE]
        else:
            url = personal_url(UNSUBSCRIBE, self.urls[UNSUBSCRIBE], reference_id)
        if isinstance(url, CareofError):
            return url
        if not stays_in_header(url):
            return EndpointUnavailableError(
                f"What the callable for the url {UNSUBSCRIBE!r} returned cannot stand in a "
                f"header: it is longer than {LONGEST_IN_HEADER} characters, or has '=?' in it.",
                detail="url:header",
            )
        return SealedText(url)

    def _value(self, name: str, contact: Contact, variables: SealedMapping) -> str | CareofError:
        if name in self.urls:
            return personal_url(name, self.urls[name], contact.reference_id)
        for source in (contact.attributes, variables):
            sealed = source.get(name)
            if sealed is not None:
                value = sealed.reveal()
                # What is printable has neither controls nor half a character.
                return value if value.isprintable() else _whole(name, _CONTROLS.sub("", value))
        return UnexpectedAnswerError(
            f"Nothing fills the placeholder {{{name}}}: the endpoint's answer has no such "
            "attribute, and neither urls nor the recipient's variables name it.",
            detail="missing_attribute",
        )


def _whole(name: str, value: str) -> str | CareofError:
    if is_whole(value):
        return value
    return UnexpectedAnswerError(
        f"What fills the placeholder {{{name}}} holds half a character (a lone surrogate), "
        "which no message can carry.",
        detail="attribute_text",
    )


def _check(invitation: Invitation) -> None:
    if not (isinstance(invitation.survey_id, str) and invitation.survey_id):
        raise _wrong("survey_id", "expected the host's id of the survey (str), not empty")
    if not isinstance(invitation.wave, str):
        raise _wrong("wave", 'expected a name (str), or "" for the first message')
    if invitation.channel not in ("email", "sms"):
        raise _wrong("channel", 'expected "email" or "sms"')
    _check_texts(invitation)
    _check_urls(invitation.urls)
    problem = html_problem(invitation.html or "", invitation.urls)
    if problem:
        raise _wrong("html", problem)


def _check_texts(invitation: Invitation) -> None:
    for name in ("subject", "text", "html"):
        template = getattr(invitation, name)
        if template is not None and not (isinstance(template, str) and is_whole(template)):
            raise _wrong(name, "expected a str without lone surrogates")
    if not invitation.text:
        raise _wrong("text", "expected the message as plain text, not empty")
    if invitation.channel == "email" and not invitation.subject:
        raise _wrong("subject", "an email needs a subject line")
    if invitation.channel == "sms" and (invitation.subject or invitation.html):
        raise _wrong("channel", "an SMS has neither subject nor html")
    if invitation.subject and not invitation.subject.isprintable():
        raise _wrong("subject", "expected one line of printable characters")


def _check_urls(urls: Mapping[str, Url]) -> None:
    for name, url in urls.items():
        if not (isinstance(name, str) and NAME.fullmatch(name)):
            raise _wrong("urls", "names are lower-case letters, digits and _, as in survey_url")
        if not (callable(url) or (isinstance(url, str) and is_url(url))):
            raise _wrong(
                f"urls[{name!r}]", "expected a URL (RFC 3986), or a callable for personal ones"
            )
    unsubscribe = urls.get(UNSUBSCRIBE)
    if isinstance(unsubscribe, str) and not fits_header(unsubscribe):
        raise _wrong(
            f"urls[{UNSUBSCRIBE!r}]",
            f"it stands in a header: at most {LONGEST_IN_HEADER} characters, without '=?'",
        )


def _wrong(parameter: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"Invitation: {parameter}: {expected}.")
