"""
Placeholders, and the places in HTML where escaping a value would not be enough.
"""

from __future__ import annotations

import re
from collections.abc import Container
from html.parser import HTMLParser

NAME = re.compile(r"[a-z_][a-z0-9_]*")
PLACEHOLDER = re.compile(rf"\{{({NAME.pattern})\}}")

_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
# "<{name}" is plain text to a parser, until a value makes it a tag.
_OPENS_TAG = re.compile(rf"</?{PLACEHOLDER.pattern}")
# Scripts, styles and documents: what they hold is parsed once more.
_PARSED_AGAIN = re.compile(r"on.*|style|srcdoc")


def html_problem(template: str, urls: Container[str]) -> str:
    """
    What is wrong with the places of the placeholders in *template*, or "".

    Args:
        urls: The names that may stand inside an attribute, in quotes.
    """
    if _OPENS_TAG.search(template):
        return "a placeholder stands right behind '<' and could become the name of a tag"
    return _Places(urls).problem_of(template)


class _Places(HTMLParser):
    """
    Finds placeholders where escaping a value would not be enough.
    """

    def __init__(self, urls: Container[str]) -> None:
        super().__init__(convert_charrefs=False)
        self._urls = urls
        self._raw_text = ""  # the element that we are in, if its text is code
        self._seen = 0
        self._problem = ""

    def problem_of(self, template: str) -> str:
        self.feed(template)
        # Before close(): at the end some Pythons make text of what is left,
        # some drop it.
        if "<" in self.rawdata or self._raw_text:
            return self._problem or "a tag, a comment or a script does not end"
        self.close()
        if self._seen != len(PLACEHOLDER.findall(template)):
            return self._problem or "a placeholder stands where no text can be"
        return self._problem

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._raw_text = tag
        source = self.get_starttag_text() or ""
        names = PLACEHOLDER.findall(source)
        self._seen += len(names)
        if any(name not in self._urls for name in names) or (
            PLACEHOLDER.search(_QUOTED.sub("", source))
        ):
            self._problem = (
                "a placeholder stands inside a tag; only the names of urls may, "
                "inside the quotes of an attribute"
            )
        elif any(
            _PARSED_AGAIN.fullmatch(name) and PLACEHOLDER.search(value or "")
            for name, value in attrs
        ):
            self._problem = "a placeholder stands inside an attribute that is a script or a style"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML knows no <script/>: for a browser it begins here.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._raw_text:
            self._raw_text = ""

    def handle_data(self, data: str) -> None:
        found = len(PLACEHOLDER.findall(data))
        self._seen += found
        if self._raw_text and found:
            self._problem = "a placeholder stands inside <script> or <style>"

    def _refuse(self, data: str) -> None:
        found = len(PLACEHOLDER.findall(data))
        self._seen += found
        if found:
            self._problem = "a placeholder stands inside a comment or declaration"

    def handle_comment(self, data: str) -> None:
        self._refuse(data)

    def handle_decl(self, decl: str) -> None:
        self._refuse(decl)

    def handle_pi(self, data: str) -> None:
        self._refuse(data)

    def unknown_decl(self, data: str) -> None:
        self._refuse(data)
