from __future__ import annotations

import copy
import html
import pickle
import traceback
from html.parser import HTMLParser

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import Contact, Invitation, Recipient
from careof.errors import ConfigurationError, EndpointUnavailableError, UnexpectedAnswerError
from tests.support.canary import NAME, every_view_of, every_view_of_error, frames_of, seen_in
from tests.support.raising import error_of


def invitation(**options):
    options = {"subject": "Hello", "text": "Hello", **options}
    return Invitation(survey_id="s", channel="email", **options)


def sms(text, **options):
    return Invitation(survey_id="s", channel="sms", text=text, **options)


def rendered(value, attributes=None, variables=None):
    message = value.render(Contact("C-1", attributes=attributes), variables)
    return message.text.reveal()


def test_a_message_is_filled_from_urls_attributes_and_variables():
    message = invitation(
        subject="{first_name}, a question",
        text="Dear {first_name} of {team}: {survey_url}",
        html='<p>{first_name}</p><a href="{survey_url}">{team}</a>',
        urls={"survey_url": "https://host.example/s?a=1&b=2"},
        wave="w1",
    ).render(Contact("C-1", attributes={"first_name": "Ada & Co"}), {"team": "<Sales>"})

    assert message.subject.reveal() == "Ada & Co, a question"
    assert message.text.reveal() == "Dear Ada & Co of <Sales>: https://host.example/s?a=1&b=2"
    assert message.html.reveal() == (
        '<p>Ada &amp; Co</p><a href="https://host.example/s?a=1&amp;b=2">&lt;Sales&gt;</a>'
    )
    assert (message.survey_id, message.channel, message.wave) == ("s", "email", "w1")


def test_a_message_without_subject_and_html_has_none():
    message = sms("Hi").render(Contact("C-1"))

    assert (message.subject, message.html, message.channel) == (None, None, "sms")
    assert repr(message) == "Message(***, survey_id='s', channel='sms')"


@pytest.mark.parametrize("value", ["{first_name}", "{survey_url}", "{team}", "{{team}}", "\\1"])
def test_a_value_that_looks_like_a_placeholder_stays_what_it_is(value):
    text = rendered(
        sms("{first_name}|{team}", urls={"survey_url": "https://host.example/"}),
        {"first_name": value, "team": "x"},
    )

    assert text == f"{value}|x"


def test_a_template_is_never_sent_in_place_of_a_link():
    with pytest.raises(ConfigurationError, match="a callable for personal ones"):
        sms("{u}", urls={"u": "https://host.example/{reference_id}"})


def test_urls_come_before_attributes_and_attributes_before_variables():
    text = rendered(
        sms("{a} {b} {c}", urls={"a": "https://host.example/"}),
        {"a": "attribute", "b": "attribute"},
        {"a": "variable", "b": "variable", "c": "variable"},
    )

    assert text == "https://host.example/ attribute variable"


@pytest.mark.parametrize(
    "text", ["{}", "{ a }", "{A}", "{1a}", "{a-b}", "{a.b}", "{a!r}", "{a:>9}", "{a", "a}", "{é}"]
)
def test_other_braces_stand_for_themselves(text):
    assert rendered(sms(text), {"a": "x"}) == text


def test_braces_around_a_placeholder_stay():
    assert rendered(sms("{{a}}"), {"a": "x"}) == "{x}"


def test_only_what_is_asked_for_is_needed():
    value = invitation(subject="{a}", text="{b} {a}", html="<p>{c}</p>")

    assert value.placeholders() == {"a", "b", "c"}


@pytest.mark.parametrize("channel", ["subject", "text", "html"])
def test_a_placeholder_that_nothing_fills_is_named(channel):
    value = invitation(**{channel: "For {first_name}"})

    with pytest.raises(UnexpectedAnswerError, match=r"placeholder \{first_name\}") as caught:
        value.render(Contact("C-1", attributes={"last_name": NAME}))

    assert (caught.value.outcome, caught.value.detail) == ("bad_response", "missing_attribute")


def test_the_error_of_a_rendering_shows_nobody():
    error = error_of(
        sms("{a} {b}").render, Contact("C-1", attributes={"a": NAME}), {"c": NAME, "a": NAME}
    )

    assert list(frames_of(error)) == ["render", "unwrap"]
    assert seen_in(every_view_of_error(error)) == []


