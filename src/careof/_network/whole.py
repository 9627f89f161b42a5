"""
An answer that is here in full.
"""

from __future__ import annotations

import httpx


class WholeResponse(httpx.Response):
    """
    A response that has its body without reading a stream first.

    It works wherever an ``httpx.Response`` does, and takes a tenth of the time
    to make.
    """

    def __init__(
        self,
        status: int,
        headers: list[tuple[bytes, bytes]],
        content: bytes,
        request: httpx.Request,
        *,
        headers_are_ascii: bool = False,
    ) -> None:
        super().__init__(
            status, headers=headers, stream=httpx.ByteStream(content), request=request
        )
        if headers_are_ascii:
            # Or httpx would find out each time that it looks for one.
            self.headers.encoding = "ascii"
        self._whole = content

    @property
    def content(self) -> bytes:
        """
        The body.
        """
        return self._whole
