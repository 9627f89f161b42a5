"""
A transport of somebody else's, such as ``httpx.MockTransport`` in a test.

It looks at no policy, reads without a cap, and may raise anything: what it is
not asked for is done here.  It gets a copy of a request that has a credential
in its query; the answer belongs to the request without.
"""

from __future__ import annotations

from typing import Any

import httpx

from careof._network.call import hand_over
from careof._network.credentials import written
from careof._network.failures import transport_failure
from careof._network.policy import NetworkPolicy
from careof._network.unread import Answer, encoded, is_encoded, too_large
from careof.errors import CareofError


class Foreign:
    """
    A blocking one.
    """

    def __init__(
        self, transport: httpx.BaseTransport, policy: NetworkPolicy, max_body: int
    ) -> None:
        self._transport = transport
        self._policy = policy
        self._max_body = max_body

    def ask(self, request: httpx.Request) -> Answer:
        """
        The whole answer, or the error.
        """
        if not self._policy.allows_url(request.url):
            return self._policy.refusal()
        hand_over(request)  # or not, but it does not tell when
        try:
            response = self._transport.handle_request(written(request))
            try:
                return self._whole(response, request)
            finally:
                response.close()
        except Exception as error:
            return transport_failure(error)

    def probe(self, _request: httpx.Request) -> CareofError | None:
        """
        Nothing: it does not tell about connections.
        """
        return None

    def _whole(self, response: httpx.Response, request: httpx.Request) -> Answer:
        if is_encoded(response.headers.get("content-encoding", "")):
            return encoded()
        if response.is_stream_consumed:
            content = response.content
        else:
            content = b""
            chunks: Any = response.iter_raw()
            try:
                for chunk in chunks:
                    content += chunk
                    if len(content) > self._max_body:
                        break
            finally:
                chunks.close()
        return _capped(response, content, request, self._max_body)


class AsyncForeign:
    """
    One for asyncio, or Trio, or both.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, policy: NetworkPolicy, max_body: int
    ) -> None:
        self._transport = transport
        self._policy = policy
        self._max_body = max_body

    async def ask(self, request: httpx.Request) -> Answer:
        """
        The whole answer, or the error.
        """
        if not self._policy.allows_url(request.url):
            return self._policy.refusal()
        hand_over(request)  # or not, but it does not tell when
        try:
            response = await self._transport.handle_async_request(written(request))
            try:
                return await self._whole(response, request)
            finally:
                await response.aclose()
        except Exception as error:
            return transport_failure(error)

    async def probe(self, _request: httpx.Request) -> CareofError | None:
        """
        Nothing: it does not tell about connections.
        """
        return None

    async def _whole(self, response: httpx.Response, request: httpx.Request) -> Answer:
        if is_encoded(response.headers.get("content-encoding", "")):
            return encoded()
        if response.is_stream_consumed:
            content = response.content
        else:
            content = b""
            chunks: Any = response.aiter_raw()
            try:
                async for chunk in chunks:
                    content += chunk
                    if len(content) > self._max_body:
                        break
            finally:
                await chunks.aclose()
        return _capped(response, content, request, self._max_body)


def _capped(
    response: httpx.Response, content: bytes, request: httpx.Request, max_body: int
) -> Answer:
    if len(content) > max_body:
        return too_large(max_body)
    return httpx.Response(
        response.status_code, headers=response.headers, content=content, request=request
    )