def test_the_frame_that_the_error_of_a_rendering_passes_through_holds_nobody():
    error = error_of(sms("{a} {b}").render, Contact("C-1", attributes={"a": NAME}), {"c": NAME})

    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    [ours] = [frame for frame in frames if frame.f_code.co_name == "render"]
    assert not {"contact", "variables", "sealed"} & set(ours.f_locals)


@pytest.mark.parametrize("source", ["attributes", "variables"])
def test_a_value_with_half_a_character_is_refused_before_a_codec_quotes_it(source):
    error = error_of(rendered, sms("{a}"), **{source: {"a": f"{NAME}\ud800"}})

    assert isinstance(error, UnexpectedAnswerError)
    assert error.detail == "attribute_text"
    assert seen_in([str(error), repr(vars(error))]) == []


@pytest.mark.parametrize(
    "value, line",
    [
        ("Ada\r\nBcc: x@y.example", "Ada Bcc: x@y.example"),
        ("Ada\nX: y", "Ada X: y"),
        ("Ada\rX: y", "Ada X: y"),
        ("Ada\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029X", "Ada X"),
        ("Ada\x00\x7fX", "AdaX"),
        ("Ada\u202eX", "Ada X"),
        ("  Ada \t X ", "Ada X"),
        ("\n", ""),
        ("Ädä 👍", "Ädä 👍"),
    ],
)
def test_a_value_cannot_bring_a_second_header(value, line):
    message = invitation(subject="{n}!").render(Contact("C-1"), {"n": value})

    assert message.subject.reveal() == f"{line}!"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_value_ends_a_header_line(value):
    message = invitation(subject="A {n} b").render(Contact("C-1"), {"n": value})
    subject = message.subject.reveal()

    assert subject.isprintable()
    assert len(subject.splitlines()) == 1


class Structure(HTMLParser):
    """
    The tags and attributes of a document: all but its text.
    """

    def __init__(self, document):
        super().__init__()
        self.tags = []
        self.texts = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, attributes))

    def handle_endtag(self, tag):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.tags.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


TEMPLATE = '<p title="t">{n}<b>&amp;{n};</b>< {n} <a href="{u}" class=\'c\'>{n}</a></p>'
hostile = st.text(st.sampled_from("<>\"'&/= !-;x\n{}[]?a")) | st.sampled_from(
    ["<script>", "</p>", "<!--", "-->", "lt", "#60", '"><img src=x onerror=x>', "&lt;script&gt;"]
)


@given(hostile)
def test_no_value_opens_a_tag(value):
    message = invitation(html=TEMPLATE, urls={"u": "https://host.example/"}).render(
        Contact("C-1", attributes={"n": value})
    )

    found = Structure(message.html.reveal())

    assert found.tags == Structure(TEMPLATE.format(n="", u="https://host.example/")).tags


@given(st.text("ab09-._~:/?#[]@!$&'()*+,;=%"))
def test_no_personal_url_leaves_its_attribute(rest):
    url = f"https://host.example/{rest}"
    message = invitation(
        html="<a href=\"{u}\">x</a><a href='{u}'>y</a>", urls={"u": lambda reference: url}
    ).render(Contact("C-1"))

    assert Structure(message.html.reveal()).tags == [
        ("a", [("href", url)]),
        "a",
        ("a", [("href", url)]),
        "a",
    ]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_reader_of_the_html_sees_the_value_itself(value):
    message = invitation(html="<p>{n}</p>").render(Contact("C-1"), {"n": value})

    assert html.unescape(message.html.reveal()) == html.unescape(f"<p>{html.escape(value)}</p>")
    assert message.html.reveal().count("<") == 2


def test_a_callable_gives_each_person_a_link_of_their_own():
    value = sms("{u}", urls={"u": lambda reference: f"https://host.example/s/{reference}"})

    texts = [value.render(Contact(reference)).text.reveal() for reference in ("C-1", "C-2")]

    assert texts == ["https://host.example/s/C-1", "https://host.example/s/C-2"]


def test_a_callable_that_is_not_needed_is_not_called():
    called = []

    rendered(sms("Hi", urls={"u": called.append}))

    assert called == []


def raises(reference):
    raise LookupError(NAME)


