"""
The async shells are the sync shells with ``await``.
"""

from __future__ import annotations

import ast
import pathlib

import pytest

import careof

SOURCE = pathlib.Path(careof.__file__).parent

# What has another name in the async world.
NAMES = {
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
    "aiter_raw": "iter_raw",
    "anext": "next",
    "asend": "send",
    "async_addresses": "addresses",
    "async_auth_flow": "sync_auth_flow",
    "async_wait_for": "wait_for",
    "handle_async_request": "handle_request",
}

# Exempt are the lines that touch a socket, and those that build the objects.
CLASSES = [
    ("_resolving/protocols.py", "Resolver", set()),
    ("_resolving/resolver.py", "HttpResolver", set()),
    ("_network/network.py", "Network", {"blocking", "_bounded"}),
    ("_network/transport.py", "GuardedTransport", set()),
    ("_sending/dispatcher.py", "Dispatcher", set()),
    ("_sending/senders.py", "SurveySender", set()),
]
FUNCTIONS = [
    ("_network/names.py", "addresses", "async_addresses"),
    ("auth/_token.py", "sync_auth_flow", "async_auth_flow"),
]


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
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {sync_name(item.name): item for item in node.body if isinstance(item, functions)}


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


@pytest.mark.parametrize("path, blocking, waiting", FUNCTIONS)
def test_an_async_function_is_the_sync_one_with_await(path, blocking, waiting):
    functions = definitions(path, (ast.FunctionDef, ast.AsyncFunctionDef))

    assert text(functions[waiting]).replace(waiting, blocking) == text(functions[blocking])


def test_both_connections_have_the_same_methods_with_the_same_parameters():
    classes = definitions("_network/connection.py", ast.ClassDef)
    shapes = [
        {name: ast.unparse(method.args) for name, method in methods(classes[kind]).items()}
        for kind in ("Connection", "AsyncConnection")
    ]
    shapes[1]["__init__"] = shapes[0]["__init__"]

    assert shapes[0] == shapes[1]


def test_a_difference_is_seen():
    before = ast.parse("def f(self):\n    return self.send(1)").body[0]
    after = ast.parse("async def f(self):\n    return await self.send(2)").body[0]

    assert text(after) != text(before)
