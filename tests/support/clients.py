"""
Clients of httpx that are not careof's, as a host has them.
"""

from __future__ import annotations

import asyncio

import httpx


class Client:
    """
    One of httpx's two clients, *kind*, with one answer for both.

    Attributes:
        requests: All that were sent.
    """

    def __init__(self, kind, answer, **options):
        self._kind = kind
        self._answer = answer
        self._options = options
        self.requests = []

    def get(self, url, **options):
        """
        What ``client.get`` returns, in a client that is new.
        """
        return self.request("GET", url, **options)

    def request(self, method, url, **options):
        transport = httpx.MockTransport(self._note)
        if self._kind == "sync":
            with httpx.Client(transport=transport, **self._options) as client:
                return client.request(method, url, **options)

        async def main():
            async with httpx.AsyncClient(transport=transport, **self._options) as client:
                return await client.request(method, url, **options)

        return asyncio.run(main())

    def _note(self, request):
        self.requests.append(request)
        return self._answer(request)


def client_of(kind, answer=None, **options):
    """
    A client of *kind*, ``"sync"`` or ``"async"``, of which *answer* is the other side.
    """
    return Client(kind, answer or (lambda _: httpx.Response(200)), **options)
