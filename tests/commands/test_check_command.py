"""
``python -m careof check``: three exit codes, and a report for people and for programs.
"""

from __future__ import annotations

import io
import json
import signal

import pytest

from careof._commands import check as command
from careof._commands.command_line import main
from tests.support.canary import seen_in
from tests.support.rows import EMAIL, GATEWAY, PSEUDONYMS, SMS
from tests.support.server import Server
from tests.support.terminals import Terminal

REFERENCE = "canary-reference-1"
SECRET = "canary-secret-0001-of-more-than-32-bytes"


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "settings.json"

    def write(tree):
        file.write_text(json.dumps(tree), encoding="utf-8")
        return str(file)

    return write


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("CAREOF_K_1", SECRET)
    return {"name": "customer-12", "pseudonyms": PSEUDONYMS}


def test_settings_that_work_end_in_zero(file, keys, capsys):
    assert main(["check", file(keys), REFERENCE]) == 0

    told = capsys.readouterr()
    assert told.out.startswith("customer-12: works\n")
    assert told.err == ""


def test_settings_that_do_not_work_end_in_one(file, keys, capsys, monkeypatch):
    monkeypatch.delenv("CAREOF_K_1")

    assert main(["check", file(keys), REFERENCE]) == 1

    told = capsys.readouterr()
    assert "env:CAREOF_K_1 cannot be read" in " ".join(told.out.split())
    assert seen_in([told.out, told.err], [REFERENCE]) == []


def test_settings_that_cannot_be_understood_end_in_two_with_all_reasons(file, capsys):
    tree = {"email": {**EMAIL, "auth": {"scheme": "bearer", "token": SECRET}, "x": 1}}

    assert main(["check", file(tree), REFERENCE]) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert "careof check:   email.auth.token: expected a reference" in told.err
    assert "careof check:   email.x: there is no such key" in told.err
    assert SECRET not in told.err


RENEWED = {
    "scheme": "oauth2_refresh_token",
    "token_url": "https://127.0.0.1:1/token",
    "client_id": "survey-host",
    "client_secret": "env:CAREOF_K_1",
    "refresh_token": "env:CAREOF_K_1",
}


HERE = {"url": "https://127.0.0.1:1/{reference_id}", "network": {"ports": [1, 443]}}
RENEWING = {**GATEWAY, "url": "https://127.0.0.1:1/", "auth": RENEWED}


@pytest.mark.parametrize(
    "tree",
    [{"email": {**EMAIL, **HERE, "auth": RENEWED}}, {"sms": {**SMS, **HERE, "sender": RENEWING}}],
    ids=["resolver", "sender"],
)
def test_no_refresh_token_is_spent_where_the_new_one_would_be_lost(file, tree, capsys):
    words = ["check", file(tree), REFERENCE, "--allow-network", "127.0.0.0/8"]

    assert main(words) == 2
    assert "a refresh token may be spent" in capsys.readouterr().err
    assert main([*words, "--spend-refresh-token"]) == 1


def test_the_refresh_token_of_a_channel_that_is_left_out_does_not_matter(file):
    tree = {"email": {**EMAIL, **HERE, "auth": RENEWED}, "sms": {**SMS, **HERE}}
    words = ["--allow-network", "127.0.0.0/8", "--channel", "sms"]

    assert main(["check", file(tree), REFERENCE, *words]) == 1


@pytest.mark.parametrize(
    "words, expected",
    [
        ([], "required: SETTINGS, REFERENCE"),
        (["a.yaml", REFERENCE], "SETTINGS: expected a file whose name ends in .toml or .json"),
        (["a.toml", REFERENCE, "--channel", REFERENCE], "--channel: expected email or sms"),
        (["a.toml", REFERENCE, "--allow-network", "10.0.0.1/8"], "expected a network such as"),
        (["a.toml", REFERENCE, SECRET], "a word too many"),
    ],
)
def test_a_command_line_that_cannot_be_understood_ends_in_two(words, expected, capsys):
    assert main(["check", *words]) == 2

    told = capsys.readouterr().err
    assert expected in told
    assert seen_in([told], [REFERENCE, SECRET]) == []


