from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from careof._values.placeholders import PLACEHOLDER, html_problem

URLS = {"survey_url": "https://host.example/"}


@pytest.mark.parametrize(
    "template",
    [
        "",
        "Dear {first_name}",
        "<p>{first_name}</p>",
        '<a href="{survey_url}">{first_name}</a>',
        "<a href='{survey_url}&amp;l=en'>x</a>",
        '<a href = "{survey_url}" title = "x">x</a>',
        '<img src="{survey_url}"/>',
        "a < {first_name} > b",
        "1 <2 {first_name}",
        "&{first_name};",
        "{first_name}<br/>{survey_url}",
        "<!-- comment -->{first_name}",
        "<!DOCTYPE html><html><p>{first_name}</p></html>",
        "<style>p { color: red }</style>{first_name}<script>x = {}</script>",
        "<script>'<p>'</script>{first_name}",
        '<p style="color: red" onclick="x()">{first_name}</p>',
        "<textarea>{first_name}</textarea><title>{first_name}</title>",
        "<input disabled value>{first_name}",
    ],
)
def test_text_and_quoted_urls_are_places_for_a_placeholder(template):
    assert html_problem(template, URLS) == ""


@pytest.mark.parametrize(
    "template, problem",
    [
        ('<p title="{first_name}">x</p>', "inside a tag"),
        ("<p {first_name}>x</p>", "inside a tag"),
        ("<p{first_name}>x</p>", "inside a tag"),
        ("<p {survey_url}>x</p>", "inside a tag"),
        ("<a href={survey_url}>x</a>", "inside a tag"),
        ("<a href= {survey_url} title='x'>x</a>", "inside a tag"),
        ("<a href=\"x\" {survey_url}='y'>x</a>", "inside a tag"),
        ("<img src={survey_url}/>", "inside a tag"),
        ("<br {first_name}/>", "inside a tag"),
        ("<{first_name}>", "right behind '<'"),
        ("<{survey_url}", "right behind '<'"),
        ("</{first_name}>", "right behind '<'"),
        ("<!{first_name}>", "comment or declaration"),
        ("<!DOCTYPE {first_name}>", "comment or declaration"),
        ("<!-- {first_name} -->", "comment or declaration"),
        ("<!-- {survey_url} -->", "comment or declaration"),
        ("<?php {first_name} ?>", "comment or declaration"),
        ("<![CDATA[{first_name}]]>", "comment or declaration"),
        ("<script>x = '{first_name}'</script>", "<script> or <style>"),
        ("<script>x = '{survey_url}'</script>", "<script> or <style>"),
        ("<style>{first_name}</style>", "<script> or <style>"),
        ("<SCRIPT>{first_name}</SCRIPT>", "<script> or <style>"),
        ("</script><script>{first_name}</script>", "<script> or <style>"),
        ("</style></script><style>{first_name}</style>", "<script> or <style>"),
        ("<script></style>{first_name}</script>", "<script> or <style>"),
        ("<script/>{first_name}</script>", "<script> or <style>"),
        ("<script/><p></p>{first_name}</script>", "<script> or <style>"),
        ('<p onclick="{survey_url}">x</p>', "a script or a style"),
        ("<p ONLOAD='x({survey_url})'>x</p>", "a script or a style"),
        ('<p style="background: url({survey_url})">x</p>', "a script or a style"),
        ('<iframe srcdoc="{survey_url}"></iframe>', "a script or a style"),
        ('<a title="{first_name}', "does not end"),
        ('<a href="{survey_url}', "does not end"),
        ("<!-- {first_name}", "does not end"),
        ("<script>{first_name}", "does not end"),
        ("<script/>", "does not end"),
        ("{first_name}<b", "does not end"),
        ("{first_name}</b", "does not end"),
    ],
)
def test_a_placeholder_where_escaping_is_not_enough_is_refused(template, problem):
    assert problem in html_problem(template, URLS)


@pytest.mark.parametrize("template", ["</b {first_name}>", "<p></p {first_name}>"])
def test_a_placeholder_that_no_reader_would_see_is_refused(template):
    assert html_problem(template, URLS) != ""


class Tags(HTMLParser):
    """
    The tags of a document, with their attributes.
    """

    def __init__(self, document):
        super().__init__()
        self.found = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, attributes))


PIECES = ["<", ">", "b", "/", "!", "--", "'", '"', "=", " ", "{n}", "?", "script", "<p>", "<!--"]


@given(st.lists(st.sampled_from(PIECES)), st.sampled_from(["b", "b c=d", "!--", "/p", "=x", " "]))
def test_in_what_is_accepted_no_value_changes_the_tags(pieces, value):
    template = "".join(pieces)
    assume(html_problem(template, ()) == "")

    assert Tags(template.replace("{n}", value)).found == Tags(template).found


@pytest.mark.parametrize("name", ["a", "_", "first_name", "a1", "_9"])
def test_a_placeholder_is_a_lower_case_name_in_braces(name):
    assert PLACEHOLDER.fullmatch(f"{{{name}}}")[1] == name
