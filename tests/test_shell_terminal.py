# SPDX-License-Identifier: Apache-2.0
"""The shell in a real terminal: prompt, completion, history, Ctrl-C, what must not reach the screen."""
import os
import pathlib
import re

import pexpect
import pytest

HERE = pathlib.Path(__file__).resolve().parent
PROMPT = "osquery> "


@pytest.fixture
def terminal(build, tmp_path):
    """Starts the shell on a terminal of its own, with a home of its own."""
    started = []

    def start(*words):
        child = pexpect.spawn(str(build / "osqueryi"), list(words), encoding="utf-8", timeout=60,
                              dimensions=(40, 200),
                              env={"HOME": str(tmp_path), "TERM": "xterm", "PATH": os.environ["PATH"],
                                   "LC_ALL": "C.UTF-8",
                                   "LSAN_OPTIONS": f"suppressions={HERE}/lsan.supp:print_suppressions=0"})
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def clean(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)


def test_a_session(terminal):
    child = terminal()
    child.expect_exact("Using a virtual database. Need help, type '.help'")
    child.expect_exact(PROMPT)
    child.sendline("SELECT 6 *")
    child.expect_exact("    ...> ")
    child.sendline("7 AS answer;")
    child.expect_exact("| 42     |")
    child.expect_exact(PROMPT)
    child.sendline("SELECT nope;")
    child.expect_exact("Error: no such column: nope")
    child.expect_exact(PROMPT)
    child.sendline(".exit 3")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 3


def test_end_of_input_leaves(terminal):
    child = terminal()
    child.expect_exact(PROMPT)
    child.sendeof()
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_completion_of_tables_columns_functions_and_commands(terminal):
    child = terminal()
    child.expect_exact(PROMPT)
    child.send("SELECT resident_s\tFROM processes WHERE pid = 1 AND 'x' = 'y' UNION SELECT 7;\r")
    child.expect_exact("| resident_size |")
    child.expect_exact(PROMPT)
    child.send("SELECT * FROM proces\t\t")
    child.expect_exact("process_open_files")
    child.expect_exact("processes")
    child.send("\x15.tim\t\t")
    child.expect_exact(".timeout")
    child.send("\x15SELECT community_id_v1_s\t")
    child.send("(1,2,3,4,5);\r")
    child.expect_exact("Error: community_id_v1: the source address")


def test_history_is_kept(terminal, tmp_path):
    child = terminal()
    child.expect_exact(PROMPT)
    child.sendline("SELECT 'remember' AS me;")
    child.expect_exact("| remember |")
    child.expect_exact(PROMPT)
    child.sendline(".exit")
    child.expect(pexpect.EOF)
    child.wait()
    assert "remember" in (tmp_path / ".osquery/.history").read_text()
    assert (tmp_path / ".osquery").stat().st_mode & 0o777 == 0o700
    child = terminal()
    child.expect_exact(PROMPT)
    child.send("\x1b[A\x1b[A\r")  # past .exit
    child.expect_exact("| remember |")


def test_interrupt_cancels_the_query_and_not_the_shell(terminal):
    child = terminal()
    child.expect_exact(PROMPT)
    child.sendline("SELECT sleep(1000);")
    child.expect(r"\d+ rows, 1\.\d s")  # it runs: the progress line is there
    child.sendintr()
    child.expect_exact("Error: the query was cancelled")
    child.expect_exact(PROMPT)
    child.sendline("SELECT 'alive' AS still;")
    child.expect_exact("| alive |")


def test_interrupt_at_the_prompt_throws_the_line_away(terminal):
    child = terminal()
    child.expect_exact(PROMPT)
    child.sendline("SELECT 1,")
    child.expect_exact("    ...> ")
    child.sendintr()
    child.expect_exact(PROMPT)
    child.sendline("SELECT 'fresh' AS line;")
    child.expect_exact("| fresh |")


def test_progress_is_shown_and_removed(terminal):
    child = terminal("SELECT sleep(2) AS s")
    child.expect(r"\r\x1b\[K0 rows, 1\.\d s")
    child.expect(r"\r\x1b\[K\+---\+")
    child.expect(pexpect.EOF)


@pytest.mark.parametrize("mode", ["pretty", "line", "list", "csv", "column", "json"])
def test_control_characters_never_reach_the_terminal(terminal, mode):
    child = terminal()
    child.expect_exact(PROMPT)
    child.sendline(f".mode {mode}")
    child.expect_exact(PROMPT)
    child.sendline("SELECT char(27) || ']0;owned' || char(7) || char(155) || '31m' || char(8238) AS x;")
    child.expect_exact("owned")
    child.expect_exact("owned")
    child.expect_exact(PROMPT)
    shown = clean(child.before)
    assert "\x1b" not in shown and "\x07" not in shown and "\x9b" not in shown and "\u202e" not in shown


def test_wide_characters_line_up(terminal):
    child = terminal("SELECT '漢字' AS wide UNION SELECT 'abcd' UNION SELECT 'ab'")
    child.expect(pexpect.EOF)
    lines = clean(child.before).strip().split("\n")
    assert lines == ["+------+", "| wide |", "+------+", "| ab   |", "| abcd |", "| 漢字 |", "+------+"]