def test_a_file_that_is_not_there_ends_in_two(tmp_path, capsys):
    assert main(["check", str(tmp_path / "a.toml"), REFERENCE]) == 2
    assert "the file cannot be read" in capsys.readouterr().err


def test_a_channel_that_is_not_set_up_ends_in_two(file, keys, capsys):
    assert main(["check", file(keys), REFERENCE, "--channel", "sms"]) == 2
    assert "expected one that is set up: there is none" in capsys.readouterr().err


def test_programs_get_json(file, keys, capsys):
    assert main(["check", file(keys), REFERENCE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_help_names_every_option_and_exit_code(capsys):
    assert main(["check", "--help"]) == 0

    told = capsys.readouterr().out
    for word in "--channel --json --allow-network --loopback SETTINGS REFERENCE 0 1 2".split():
        assert word in told.split()


@pytest.mark.parametrize("no_color, has_colour", [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_it_wants_none(
    file, keys, monkeypatch, no_color, has_colour
):
    monkeypatch.setenv("NO_COLOR", no_color)
    terminal = Terminal(100)
    with terminal.stream:
        monkeypatch.setattr("sys.stdout", terminal.stream)
        assert main(["check", file(keys), REFERENCE]) == 0
        shown = terminal.received()
        monkeypatch.undo()

    assert ("\x1b[32mok\x1b[0m" in shown) is has_colour


def test_a_demo_runs_on_this_machine(file, capsys):
    body = json.dumps({"id": REFERENCE, "email": "kim@people.example"})
    with Server(body=body.encode()) as server:
        tree = {"email": {**EMAIL, "url": f"http://127.0.0.1:{server.port}/{{reference_id}}"}}

        assert main(["check", file(tree), REFERENCE, "--loopback", "--channel", "email"]) == 0
    assert "found an email address" in capsys.readouterr().out


@pytest.mark.parametrize(
    "network, more, expected",
    [({"allow_http": True, "ports": [...]}, {"sms": SMS}, 0), ({}, {}, 2)],
    ids=["as the settings say", "and no further"],
)
def test_a_network_of_the_hosts_is_opened(file, capsys, network, more, expected):
    body = json.dumps({"id": REFERENCE, "email": "kim@people.example"})
    with Server(body=body.encode()) as server:
        network = {**network, **({"ports": [server.port]} if network else {})}
        row = {
            **EMAIL,
            "url": f"http://127.0.0.1:{server.port}/{{reference_id}}",
            "network": network,
        }
        tree = {"email": row, **more}
        words = ["--allow-network", "127.0.0.0/8", "--channel", "email"]

        assert main(["check", file(tree), REFERENCE, *words]) == expected
    assert capsys.readouterr()


def test_ctrl_c_ends_it_without_a_word_about_files(file, keys, capsys, monkeypatch, kept_handlers):
    monkeypatch.setattr(command, "load", lambda *_, **__: signal.raise_signal(signal.SIGINT))

    assert main(["check", file(keys), REFERENCE]) == 130
    assert capsys.readouterr().err == "careof check: stopped.\n"


def test_what_nobody_foresaw_is_told_by_its_name(file, keys, capsys, monkeypatch):
    def fail(*_, **__):
        raise LookupError(REFERENCE)

    monkeypatch.setattr(command, "load", fail)

    assert main(["check", file(keys), REFERENCE]) == 2
    assert capsys.readouterr().err == "careof check: LookupError, unforeseen.\n"


def test_a_terminal_that_cannot_show_a_letter_shows_the_rest(file, keys, monkeypatch):
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", shown)

    assert main(["check", file({**keys, "name": "Büro"}), REFERENCE]) == 0
    assert shown.buffer.getvalue().startswith(b"B\\xfcro: works")


def test_nobody_may_listen(file, keys, monkeypatch):
    class Closed(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())

    assert main(["check", file(keys), REFERENCE]) == 0


def test_there_may_be_no_standard_output(file, keys, monkeypatch):
    monkeypatch.setattr("sys.stdout", None)

    assert main(["check", file(keys), REFERENCE]) == 0