@pytest.mark.parametrize(
    "url, detail",
    [
        (raises, "url:LookupError"),
        (lambda reference: None, "url:invalid"),
        (lambda reference: b"https://host.example/", "url:invalid"),
        (lambda reference: "", "url:invalid"),
        (lambda reference: "//host.example/", "url:invalid"),
        (lambda reference: "javascript:alert(1)", "url:invalid"),
        (lambda reference: "https://host.example/ b", "url:invalid"),
        (lambda reference: "https://host.example/\r\nBcc: x", "url:invalid"),
        (lambda reference: "https://host.example/\ud800", "url:invalid"),
        (lambda reference: f"data:{NAME}", "url:invalid"),
    ],
)
def test_a_callable_that_gives_no_url_stops_this_message(url, detail):
    error = error_of(sms("{u}", urls={"u": url}).render, Contact("C-1"))

    assert isinstance(error, EndpointUnavailableError)
    assert error.detail == detail
    assert seen_in(every_view_of_error(error)) == []


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"survey_id": ""}, "survey_id"),
        ({"survey_id": 5}, "survey_id"),
        ({"wave": None}, "wave"),
        ({"channel": "fax"}, "channel"),
        ({"channel": None}, "channel"),
        ({"text": ""}, "text"),
        ({"text": None}, "text"),
        ({"text": b"Hello"}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"subject": None}, "subject"),
        ({"subject": ""}, "subject"),
        ({"subject": 5}, "subject"),
        ({"subject": "a\nb"}, "subject"),
        ({"subject": "a\x00b"}, "subject"),
        ({"html": b"<p>"}, "html"),
        ({"html": "<p>\udfff"}, "html"),
        ({"html": "<p {n}>"}, "html"),
        ({"channel": "sms"}, "neither subject nor html"),
        ({"channel": "sms", "subject": None, "html": "<p>"}, "neither subject nor html"),
        ({"urls": ["https://host.example/"]}, "urls"),
        ({"urls": {"Survey": "https://host.example/"}}, "urls"),
        ({"urls": {5: "https://host.example/"}}, "urls"),
        ({"urls": {"u": "/s"}}, r"urls\['u'\]"),
        ({"urls": {"u": "javascript:alert(1)"}}, r"urls\['u'\]"),
        ({"urls": {"u": "https://host.example/ä"}}, r"urls\['u'\]"),
        ({"urls": {"u": None}}, r"urls\['u'\]"),
    ],
)
def test_an_invitation_that_cannot_work_is_refused_when_it_is_built(options, problem):
    options = {"survey_id": "s", "channel": "email", "subject": "Hi", "text": "Hi", **options}

    with pytest.raises(ConfigurationError, match=f"Invitation: .*{problem}"):
        Invitation(**options)


@pytest.mark.parametrize("url", ["http://a", "https://host.example/?a=b#c", "mailto:a@b.example"])
def test_links_and_mail_addresses_are_urls(url):
    assert rendered(sms("{u}", urls={"u": url})) == url


def test_an_invitation_prints_the_names_of_its_urls_only():
    value = sms("x", urls={"b": f"https://host.example/{NAME}", "a": lambda reference: ""})

    assert "urls=['a', 'b']" in repr(value)
    assert NAME not in repr(value)


def test_an_invitation_keeps_urls_of_its_own():
    urls = {"u": "https://host.example/1"}
    value = sms("{u}", urls=urls)
    urls["u"] = "https://host.example/2"

    assert rendered(value) == "https://host.example/1"


def test_a_reminder_is_a_changed_copy():
    reminder = attrs.evolve(sms("Hi", wave="1"), wave="2")

    assert (reminder.wave, reminder.text) == ("2", "Hi")


def test_fill_gives_the_error_as_a_value():
    value = sms("{a}")._fill(Contact("C-1"), Recipient("C-1").variables)

    assert isinstance(value, UnexpectedAnswerError)


def test_control_characters_of_a_value_are_left_out():
    assert rendered(sms("{a}"), {"a": "x\x00y\x1b[1m\nz"}) == "xy[1m\nz"


UNSUBSCRIBE = "https://host.example/u/C-1"


def unsubscribing(url, **options):
    return invitation(urls={"unsubscribe_url": url}, **options)


