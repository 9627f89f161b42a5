"""
A strategy of somebody else's, which asks as often as a test wants.
"""

from __future__ import annotations

import httpx

ELSEWHERE = "https://id.elsewhere.example/token"


class Asking(httpx.Auth):
    """
    A strategy of somebody else's, whose flow notes what it sees.

    Args:
        asks: What it yields before the request, and after each answer: a
            function of the request.
    """

    def __init__(self, name, *asks):
        self.name = name
        self.asks = asks
        self.answers = []
        self.closed = 0

    def auth_flow(self, request):
        try:
            for ask in self.asks:
                answer = yield ask(request)
                self.answers.append(answer.status_code)
        finally:
            self.closed += 1


def marked(name):
    """
    An ask that leaves *name* in the request.
    """

    def mark(request):
        request.headers["X-Marks"] = request.headers.get("x-marks", "") + name
        return request

    return mark


def as_it_is(request):
    return request


def own_request(url):
    """
    An ask that is a conversation of the strategy's own.
    """
    return lambda request: httpx.Request("GET", url)


def moved(request):
    request.url = httpx.URL(ELSEWHERE)
    return request
