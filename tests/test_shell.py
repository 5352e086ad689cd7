# SPDX-License-Identifier: Apache-2.0
"""The shell: ways in, output modes to the byte, meta commands, exit codes."""
import os
import subprocess

import pytest

# A text with a wide character, a combining one, a quote, a newline, an escape, and a byte that is no UTF-8.
HOSTILE = "SELECT 'wide 漢字' AS a, 'e\u0301' AS b, 'say \"hi\"' AS c, 'two' || char(10) || 'lines' AS d, " \
          "char(27) || '[31mred' AS e, CAST(x'6162ff' AS TEXT) AS f, NULL AS g, '' AS h, 1.5 AS i, -7 AS j"


def shell(build, *words, text=None, **options):
    return subprocess.run([build / "osqueryi", *words], input=text, capture_output=True, timeout=60,
                          **({} if text is not None else {"stdin": subprocess.DEVNULL}), **options)


def out(build, *words, **options):
    return shell(build, *words, **options).stdout.decode()


# ---- modes ----

def test_pretty(build):
    assert out(build, "SELECT 1 AS one, 'zwei' AS two UNION SELECT 22, 'x'") == (
        "+-----+------+\n"
        "| one | two  |\n"
        "+-----+------+\n"
        "| 1   | zwei |\n"
        "| 22  | x    |\n"
        "+-----+------+\n")


def test_pretty_of_hostile_text(build):
    assert out(build, HOSTILE) == (
        "+-----------+---+----------+--------------+-------------+--------+---+---+-----+----+\n"
        "| a         | b | c        | d            | e           | f      | g | h | i   | j  |\n"
        "+-----------+---+----------+--------------+-------------+--------+---+---+-----+----+\n"
        "| wide 漢字 | e\u0301 | say \"hi\" | two\\x0Alines | \\x1B[31mred | ab\\xFF |   |   | 1.5 | -7 |\n"
        "+-----------+---+----------+--------------+-------------+--------+---+---+-----+----+\n")


def test_pretty_of_no_rows_prints_nothing(build):
    assert out(build, "SELECT 1 WHERE 0") == ""


def test_pretty_collects_all_statements_of_a_call(build):
    assert out(build, "SELECT 1 AS a, 2 AS b; SELECT 3 AS b, 4 AS c") == (
        "+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n|   | 3 |\n+---+---+\n")


def test_pretty_of_more_rows_than_it_keeps_in_memory(build):
    sql = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 60000) " \
          "SELECT x, printf('%.*c', 50, 'y') AS y FROM c"
    lines = out(build, sql).splitlines()
    assert len(lines) == 60004
    assert {len(line) for line in lines} == {62}
    assert lines[3] == f"| 1     | {'y' * 50} |" and lines[-2] == f"| 60000 | {'y' * 50} |"


def test_duplicate_names_collapse_where_names_are_keys(build):
    assert out(build, "SELECT 1 AS a, 2 AS a") == "+---+\n| a |\n+---+\n| 2 |\n+---+\n"
    assert out(build, "--json", "SELECT 1 AS a, 2 AS a") == '[\n  {"a":"2"}\n]\n'
    assert out(build, "--list", "SELECT 1 AS a, 2 AS a") == "a|a\n1|2\n"


def test_json(build):
    assert out(build, "--json", HOSTILE) == (
        '[\n  {"a":"wide 漢字","b":"e\u0301","c":"say \\"hi\\"","d":"two\\nlines","e":"\\u001b[31mred",'
        '"f":"ab\\\\xFF","g":"","h":"","i":"1.5","j":"-7"}\n]\n')


def test_json_of_no_rows(build):
    assert out(build, "--json", "SELECT 1 WHERE 0") == "[\n\n]\n"
    assert out(build, "--json_pretty", "SELECT 1 WHERE 0") == "[]\n"


def test_json_sorts_keys_and_joins_statements(build):
    assert out(build, "--json", "SELECT 1 AS b, 2 AS a, 3 AS B; SELECT 4 AS c") == (
        '[\n  {"B":"3","a":"2","b":"1"},\n  {"c":"4"}\n]\n')


