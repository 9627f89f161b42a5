"""
A HashiCorp Vault on loopback: AppRole logins, and the KV engine of version 2.
"""

from __future__ import annotations

import http.server
import json
import secrets
import threading


class FakeVault:
    """
    Speaks what hvac asks for, and fails by status.

    Attributes:
        kv: Paths to the values there; change it to rotate.
        status: What every read answers in place of 200.
        is_silent: Whether it takes requests and answers none.
        reads, logins: How many there were.
    """

    def __init__(self, *, role_id, secret_id):
        self.kv = {}
        self.status = 200
        self.is_silent = False
        self.reads = self.logins = 0
        self._closing = threading.Event()
        self._credentials = {"role_id": role_id, "secret_id": secret_id}
        self._tokens = set()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def end_tokens(self):
        """
        Accept none of the tokens that were issued so far.
        """
        self._tokens.clear()

    def log_in(self, credentials):
        self.logins += 1
        if credentials != self._credentials:
            return 400, {"errors": ["invalid role or secret ID"]}
        return 200, {"auth": {"client_token": self.issue(), "lease_duration": 60}}

    def issue(self):
        token = f"hvs.canary-{secrets.token_hex(8)}"
        self._tokens.add(token)
        return token

    def end(self, token):
        self._tokens.remove(token)

    def read(self, path, token):
        self.reads += 1
        if token not in self._tokens:
            return 403, {"errors": ["permission denied"]}
        if self.status != 200:
            # A far side may quote anything.
            return self.status, {"errors": [json.dumps(self.kv)]}
        if path not in self.kv:
            return 404, {"errors": []}
        return 200, {"data": {"data": self.kv[path], "metadata": {"version": 1}}}

    def _handler(vault):  # noqa: N805 - self is the handler's
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/auth/approle/login"
                self.answer(*vault.log_in(json.loads(body)))

            def do_GET(self):
                path = self.path.removeprefix("/v1/secret/data/").partition("?")[0]
                self.answer(*vault.read(path, self.headers["X-Vault-Token"]))

            def answer(self, status, body):
                if vault.is_silent:
                    vault._closing.wait(10)
                    return
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        return Handler
