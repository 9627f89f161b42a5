"""
The base of every authentication strategy.
"""

from __future__ import annotations

from collections.abc import Generator

import httpx

from careof._values.sealed import Unpicklable


class AuthStrategy(Unpicklable, httpx.Auth):
    """
    How a request says who asks: subclass it and override ``apply``.

    A strategy *is* an ``httpx.Auth``: it works in any httpx client, and any
    ``httpx.Auth`` works in a resolver.  The promises about logs and deadlines
    hold in a resolver; in a client of your own they are that client's.
    """

    _instead = "Build it where it is needed, with secrets that are read there."

    def apply(self, request: httpx.Request) -> None:
        """
        Add the credentials to *request*, in place.
        """

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """
        Apply, and send once.
        """
        self.apply(request)
        yield request

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class NoAuth(AuthStrategy):
    """
    The endpoint asks for no credentials.
    """