def test_json_pretty(build):
    assert out(build, "--json_pretty", "--json", "SELECT 1 AS b, 2 AS a UNION SELECT 3, 4") == (
        '[\n  {\n    "a": "2",\n    "b": "1"\n  },\n  {\n    "a": "4",\n    "b": "3"\n  }\n]\n')


def test_line(build):
    assert out(build, "--line", "SELECT 1 AS a, 2 AS longname UNION SELECT 3, 4") == (
        "       a = 1\nlongname = 2\n\n       a = 3\nlongname = 4\n")
    assert out(build, "--line", "SELECT 1 AS a") == "    a = 1\n"


def test_list(build):
    assert out(build, "--list", "SELECT 1 AS a, NULL AS b, '' AS c", "--nullvalue=nil") == "a|b|c\n1|nil|\n"
    assert out(build, "--list", "--noheader", "--separator=;", "SELECT 1, 2") == "1;2\n"


def test_csv(build):
    assert out(build, "--csv", "SELECT 1 AS a, 'b c' AS b") == 'a|b\n1|"b c"\n'
    raw = shell(build, "--csv", "--separator=,", HOSTILE).stdout
    assert raw == ('a,b,c,d,e,f,g,h,i,j\n"wide 漢字","e\u0301","say ""hi""","two\nlines","\x1b[31mred","ab'
                   .encode() + b'\xff",,"",1.5,-7\n')
    assert out(build, "--csv", "--json", "--separator=,", "SELECT 'a,b' AS x") == 'x\n"a,b"\n'


def test_column(build):
    assert out(build, text=b".mode column\n.width 0 3\nSELECT 'abc' AS name, 'abcdef' AS b, 7 AS c;\n") == (
        "name        b    c         \n----------  ---  ----------\nabc         abc  7         \n")


def test_an_unknown_mode_is_refused(build):
    done = shell(build, ".mode wide")
    assert done.returncode == 1
    assert done.stderr.decode() == \
        "Error: mode should be one of: column csv json json_pretty line list pretty\n"


# ---- ways in and exit codes ----

def test_from_standard_input(build):
    done = shell(build, "--list", "--noheader",
                 text=b"SELECT 1;\n\n.print hello  'big  world'\nSELECT\n2;;\nSELECT 3; SELECT 4")
    assert (done.stdout, done.returncode) == (b"1\nhello big  world\n2\n3\n4\n", 0)


def test_errors_on_standard_input_name_the_line_and_go_on(build):
    done = shell(build, "--list", "--noheader", text=b"SELECT 1;\nSELECT\nnope;\nSELECT 2;\n")
    assert done.stdout == b"1\n2\n"
    assert done.stderr == b"Error: near line 2: no such column: nope\n"
    assert done.returncode == 1


def test_bail_stops_at_the_first_error(build):
    done = shell(build, "--list", "--noheader", text=b".bail on\nSELECT nope;\nSELECT 2;\n")
    assert (done.stdout, done.returncode) == (b"", 1)


def test_rows_before_an_error_are_shown(build):
    done = shell(build, "--json", "SELECT 1 AS a; SELECT nope")
    assert done.stdout == b'[\n  {"a":"1"}\n]\n' and done.returncode == 1
    assert shell(build, "SELECT 1 AS a; SELECT nope").stdout == b"+---+\n| a |\n+---+\n| 1 |\n+---+\n"


@pytest.mark.parametrize("sql, code", [
    ("SELECT 1", 0), ("SELECT nope", 1), ("SELECT * FROM file", 19), ("", 0), ("-- only a comment", 1),
    ("CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1), (1)", 19), ("SELECT 1;;; ", 0),
])
def test_exit_codes_are_those_of_sqlite(build, sql, code):
    assert shell(build, sql).returncode == code


def test_query_flag_and_file_and_their_precedence(build, tmp_path):
    path = tmp_path / "q.sql"
    path.write_text("SELECT 'file';")
    quiet = ["--list", "--noheader"]
    assert out(build, *quiet, "--query=SELECT 'flag'", "SELECT 'word'") == "flag\n"
    assert out(build, *quiet, f"--query_file={path}", "SELECT 'word'") == "file\n"
    assert out(build, *quiet, "SELECT 'word'", text=b"SELECT 'stdin';") == "word\n"
    assert shell(build, "--query_file=/nonexistent").returncode == 1


