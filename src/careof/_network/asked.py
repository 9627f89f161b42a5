"""
A request whose URL is known in parts, and put together only for those who look.

To parse a URL takes a tenth of a whole lookup, and all that careof needs of it,
where to connect and what to ask there, its template knows beforehand.  A
strategy that reads ``request.url`` gets it; once it sets another one, that one
counts.
"""

from __future__ import annotations

import attrs
import httpx

Origin = tuple[str, str, int]  # scheme, host, port


@attrs.frozen
class Place:
    """
    Where a request goes.

    Attributes:
        origin: Scheme, host and port.
        target: Path and query, as they are sent.
    """

    origin: Origin
    target: bytes


class AskedRequest(httpx.Request):
    """
    A request with a body that is here in full.

    Args:
        url: Its URL as a text.
        place: The same in parts, if they are known.
        headers: All of them, the host and the length included.
    """

    def __init__(
        self,
        method: str,
        url: str,
        *,
        place: Place | None,
        headers: dict[str, str],
        content: bytes = b"",
    ) -> None:
        super().__init__(method, _NOWHERE, headers=headers, stream=httpx.ByteStream(content))
        # Or httpx would find out each time that it looks for one.
        self.headers.encoding = "ascii"
        self._whole = content
        self._given = self.stream
        self._text = url
        self._parsed: httpx.URL | None = None
        self.place = place

    @property
    def url(self) -> httpx.URL:
        """
        The whole URL.
        """
        if self._parsed is None:
            self._parsed = httpx.URL(self._text)
        return self._parsed

    @url.setter
    def url(self, url: httpx.URL) -> None:
        self._parsed = url
        self.place = None

    @property
    def content(self) -> bytes:
        """
        The body.
        """
        return self.read()

    def read(self) -> bytes:
        """
        The body, also one that a strategy has put in place of ours.
        """
        if self.stream is not self._given and isinstance(self.stream, httpx.ByteStream):
            self._given, self._whole = self.stream, b"".join(self.stream)
        return self._whole

    async def aread(self) -> bytes:
        """
        As ``read``.
        """
        return self.read()


def place_of(request: httpx.Request) -> Place:
    """
    Where *request* goes.
    """
    place = request.place if isinstance(request, AskedRequest) else None
    if place is not None:
        return place
    return Place(origin_of(request.url), request.url.raw_path)


def origin_of(url: httpx.URL) -> Origin:
    """
    Scheme, host and port of *url*.
    """
    return url.scheme, url.raw_host.decode("ascii"), port_of(url)


def port_of(url: httpx.URL) -> int:
    """
    The port that *url* names, or the usual one of its scheme.
    """
    port = url.port
    if port is None:
        return 443 if url.scheme == "https" else 80
    return port  # 0 is a port that was named, and no usual one


_NOWHERE = httpx.URL("")
