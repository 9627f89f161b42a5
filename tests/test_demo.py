"""
The demo: what it shows, and that it says so when something is not as it must be.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "docs" / "examples" / "main_job"
CUSTOMER = json.loads((FOLDER / "customer.json").read_text(encoding="utf-8"))
PRIVATE = sorted({text for person in CUSTOMER.values() for text in person.values() if text})

# What the library would do if it did not keep its promises.
LEAKY = "import careof._values.sealed as s; s.Sealed.__repr__ = s.Sealed.__str__ = s.Sealed.reveal"
GULLIBLE = (
    "from careof._resolving.selector import ContactSelector as C; C._stranger = lambda *_: None"
)


def start(folder, code="", **options):
    """
    The demo, in a process of its own, after *code* has run there.
    """
    script = str(FOLDER / "demo.py")
    run = f"import runpy, sys; sys.path.insert(0, {str(FOLDER)!r}); {code or 'pass'}\n"
    run += f"runpy.run_path({script!r}, run_name='__main__')"
    return subprocess.Popen(
        [sys.executable, "-c", run] if code else [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={
            **os.environ,
            "TMPDIR": str(folder),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONWARNINGS": "error::ResourceWarning",
        },
        **options,
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """
    The demo as it is, and on two broken libraries; all at once, to save time.
    """
    folder = tmp_path_factory.mktemp("runs")
    codes = {"sound": "", "leaky": LEAKY, "gullible": GULLIBLE}
    started = {name: start(folder, code) for name, code in codes.items()}
    try:
        ended = {}
        for name, process in started.items():
            stdout, stderr = process.communicate(timeout=30)
            ended[name] = subprocess.CompletedProcess(name, process.returncode, stdout, stderr)
    finally:
        for process in started.values():
            process.kill()
            process.communicate()
    return ended, list(folder.iterdir())


@pytest.fixture(scope="module")
def shown(runs):
    return runs[0]["sound"].stdout


@pytest.fixture(scope="module")
def files():
    """
    The modules of the demo, as it imports them.
    """
    names = ("evidence", "verdict", "outside", "pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        for name in names:
            patch.delitem(sys.modules, name, raising=False)
        yield {name: importlib.import_module(name) for name in names}
        for name in names:
            del sys.modules[name]


def test_everything_is_as_it_must_be(runs):
    run = runs[0]["sound"]

    assert (run.returncode, run.stderr) == (0, "")
    assert "Everything above is as it must be." in run.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "line",
    [
        r"people\.csv: 11 people, without a name or an address\..*",
        r"  customer: works",
        r"    ok      token +\d+ ms  fetched",
        r"5 messages, all that anybody was sent\. .*",
        r"  To +zoe\.underhill@ambridge\.example",
        r"  cus-8Q2MTA  sent +\d+",
        r"  cus-N3E9VR  not_found +\d+",
        r"  cus-T2S8YL  no_address +email +\d+",
        r"  cus-W9F5QN  gone +\d+",
        r"  cus-B1K7XC  bad_response  json +\d+",
        r"  cus-M4D3ZJ  bad_response  other_reference +\d+",
        r"  cus-R0G6AE  rejected +smtp_550_5\.1\.1 +\d+",
        r"([2-9]|\d\d) were asked for, in all\.",
        r"  log records +\d\d+ +[\d,]+ +0  found",
        r"0 hits in \d\d+ places\.",
    ],
)
def test_the_demo_shows(shown, line):
    assert re.search(f"^{line}$", shown, re.MULTILINE)


def test_addresses_and_names_are_shown_among_the_received_messages_only(shown):
    sections = re.split(r"\n(?=\d\. )", shown)
    others = "".join(text for text in sections if not text.startswith("4."))

    assert [text for text in PRIVATE if text in others] == []


def test_nobody_who_was_not_written_to_is_shown_at_all(shown):
    silent = ("lethe.example", "cutoff.example", "amersfoort.example", "mailbox.example")

    assert [text for text in silent if text in shown] == []


def test_the_demo_fits_a_terminal_and_paints_none_that_is_not_there(shown):
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown


def test_the_demo_leaves_no_file_behind(runs):
    assert runs[1] == []


def test_a_library_that_shows_addresses_fails_the_demo(runs):
    run = runs[0]["leaky"]

    assert run.returncode == 1
    assert "An address, a name or a secret is in the log records" in run.stdout
    assert "An address, a name or a secret is in the errors" in run.stdout


def test_a_library_that_believes_an_answer_about_somebody_else_fails_the_demo(runs):
    run = runs[0]["gullible"]

    assert run.returncode == 1
    assert "cus-M4D3ZJ was to be bad_response, its receipt says sent." in run.stdout
    assert "The message for cus-M4D3ZJ went to somebody else." in run.stdout


def test_the_world_ends_when_its_stdin_is_closed():
    ended = subprocess.run(
        [sys.executable, FOLDER / "world.py"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=15,
        check=True,
    )

    assert b"https_port" in ended.stdout


def test_the_world_ends_by_itself_when_its_time_is_up():
    code = "import world; world.LIFETIME = 0.1; world.main()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        assert process.wait(15) == 3


def test_the_world_ends_with_the_block_that_failed(files):
    world = files["outside"].World()
    with pytest.raises(KeyError), world:
        raise KeyError

    assert world._process.poll() is not None


def test_a_world_that_ended_early_ends_the_demo_with_a_sentence(files):
    with files["outside"].World() as world:
        world.ready()
        world._process.kill()
        world._process.wait(5)

        with pytest.raises(SystemExit, match="ended before its time"):
            world.ask("report")


def test_the_world_ends_with_the_demo_on_ctrl_c(tmp_path):
    demo = start(tmp_path, process_group=0)
    try:
        while not demo.stdout.readline().startswith("Waiting"):
            assert demo.poll() is None
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: to the whole group
        # Both hold stderr: it ends when both have.
        _, stderr = demo.communicate(timeout=10)
    finally:
        demo.kill()

    assert (demo.returncode, stderr, list(tmp_path.iterdir())) == (130, "", [])


@pytest.fixture
def good(files):
    expected = {"a": "sent", "b": "sent", "c": "gone"}
    run = files["verdict"].Run(
        check_passed=True,
        outcomes=list(expected.items()),
        deliveries=[("a", ["a@x.example"], True), ("b", ["b@x.example"], True)],
        contacts={"a": "a@x.example", "b": "b@x.example", "c": "c@x.example"},
        token_requests=2,
        hits={"files": 0},
        canaries={"files": 1},
        contact_pickled=False,
        seconds=3.0,
    )

    def complaints(**changes):
        return files["verdict"].complaints(dataclasses.replace(run, **changes), expected)

    return complaints


def test_a_good_run_has_no_complaint(good):
    assert good() == []


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"check_passed": False}, "configuration test did not pass"),
        ({"outcomes": [("a", "sent"), ("b", "sent")]}, "c was to be gone"),
        ({"outcomes": [("a", "sent"), ("b", "gone"), ("c", "gone")]}, "b was to be sent"),
        (
            {"outcomes": [("a", "sent"), ("b", "sent"), ("c", "gone"), ("c", "gone")]},
            "exactly one receipt",
        ),
        ({"deliveries": [("a", ["a@x.example"], True)]}, "1 messages arrived"),
        (
            {"deliveries": [("a", ["a@x.example"], True)] * 2},
            "2 messages arrived, for 1 people",
        ),
        (
            {"deliveries": [("a", ["a@x.example"], True), ("b", ["a@x.example"], True)]},
            "message for b went to somebody else",
        ),
        (
            {
                "deliveries": [
                    ("a", ["a@x.example"], True),
                    ("b", ["b@x.example", "c@x.example"], True),
                ]
            },
            "message for b went to somebody else",
        ),
        (
            {"deliveries": [("a", ["a@x.example"], True), (None, ["b@x.example"], True)]},
            "message for nobody known",
        ),
        (
            {"deliveries": [("a", ["a@x.example"], True), ("b", ["b@x.example"], False)]},
            "b came without TLS",
        ),
        ({"contacts": {"a": "a@x.example", "b": None}}, "b went to somebody else"),
        ({"token_requests": 1}, "a refresh makes at least 2"),
        ({"hits": {"files": 3}}, r"is in the files \(3 hits\)"),
        ({"hits": {}}, "Nothing was searched"),
        ({"canaries": {"files": 0}}, "cannot find what is planted in the files"),
        ({"canaries": {}}, "Nothing was searched"),
        ({"contact_pickled": True}, "let itself be pickled"),
        ({"seconds": 20.0}, "took 20 s"),
    ],
)
def test_whatever_is_not_so_is_said(good, changes, sentence):
    assert re.search(sentence, "\n".join(good(**changes)))


def test_what_is_not_so_is_printed_as_a_list(files):
    text = files["pages"].verdict(["One.", "Two."], 1.0)

    assert text.splitlines() == ["This is not as it must be:", "  - One.", "  - Two."]


def test_the_search_finds_what_is_planted_in_each_kind_of_place(files):
    evidence = files["evidence"]
    found = {
        kind: evidence.hits(texts, [evidence.CANARY]) for kind, texts in evidence.planted().kinds()
    }

    assert sorted(kind for kind, count in found.items() if count) == [
        "errors",
        "files",
        "log records",
        "pickles",
        "receipts",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "to=Zoë.O'Hara@x.example",
        "TO=ZOË.O'HARA@X.EXAMPLE",
        "?to=Zo%C3%AB.O%27Hara%40x.example",
        "<b>Zoë.O&#x27;Hara@x.example</b>",
        r"{'to': b'Zo\xeb.O'Hara@x.example'}",
        "tel:+44 20 7946 0018",
        "tel:442079460018",
        "call 20 7946 0018",
    ],
)
def test_the_search_knows_the_spellings_of_a_value(files, text):
    evidence = files["evidence"]
    wanted = evidence.needles(["Zoë.O'Hara@x.example"], ["+44 20 7946 0018"])

    assert evidence.hits(["nothing here", text], wanted) >= 1


def test_the_search_does_not_find_what_is_not_there(files):
    evidence = files["evidence"]
    wanted = evidence.needles(["a@x.example"], ["+15550100"])

    assert evidence.hits(["a@y.example 555 0100", ""], wanted) == 0


def test_a_log_record_is_kept_with_its_arguments_and_the_locals_of_its_traceback(files):
    def fail():
        inner = "local value"  # noqa: F841 (it is found in the traceback)
        raise KeyError

    with files["evidence"].LogKeeper() as log:
        logger = logging.getLogger("some.library")
        logger.debug("no place for it", extra={"hidden": "extra value"})
        try:
            fail()
        except KeyError:
            logger.exception("failed")

    assert "extra value" in log.texts[0]
    assert "local value" in log.texts[1]


def test_an_error_is_searched_with_its_attributes_and_what_led_to_it(files):
    error = KeyError("own")
    error.note = "attribute"
    error.__context__ = ValueError("what led to it")

    text = files["evidence"].text_of(error)

    assert all(part in text for part in ("own", "attribute", "what led to it"))