def test_dump_of_a_table(build):
    assert out(build, "-A", "uptime", "--list").startswith("days|hours|minutes")
    done = shell(build, "-A", "no_such_table")
    assert (done.returncode, done.stderr) == (1, b"Error querying table: no_such_table\n")


def test_names_of_tables(build):
    names = out(build, "-L").splitlines()
    assert "  => processes" in names and names == sorted(names)
    assert out(build, ".tables proc").splitlines()[0] == "  => process_envs"
    assert out(build, ".ta uptime") == "  => uptime\n"


def test_output_to_a_file(build, tmp_path):
    path = tmp_path / "out"
    assert shell(build, f"--output={path}", "--list", "SELECT 1 AS a").stdout == b""
    assert path.read_text() == "a\n1\n"
    done = shell(build, "--output=/nonexistent/x", "SELECT 1")
    assert done.returncode == 1 and b"/nonexistent/x: No such file or directory" in done.stderr


def test_a_full_output_is_an_error(build):
    with open("/dev/full", "w") as full:
        done = subprocess.run([build / "osqueryi", "SELECT 1"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode != 0


def test_help_groups_flags(build):
    text = out(build, "--help")
    assert text.index("Command line only:") < text.index("Command line or configuration:") < \
        text.index("Shell only:")
    assert "--config_path TEXT" in text and "--rocksdb_write_buffer" not in text


def test_version(build):
    assert out(build, "--version").startswith("osqueryi version 5.")
    assert out(build, ".version").startswith("osquery 5.")


@pytest.mark.parametrize("line", [".nope", ".mode", ".mode a b", ".", ".bail"])
def test_an_unknown_command(build, line):
    done = shell(build, line)
    name = line[1:].split(" ")[0]
    assert done.stderr.decode() == f"Error: unknown command or invalid arguments:  \"{name}\". " \
                                   "Enter \".help\" for help\n"
    assert done.returncode == 1


def test_exit_with_a_code(build):
    assert shell(build, text=b".exit 5\nSELECT 1;\n").returncode == 5
    assert shell(build, ".exit").returncode == 0
    assert shell(build, text=b"SELECT nope;\n.quit\n").returncode == 0


def test_arguments_of_commands(build):
    assert out(build, r'''.print a\tb 'c\td' "e\"f" \101''') == "a\tb c\\td e\"f A\n"


def test_show(build):
    text = out(build, text=b".mode csv\n.show\n")
    assert "       mode: csv\n" in text and '  separator: ","\n' in text


def test_features(build):
    assert "disable_events: true\n" in out(build, ".features")
    assert "disable_events: false\n" in out(build, "--disable_events=false", ".features")


def test_types(build):
    assert out(build, ".types SELECT pid, name, 1.5 AS x FROM processes") == \
        "pid BIGINT\nname TEXT\nx DOUBLE\n"


def test_timer(build):
    assert "Run Time: real " in out(build, text=b".timer on\nSELECT 1;\n")


def test_profile(build):
    text = out(build, ".profile SELECT * FROM uptime a, uptime b")
    assert "      rows: 1\n" in text and "table: uptime, " in text
    assert all(f"{word}: " in text for word in ("wall", "user", "system", "memory"))
    assert shell(build, "--profile=3", "SELECT 1").stdout == b""
    assert shell(build, "--profile=3").returncode == 2


def test_what_is_not_there_yet_says_so(build):
    done = shell(build, ".connect /tmp/x")
    assert done.returncode == 1 and b"not available yet" in done.stderr


def test_planner_shows_the_plan(build):
    assert b"planner: SCAN uptime VIRTUAL TABLE" in shell(build, "--planner", "SELECT * FROM uptime").stderr


def test_schema(build):
    assert out(build, ".schema uptime") == (
        "CREATE TABLE uptime(`days` INTEGER, `hours` INTEGER, `minutes` INTEGER, `seconds` INTEGER, "
        "`total_seconds` BIGINT);\n")


def test_a_closed_pipe_ends_it(build):
    read, write = os.pipe()
    child = subprocess.Popen([build / "osqueryi", "--list",
                              "SELECT path FROM file WHERE path LIKE '/usr/%%'"], stdout=write)
    os.close(write)
    assert os.read(read, 10)
    os.close(read)
    assert child.wait(timeout=60) != 0
