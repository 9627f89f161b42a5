"""
One HTTP/1.1 request and its answer, without a socket.

Theory of operation: it has the bytes to send, and is fed those that come until
they are an answer.  Most come in one piece and are read at once; the others are
parsed.  Both ways give the same answer where both give one.
"""

from __future__ import annotations

from typing import Any

import httpx

from careof._network.at_once import at_once
from careof._network.question import question
from careof._network.unread import Answer


class Exchange:
    """
    A question that is asked once, and the answer to it.

    Args:
        max_body: Bytes of the answer's body.
        keep_alive: Whether another question may follow on the connection.

    Attributes:
        question: The bytes to send.
        leaves_quiet: Whether the answer is complete, nothing follows, and the
            other side goes on.
    """

    __slots__ = ("_max_body", "_parsing", "_request", "leaves_quiet", "question")

    def __init__(self, request: httpx.Request, *, max_body: int, keep_alive: bool = False) -> None:
        self._request = request
        self._max_body = max_body
        self._parsing: Any = None
        self.leaves_quiet = False
        self.question: bytes = question(request, keep_alive=keep_alive)

    def feed(self, data: bytes) -> Answer | None:
        """
        The answer, if *data* completes it or shows that it will not be read.

        Args:
            data: What came; nothing means that the connection closed.

        Raises:
            h11.ProtocolError: It is no HTTP/1.1, or ended too early.
        """
        if self._parsing is None:
            whole = at_once(data, self._request, self._max_body)
            if whole is not None:
                self.leaves_quiet = True
                return whole
            # Late, so that importing careof imports no h11.
            from careof._network.parsing import Parsing

            self._parsing = Parsing(self._request, self._max_body)
        answer: Answer | None = self._parsing.feed(data)
        self.leaves_quiet = self._parsing.leaves_quiet
        return answer
