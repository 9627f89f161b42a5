"""
Placeholders, and the places in HTML where escaping a value would not be enough.
"""

from __future__ import annotations

import re
from collections.abc import Container
from html.parser import HTMLParser

PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")

_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")


def html_problem(template: str, urls: Container[str]) -> str:
    """
    What is wrong with the places of the placeholders in *template*, or "".

    Args:
        urls: The names that may stand inside an attribute, in quotes.
    """
    return _Places(urls).problem_of(template)


class _Places(HTMLParser):
    """
    Finds placeholders where escaping a value would not be enough.
    """

    def __init__(self, urls: Container[str]) -> None:
        super().__init__(convert_charrefs=False)
        self._urls = urls
        self._raw_text = 0
        self._problem = ""

    def problem_of(self, template: str) -> str:
        self.feed(template)
        self.close()
        if self.rawdata:
            self._problem = "a tag or comment does not end"
        return self._problem

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 (its source is read)
        self._raw_text += tag in ("script", "style")
        source = self.get_starttag_text() or ""
        outside_quotes = _QUOTED.sub("", source)
        if any(n not in self._urls for n in PLACEHOLDER.findall(source)) or (
            PLACEHOLDER.search(outside_quotes)
        ):
            self._problem = (
                "a placeholder stands inside a tag; only the names of urls may, "
                "inside the quotes of an attribute"
            )

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        self._raw_text -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if self._raw_text and PLACEHOLDER.search(data):
            self._problem = "a placeholder stands inside <script> or <style>"

    def _refuse(self, data: str) -> None:
        if PLACEHOLDER.search(data):
            self._problem = "a placeholder stands inside a comment or declaration"

    def handle_comment(self, data: str) -> None:
        self._refuse(data)

    def handle_decl(self, decl: str) -> None:
        self._refuse(decl)

    def handle_pi(self, data: str) -> None:
        self._refuse(data)

    def unknown_decl(self, data: str) -> None:
        self._refuse(data)
