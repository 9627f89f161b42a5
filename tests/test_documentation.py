from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import careof
import careof.auth
import careof.contacts
import careof.errors
import careof.integrations.celery
import careof.integrations.otel
import careof.integrations.redis
import careof.pseudonyms
import careof.settings
import careof.testing
from careof._sending.email.failures import _WORDS

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("how-to/*.md")),
    *sorted((ROOT / "docs").glob("explanation/*.md")),
]
SOURCES = sorted((ROOT / "src" / "careof").rglob("*.py"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


TREES = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]


NODES = [node for tree in TREES for node in ast.walk(tree)]


def positions_of_detail():
    """
    The functions of ours that take a ``detail``, and at which position.
    """
    positions = {"UnusableError": 0, "End": 1}
    for node in NODES:
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            names = [argument.arg for argument in node.args.args if argument.arg != "self"]
            if "detail" in names:
                positions[node.name] = names.index("detail")
    return positions


def details_in_the_source():
    """
    Every text that is passed as a ``detail``, by name or by position.
    """
    positions = positions_of_detail()
    for call in NODES:
        if isinstance(call, ast.Call):
            name = getattr(call.func, "attr", "") or getattr(call.func, "id", "")
            passed = [keyword.value for keyword in call.keywords if keyword.arg == "detail"]
            if name in positions:
                passed += call.args[positions[name] : positions[name] + 1]
            for part in [part for value in passed for part in ast.walk(value)]:
                if isinstance(part, ast.Constant) and part.value:
                    # What makes a mail server unusable reaches a receipt by failed_sending.
                    yield f"sender:{part.value}" if name == "UnusableError" else part.value


def details_on_the_page():
    """
    Every word in the first column of the tables of details.
    """
    tables = read("docs/errors.md").partition("\n## Details\n")[2]
    cells = re.findall(r"^\| (.*?) \|", tables, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


# What is put together where it is used, as the page has it.
PUT_TOGETHER = {
    "names_busy",
    "tokens_busy",
    "email",  # the channel
    "sms",
    "invalid_client",  # the words of RFC 6749
    "invalid_scope",
    "smtp_550_5.1.1",  # replies
    "sender:smtp_451_4.7.1",
    "sender:smtp_auth_535",
    *(f"sender:{word}" for _, word in _WORDS),
    "gateway_400",  # of a gateway: statuses, codes, and how a success does not fit
    "code:21211",
    "sender:gateway_401",
    "sender:code:20429",
    "gateway_answer",
    "no_message_id",
    "ledger:",  # parts of the host that failed
    "suppression:",
    "dispatchers:",  # of the workers of Celery
    "invitations:",
    "rates:",
}
DETAILS = PUT_TOGETHER | set(details_in_the_source()) - {
    "_busy",
    ":",
    "sender:",
    "sender:smtp_auth_",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_in_python_is_marked_so_that_it_is_executed(page):
    fences = re.findall(r"^```+ *(\S*)$", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert not {"py", "python3", "pycon", "pytest"} & set(fences)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_prose_has_one_sentence_per_line(page):
    prose = re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    lines = [line for line in prose.splitlines() if not line.startswith(("|", "*Room", "% "))]

    assert [line for line in lines if re.search(r"[a-z`)*][.?!] [A-Z`*]", line)] == []


@pytest.mark.parametrize("outcome", list(careof.Outcome))
def test_the_errors_page_has_a_row_for_every_outcome(outcome):
    assert f"\n| `{outcome}` | " in read("docs/errors.md")


@pytest.mark.parametrize(
    "error",
    [
        kind
        for _, kind in inspect.getmembers(careof.errors, inspect.isclass)
        if issubclass(kind, careof.CareofError)
    ],
    ids=lambda kind: kind.__name__,
)
def test_the_errors_page_names_every_error(error):
    assert f"`{error.__name__}`" in read("docs/errors.md")


@pytest.mark.parametrize("outcome", list(careof.Outcome))
def test_the_errors_page_puts_each_error_beside_its_outcome(outcome):
    rows = re.findall(rf"^\| `{outcome}` \| `?(\w+)`? \|", read("docs/errors.md"), re.MULTILINE)
    errors = [getattr(careof.errors, name) for name in rows if name != "none"]

    assert {error.outcome for error in errors} <= {outcome}


def test_the_errors_page_explains_every_detail_and_no_other():
    assert details_on_the_page() == DETAILS


@pytest.mark.parametrize(
    "module",
    [
        careof,
        careof.auth,
        careof.contacts,
        careof.errors,
        careof.integrations.celery,
        careof.integrations.otel,
        careof.integrations.redis,
        careof.pseudonyms,
        careof.settings,
        careof.testing,
    ],
    ids=lambda module: module.__name__,
)
def test_the_reference_lists_every_public_module(module):
    assert f".. automodule:: {module.__name__}\n   :members:\n" in read("docs/api.md")


def test_the_reference_leaves_out_no_method():
    left_out = ", ".join(re.findall(r":exclude-members: (.*)", read("docs/api.md"))).split(", ")

    assert [name for name in left_out if not inspect.isfunction(vars(careof.errors)[name])] == []


def named_on_the_page_of_promises():
    """
    The files of tests that stand behind the promises, as paths.
    """
    return {
        ROOT / "tests" / name for name in re.findall(r"`([\w/]+\.py)`", read("docs/promises.md"))
    }


def test_the_page_of_promises_names_only_tests_that_there_are():
    assert [path for path in named_on_the_page_of_promises() if not path.is_file()] == []


def test_the_page_of_promises_names_every_file_that_tests_one():
    files = {
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if '\n"""\nPromise' in "\n" + path.read_text(encoding="utf-8")
    }

    assert files
    assert files <= named_on_the_page_of_promises()


def test_the_front_page_names_every_page_once():
    front = read("docs/index.md")
    files = [
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/how-to/*.md"),
        *ROOT.glob("docs/explanation/*.md"),
        *ROOT.glob("docs/notebooks/*.ipynb"),
    ]
    pages = {str(path.relative_to(ROOT / "docs")) for path in files} - {"index.md"}
    lists = re.findall(r"^- .*$", front, re.MULTILINE)
    trees = re.findall(r"```\{toctree\}\n(.*?)```", front, re.DOTALL)

    assert sorted(re.findall(r"\]\(([^)#]+)\)", "\n".join(lists))) == sorted(pages)
    assert sorted(re.findall(r"^[\w/-]+$", "\n".join(trees), re.MULTILINE)) == sorted(
        page.rpartition(".")[0] for page in pages
    )
