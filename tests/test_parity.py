"""
The async shells are the sync shells with ``await``.
"""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

import careof

SOURCE = pathlib.Path(careof.__file__).parent
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)

# What has another name in the async world.
NAMES = {
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
    "aiter_raw": "iter_raw",
    "aread": "read",
    "anext": "next",
    "asend": "send",
    "async_auth_flow": "sync_auth_flow",
    "async_each": "each",
    "async_drive": "drive",
    "async_run": "run",
    "AsyncRetrying": "Retrying",
    "_async_try": "_try",
    "suspend": "block",
    "async_wait_for": "wait_for",
    "handle_async_request": "handle_request",
}

# Exempt are the methods that build the objects, or have nothing to wait for.
CLASSES = [
    ("_resolving/protocols.py", "Resolver", set()),
    ("auth/_cache.py", "TokenCache", set()),
    ("auth/_encrypted_cache.py", "EncryptedTokenCache", set()),
    ("_resolving/resolver.py", "HttpResolver", set()),
    ("_resolving/batch_resolver.py", "BatchHttpResolver", set()),
    ("_resolving/batch_resolver.py", "ResolvedMany", set()),
    ("_network/network.py", "Network", {"blocking", "_bounded"}),
    ("_network/foreign.py", "Foreign", set()),
    ("_network/transport.py", "GuardedTransport", set()),
    ("_sending/many/batch.py", "Batch", {"__init__"}),
    ("_sending/one/delivering.py", "Delivering", {"_kept", "_wait"}),
    ("_sending/dispatcher.py", "Dispatcher", set()),
    ("_sending/check.py", "Checkup", {"_whole"}),
    ("_sending/many/flow.py", "Flow", {"_end", "_pull", "_take", "forsake"}),
    ("_sending/ledger.py", "Ledger", set()),
    ("_sending/ledger.py", "MemoryLedger", set()),
    ("_sending/suppression.py", "SuppressionList", set()),
    ("_sending/sms/gateway.py", "HttpGatewaySender", set()),
    ("_sending/watching/progress.py", "Progress", set()),
    ("pseudonyms/_resolver.py", "PseudonymResolver", set()),
    ("_sending/ledger.py", "Ledger", set()),
    ("_sending/ledger.py", "MemoryLedger", set()),
    ("_sending/senders.py", "SurveySender", set()),
    ("_sending/suppression.py", "SuppressionList", set()),
    ("_sending/email/smtp.py", "SmtpSender", {"_run"}),
]
# Exempt are words that have no twin: one library sleeps, another one is not imported.
FUNCTIONS = [
    ("_network/waits.py", "drive", "async_drive", {}),
    ("_network/retry.py", "_try", "_async_try", {}),
    (
        "_network/retry.py",
        "run",
        "async_run",
        {"        from anyio import sleep\n": "", "sleep=sleep": "sleep=time.sleep"},
    ),
    ("_sending/many/hands.py", "quietly", "async_quietly", {}),
    ("auth/_token.py", "sync_auth_flow", "async_auth_flow", {}),
    ("auth/_nested.py", "nested", "async_nested", {}),
]
# What waits in one class in two ways.
METHODS = [
    (
        "_network/waits.py",
        "Landed",
        "block",
        "suspend",
        # Only a thread cannot wait for as long as one likes.
        {"self._deadline.left()": "min(self._deadline.left(), LONGEST)"},
    ),
    (
        "settings/_settings.py",
        "Settings",
        "check",
        "async_check",
        {
            "def async_check": "def check",
            "each.async_resolver": "each.resolver",
            "each.async_sender is": "each.sender is",
            "each.async_sender.": "each.sender.",
        },
    ),
    (
        "testing/_auth_endpoint.py",
        "AuthEndpoint",
        "handle_request",
        "handle_async_request",
        {},
    ),
]
# What there is only once, or is twice because it is not the same.
ALONE = {
    # A thread sleeps in a selector, a task in its loop: all that differs below.
    "_network/waits.py": {"Wait.suspend", "Ready.suspend", "Ready._anywhere"},
    "_network/flights.py": {"async_wait_for"},
    # What a thread sends to a loop.
    "_network/loops.py": {"_land"},
    # Of a plain iterator.
    "_resolving/batch_input.py": {"AsyncEach.__anext__"},
    # The async side of what is here in full.
    "_network/asked.py": {"AskedRequest.aread"},
    # Threads and tasks have nothing in common but what they carry.
    "_sending/many/crew.py": {
        "AsyncCrew.landed",
        "AsyncCrew.woken",
        "AsyncCrew._work",
        "AsyncCrew._work_in_trio",
    },
    # A thread is not cancelled.
    "_sending/one/uncut.py": {"uncut", "_timed"},
    # A hook that does nothing in both worlds, of a class that is tested in both.
    "testing/_ledger_conformance.py": {"AsyncLedgerConformance.close_ledger"},
    # Doubles, whose own tests drive both.
    "testing/_sender.py": {"AsyncRecordingSender.send"},
    "testing/_canary_ends.py": {"AsyncCanarySender.send"},
}


