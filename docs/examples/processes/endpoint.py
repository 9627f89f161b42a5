"""
A customer's contact endpoint on this machine, which counts.
"""

from __future__ import annotations

import http.server
import json
import threading
from typing import Self


class Endpoint:
    """
    Knows everybody: ``p-7`` is ``p-7@people.example``.

    Attributes:
        lookups: How many references were asked about.
        tokens: How many tokens were asked for.
    """

    def __init__(self) -> None:
        self.lookups: int = 0
        self.tokens: int = 0
        self._counting = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._answering())

    @property
    def origin(self) -> str:
        """
        Where it is.
        """
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str) -> dict[str, object]:
        reference_id = path.rpartition("/")[2]
        with self._counting:
            if path == "/token":
                self.tokens += 1
                return {"access_token": "one-for-all", "token_type": "Bearer", "expires_in": 600}
            self.lookups += 1
        return {"id": reference_id, "email": f"{reference_id}@people.example"}

    def _answering(outer) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: N805
        class Answering(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # a connection is kept for the next request

            def do_GET(self) -> None:
                body = json.dumps(outer._answer(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        return Answering