@pytest.mark.parametrize("text", ["Hello", "Hello, {unsubscribe_url}"])
@pytest.mark.parametrize(
    "url", [UNSUBSCRIBE, lambda reference: f"https://host.example/u/{reference}"]
)
def test_an_email_knows_where_it_is_unsubscribed_from(url, text):
    message = unsubscribing(url, text=text).render(Contact("C-1"))

    assert message.unsubscribe_url.reveal() == UNSUBSCRIBE


def test_one_message_has_one_link_to_unsubscribe():
    called = []

    def link(reference):
        called.append(reference)
        return f"https://host.example/{len(called)}"

    message = unsubscribing(link, text="{unsubscribe_url}").render(Contact("C-1"))

    assert message.text.reveal() == message.unsubscribe_url.reveal() == "https://host.example/1"
    assert called == ["C-1"]


def test_an_sms_has_no_header_and_asks_for_none():
    called = []

    message = sms("Hi", urls={"unsubscribe_url": called.append}).render(Contact("C-1"))

    assert (message.unsubscribe_url, called) == (None, [])


def test_a_link_that_the_endpoint_named_is_no_header():
    """
    A header is a promise of the host, and its links are in urls.
    """
    message = invitation(text="{unsubscribe_url}").render(
        Contact("C-1", attributes={"unsubscribe_url": "https://evil.example/"})
    )

    assert message.unsubscribe_url is None


def test_a_callable_for_the_header_that_fails_stops_this_message():
    error = error_of(unsubscribing(raises).render, Contact("C-1"))

    assert isinstance(error, EndpointUnavailableError)
    assert error.detail == "url:LookupError"
    assert seen_in(every_view_of_error(error)) == []


TOO_LONG = "https://host.example/" + "x" * 880
NO_HEADERS = [TOO_LONG, "https://host.example/?a=?utf-8?q?=0D=0ABcc=3A?="]


@pytest.mark.parametrize("url", NO_HEADERS, ids=["long", "encoded"])
def test_a_link_of_a_persons_own_that_fits_no_header_stops_this_message(url):
    error = error_of(unsubscribing(lambda reference: url).render, Contact("C-1"))

    assert isinstance(error, EndpointUnavailableError)
    assert error.detail == "url:header"
    assert url not in str(error)


@pytest.mark.parametrize("url", NO_HEADERS, ids=["long", "encoded"])
def test_a_link_that_fits_no_header_is_refused_when_the_invitation_is_built(url):
    with pytest.raises(ConfigurationError, match=r"urls\['unsubscribe_url'\]: it stands in"):
        unsubscribing(url)


def test_the_longest_link_that_fits_a_header_is_one():
    message = unsubscribing(TOO_LONG[:900]).render(Contact("C-1"))

    assert len(message.unsubscribe_url.reveal()) == 900


def test_a_message_is_written_when_it_is_asked_for_and_not_before(monkeypatch):
    written = []
    message = invitation(text="Hello {n}").render(Contact("C-1"), {"n": "Ada"})
    monkeypatch.setattr(
        "careof._values.templates.Template.fill", lambda *arguments: written.append(1) or "filled"
    )

    assert written == []
    assert message.text.reveal() == "filled"


def test_what_a_message_is_made_of_is_sealed():
    message = invitation(subject="{n}", text="{n}").render(Contact("C-1"), {"n": NAME})

    assert message.subject == message.text
    assert seen_in(every_view_of(message._parts)) == []


def test_an_invitation_that_has_been_used_is_the_same_as_before():
    fresh = invitation(text="Hello {n}", urls={"u": "https://host.example/"})
    used = invitation(text="Hello {n}", urls={"u": "https://host.example/"})
    used.render(Contact("C-1"), {"n": "Ada"})

    assert used == fresh
    assert repr(used) == repr(fresh)
    assert attrs.asdict(used) == attrs.asdict(fresh)
    assert pickle.dumps(used) == pickle.dumps(fresh)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_a_copy_of_an_invitation_works(copied):
    used = sms("Hello {n}")
    rendered(used, {"n": "Ada"})

    assert rendered(copied(used), {"n": "Bob"}) == "Hello Bob"


def test_a_reminder_has_texts_of_its_own():
    first = sms("Hello {n}")
    rendered(first, {"n": "Ada"})

    assert rendered(attrs.evolve(first, text="Again, {n}"), {"n": "Ada"}) == "Again, Ada"