class WithoutAwait(ast.NodeTransformer):
    """
    Async syntax to sync syntax, async names to sync names, docstrings to nothing.
    """

    def visit_Await(self, node):
        return self.visit(node.value)

    def visit_AsyncFor(self, node):
        return self.visit(ast.For(**{field: getattr(node, field) for field in node._fields}))

    def visit_AsyncWith(self, node):
        return self.visit(ast.With(**{field: getattr(node, field) for field in node._fields}))

    def visit_AsyncFunctionDef(self, node):
        return self.visit(
            ast.FunctionDef(**{field: getattr(node, field) for field in node._fields})
        )

    def visit_FunctionDef(self, node):
        node.name = sync_name(node.name)
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if node.returns is not None and "Generator" in ast.unparse(node.returns):
            node.returns = None
        return self.generic_visit(node)

    def visit_Subscript(self, node):
        if isinstance(node.value, ast.Name) and node.value.id == "Awaitable":
            return self.visit(node.slice)
        return self.generic_visit(node)

    def visit_alias(self, node):
        node.name = sync_name(node.name)
        return node

    def visit_Name(self, node):
        node.id = sync_name(node.id)
        return node

    def visit_Attribute(self, node):
        node.attr = sync_name(node.attr)
        return self.generic_visit(node)


def sync_name(name):
    return NAMES.get(name, name.removeprefix("Async"))


def definitions(path, kind):
    tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, kind)}


def methods(node):
    return {sync_name(item.name): item for item in node.body if isinstance(item, FUNCTION)}


def text(node):
    return ast.unparse(ast.fix_missing_locations(WithoutAwait().visit(node)))


def pairs_of_methods():
    for path, name, exempt in CLASSES:
        classes = definitions(path, ast.ClassDef)
        blocking, waiting = methods(classes[name]), methods(classes[f"Async{name}"])
        for method in sorted(blocking.keys() | waiting.keys()):
            if method not in exempt:
                label = f"{name}.{method}"
                yield pytest.param(blocking.get(method), waiting.get(method), id=label)


@pytest.mark.parametrize("blocking, waiting", list(pairs_of_methods()))
def test_an_async_method_is_the_sync_one_with_await(blocking, waiting):
    assert blocking is not None
    assert waiting is not None
    assert text(waiting) == text(blocking)


def exempted(code, exempt):
    """
    The *code* with its words that have no twin put in those of the other world.
    """
    for words, twin in exempt.items():
        assert code.count(words) == 1  # or the exemption is needed no more
        code = code.replace(words, twin)
    return code


@pytest.mark.parametrize("path, blocking, waiting, exempt", FUNCTIONS)
def test_an_async_function_is_the_sync_one_with_await(path, blocking, waiting, exempt):
    functions = definitions(path, FUNCTION)
    without_await = re.sub(rf"\b{waiting}\b", blocking, text(functions[waiting]))

    assert exempted(without_await, exempt) == text(functions[blocking])


@pytest.mark.parametrize("path, name, blocking, waiting, exempt", METHODS)
def test_a_method_that_suspends_is_the_one_that_blocks_with_await(
    path, name, blocking, waiting, exempt
):
    node = definitions(path, ast.ClassDef)[name]
    methods_of = {item.name: item for item in node.body if isinstance(item, FUNCTION)}

    assert exempted(text(methods_of[waiting]), exempt) == text(methods_of[blocking])


def async_functions():
    """
    The path and the name of every async function that is not inside another one.
    """
    for file in sorted(SOURCE.rglob("*.py")):
        path = file.relative_to(SOURCE).as_posix()
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            inside = node.body if isinstance(node, ast.ClassDef) else [node]
            for item in inside:
                if isinstance(item, ast.AsyncFunctionDef):
                    yield path, item.name if item is node else f"{node.name}.{item.name}"


def test_nothing_is_async_without_a_twin_or_a_reason():
    twins = {(path, f"Async{name}") for path, name, _ in CLASSES}
    functions = {(path, waiting) for path, _, waiting, _ in FUNCTIONS}
    functions |= {(path, f"{name}.{waiting}") for path, name, _, waiting, _ in METHODS}
    alone = {(path, name) for path, names in ALONE.items() for name in names}
    left = {
        (path, name)
        for path, name in async_functions()
        if (path, name.partition(".")[0]) not in twins
        and not {(path, name), (path, name.partition(".")[2])} & functions
    }

    assert left == alone


def test_a_difference_is_seen():
    before = ast.parse("def f(self):\n    return self.send(1)").body[0]
    after = ast.parse("async def f(self):\n    return await self.send(2)").body[0]

    assert text(after) != text(before)
