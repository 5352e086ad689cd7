# SPDX-License-Identifier: Apache-2.0
"""The configuration: its files, what is taken of them, and what is said about the rest."""
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess

import pytest

from daemon import Daemon


class Shell:
    """osqueryi with a configuration file of its own."""

    def __init__(self, build, folder):
        self.build, self.folder, self.path = build, folder, folder / "osquery.conf"

    def write(self, config, name="osquery.conf"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(config, bytes):
            path.write_bytes(config)
        else:
            path.write_text(config if isinstance(config, str) else json.dumps(config, indent=1))
        return path

    def run(self, *words, flags=()):
        return subprocess.run([f"{self.build}/osqueryi", f"--config_path={self.path}", *flags, *words],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
                              errors="backslashreplace")

    def ask(self, sql, *flags):
        done = self.run("--json", sql, flags=flags)
        assert done.returncode == 0, done.stderr
        self.said = done.stderr
        return json.loads(done.stdout)

    def check(self):
        """The exit code of --config_check and what it says, without the folder of the test."""
        done = self.run("--config_check")
        assert done.stdout == ""
        return done.returncode, done.stderr.replace(f"{self.folder}/", "").splitlines()

    def warnings(self):
        code, lines = self.check()
        assert code == 0, lines
        assert all(line.startswith("Warning: ") for line in lines)
        return [line[len("Warning: "):] for line in lines]

    def refusal(self):
        code, lines = self.check()
        assert code == 1 and len(lines) == 1 and lines[0].startswith("Error reading config: ")
        return lines[0][len("Error reading config: "):]

    def schedule(self):
        return {row["name"]: row for row in self.ask("SELECT * FROM osquery_schedule")}


@pytest.fixture
def shell(build, tmp_path):
    return Shell(build, tmp_path)


def query(sql="SELECT 1", **more):
    return {"query": sql, "interval": 60, **more}


# ---- files ----

def test_a_named_file_that_is_missing_is_said_and_the_shell_goes_on(shell):
    assert shell.refusal() == "config file does not exist: osquery.conf"
    assert shell.ask("SELECT config_valid, config_hash FROM osquery_info") == \
        [{"config_valid": "0", "config_hash": ""}]
    assert f"Error reading config: config file does not exist: {shell.path}" in shell.said


def test_the_usual_file_may_be_missing_in_silence(build):
    if os.path.exists("/etc/osquery/osquery.conf"):
        pytest.skip("this host has a configuration")
    done = subprocess.run([build / "osqueryi", "SELECT 1"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kind", ["folder", "fifo", "device"])
def test_what_is_no_regular_file_is_none(shell, kind):
    if kind == "folder":
        shell.path.mkdir()
    elif kind == "fifo":
        os.mkfifo(shell.path)
    else:
        shell.path = "/dev/null"
    assert shell.refusal().startswith("config file does not exist: ")


def test_fragments_follow_in_byte_order_and_later_ones_win(shell):
    shell.write({"options": {"custom_x": "main", "custom_y": "main"}, "schedule": {"a": query()}})
    shell.write({"options": {"custom_x": "ten"}, "schedule": {"b": query()}}, "osquery.conf.d/10.conf")
    shell.write({"options": {"custom_x": "nine"}, "schedule": {"c": query()}}, "osquery.conf.d/9.conf")
    shell.write("nonsense", "osquery.conf.d/other.json")
    shell.write("nonsense", "osquery.conf.d/sub/x.conf")
    rows = shell.ask("SELECT name, value FROM osquery_flags WHERE name LIKE 'custom%'")
    assert {row["name"]: row["value"] for row in rows} == {"custom_x": "nine", "custom_y": "main"}
    assert sorted(shell.schedule()) == ["a", "b", "c"]


def test_the_hash_is_that_of_the_texts_in_their_order(shell):
    texts = [b"{} ", b"{\n}", b"# c\n{}"]
    for name, text in zip(["", ".d/a.conf", ".d/b.conf"], texts):
        shell.write(text, f"osquery.conf{name}")
    digests = "".join(hashlib.sha1(text).hexdigest() for text in texts)
    assert shell.ask("SELECT config_valid, config_hash FROM osquery_info") == \
        [{"config_valid": "1", "config_hash": hashlib.sha1(digests.encode()).hexdigest()}]


def test_a_fragment_that_cannot_be_read_is_warned_about(shell):
    shell.write({"schedule": {"a": query()}})
    os.makedirs(shell.folder / "osquery.conf.d/folder.conf")
    os.mkfifo(shell.folder / "osquery.conf.d/fifo.conf")
    os.symlink("nowhere", shell.folder / "osquery.conf.d/link.conf")
    assert shell.warnings() == ["osquery.conf.d/fifo.conf: it is no regular file",
                                "osquery.conf.d/folder.conf: Is a directory",
                                "osquery.conf.d/link.conf: No such file or directory"]
    assert list(shell.schedule()) == ["a"]


def test_one_bad_fragment_refuses_all(shell):
    shell.write({"schedule": {"a": query()}})
    shell.write("{\n  \"schedule\": {,}\n}", "osquery.conf.d/x.conf")
    assert shell.refusal().startswith("osquery.conf.d/x.conf:2: ")
    assert shell.schedule() == {}


# ---- text ----

def test_comments_and_joined_lines_keep_the_numbers_of_lines(shell):
    shell.write('# a comment\n  // another\n{\n"schedule": {\n\t# {\n\n'
                '"a": {"query": "SELECT \\\n   1 \\\nAS x", "interval": 60},\n'
                '"b": {"query": "SELECT \'# no comment // here\' AS y",\n'
                '  "interval": 0}\n# the end\n}\n}\n')
    assert shell.warnings() == ["osquery.conf:11: schedule.b.interval: 0 is no interval (1 to 604800)"]
    assert shell.schedule()["a"]["query"] == "SELECT    1 AS x"


@pytest.mark.parametrize("text, reason", [
    ("", "1: it is empty"),
    ("# only\n// comments\n", "1: it is empty"),
    ("[]", "1: a configuration is an object"),
    ("\n\n7", "3: a configuration is an object"),
    ('{"a": 1,\n}', "2: "),
    ('{"a": 1} // no', "1: end of file expected"),
    ('{"a": /* no */ 1}', "1: "),
    ("{\n\"a\": \"\n\"}", "2: "),
    (b'{\n"a": "\xff"}', "2: "),
    (b'{"a": 1}\n\0', "2: "),
    ('{"a": ' + "[" * 32 + "]" * 32 + "}", "1: more than 32 levels"),
    ('{\n"a": ' + "[" * 100000, "2: more than 32 levels"),
])
def test_what_is_no_object_in_json_is_refused_with_its_line(shell, text, reason):
    shell.write(text)
    assert shell.refusal().startswith(f"osquery.conf:{reason}")


@pytest.mark.parametrize("text", [
    '{"a": ' + "[" * 31 + "]" * 31 + "}",
    b"\xef\xbb\xbf{}",
    "{\r\n# comment\r\n\"schedule\": \\\r\n{}}\r\n",
    '{"a": "\\u0000", "b": [1e3, null]}',
])
def test_what_is_unusual_but_valid_is_taken(shell, text):
    shell.write(text)
    assert shell.check() == (0, [])


def test_four_mib_are_taken_and_not_more(shell):
    shell.write('{"a": "' + "x" * ((4 << 20) - 10) + '"}\n' + "# comment\n" * 300000)
    assert shell.check() == (0, [])
    shell.write('{"a": "' + "x" * (4 << 20) + '"}')
    assert shell.refusal() == "osquery.conf: it has more than 4 MiB without comments"
    shell.write("{}" + "\n" * (17 << 20))
    assert shell.refusal() == "osquery.conf: it is too large"


def test_names_that_stand_twice_are_said(shell):
    shell.write('{"schedule": {\n"a": {"query": "SELECT 1", "interval": 1},\n'
                '"a": {"query": "SELECT 2",\n"interval": 1, "int\\u0065rval": 2}}}')
    assert shell.warnings() == ['osquery.conf:4: "interval" stands here again; the last one counts',
                                'osquery.conf:3: "a" stands here again; the last one counts']
    assert shell.schedule()["a"]["query"] == "SELECT 2"


@pytest.mark.parametrize("section", ["options", "schedule", "packs", "decorators", "file_paths", "views",
                                     "auto_table_construction", "events", "file_paths_query"])
@pytest.mark.parametrize("value", ["text", 7, True, []])
def test_a_section_of_another_type_is_left_out(shell, section, value):
    shell.write({"schedule": {"a": query()}, section: value})
    said = shell.warnings()
    assert len(said) == 1 and said[0].endswith(f": {section}: {json.dumps(value)} is no object")
    assert list(shell.schedule()) == (["a"] if section != "schedule" else [])


def test_null_is_absent_and_unknown_names_are_passed_over(shell):
    shell.write({"views": None, "decorators": None, "platform_x": 1, "anything": {"a": 1},
                 "schedule": {"a": query(snapshot=None, description="x", value=3)}})
    assert shell.check() == (0, [])


def test_a_name_that_is_nearly_known_is_said(shell):
    shell.write({"shcedule": {}, "schedule": {"a": query(intervall=5)}, "packs": {"p": {"query": {}}}})
    assert shell.warnings() == [
        'osquery.conf:2: shcedule: this is not known; the nearest is "schedule"',
        'osquery.conf:7: schedule.a.intervall: this is not known; the nearest is "interval"']


def test_a_message_shows_nothing_that_acts_on_a_terminal(shell):
    shell.write('{"schedule": {"\\u001b[2J": {"query": "SELECT 1", "interval": "\\u0007"}}}')
    code, lines = shell.check()
    assert code == 0 and len(lines) == 1 and not set("\x1b\x07") & set(lines[0])


# ---- queries ----

@pytest.mark.parametrize("given, interval", [
    (1, 1), (604800, 604800), ("90", 90), (1e2, 100), (60.9, 60), (None, 3600)])
def test_intervals(shell, given, interval):
    shell.write({"schedule": {"a": query(interval=given)}})
    assert shell.check() == (0, [])
    assert shell.schedule()["a"]["interval"] == str(interval)


@pytest.mark.parametrize("given", [0, -1, 604801, "", "1m", True, [], {}, 1e300, "99999999999999999999"])
def test_what_is_no_interval_leaves_the_query_out(shell, given):
    shell.write({"schedule": {"a": query(interval=given), "b": query()}})
    shown = "1e300" if given == 1e300 else json.dumps(given)
    assert shell.warnings() == \
        [f"osquery.conf:5: schedule.a.interval: {shown} is no interval (1 to 604800)"]
    assert list(shell.schedule()) == ["b"]


def test_the_default_interval_is_an_option(shell):
    shell.write({"schedule": {"a": {"query": "SELECT 1"}}, "options": {"schedule_default_interval": 77}})
    assert shell.schedule()["a"]["interval"] == "77"


@pytest.mark.parametrize("given, reason", [
    ({"interval": 5}, 'schedule.a: it has no "query"'),
    ({"query": ""}, "schedule.a.query: the query is empty"),
    ({"query": " \n\t"}, "schedule.a.query: the query is empty"),
    ({"query": 7}, "schedule.a.query: 7 is no text"),
    ({"query": "SELECT 1\0"}, "schedule.a.query: the text holds a character of code 0"),
    ("SELECT 1", 'schedule.a: "SELECT 1" is no object'),
    (query(shard=101), None), (query(snapshot="perhaps"), None), (query(startup_priority="x"), None)])
def test_what_is_wrong_with_a_query_is_said(shell, given, reason):
    shell.write({"schedule": {"a": given}})
    said = shell.warnings()
    assert len(said) == 1 and (reason is None or said[0].split(": ", 1)[1] == reason)
    assert len(shell.schedule()) == (reason is None)


@pytest.mark.parametrize("name", ["query.x", "cache.x", "config_views.x", "xepoch", "x_counter", ""])
def test_names_that_the_agent_keeps_for_itself(shell, name):
    shell.write({"schedule": {name: query(), "x.query.": query()}})
    assert len(shell.warnings()) == 1
    assert list(shell.schedule()) == ["x.query."]


def test_a_query_is_scheduled_once_under_a_name(shell):
    shell.write({"schedule": {"a": query("SELECT 1"), "pack_p_q": query("SELECT 1")},
                 "packs": {"p": {"queries": {"q": query("SELECT 2")}}}})
    shell.write({"schedule": {"a": query("SELECT 3")}}, "osquery.conf.d/x.conf")
    assert [line.split(": ", 1)[1] for line in shell.warnings()] == [
        "packs.p.queries.q: another query is scheduled as pack_p_q",
        "schedule.a: another query is scheduled as a"]
    assert {row["query"] for row in shell.schedule().values()} == {"SELECT 1"}


def test_the_share_of_hosts(shell):
    share = hashlib.sha1(socket.gethostname().encode()).digest()[0] * 100 // 255
    shell.write({"schedule": {"none": query(), "all": query(shard=100), "text": query(shard="100"),
                              "ours": query(shard=max(share, 1)),
                              **({"theirs": query(shard=share - 1)} if share > 1 else {})}})
    assert sorted(shell.schedule()) == ["all", "none", "ours", "text"]


@pytest.mark.parametrize("platform, fits", [
    ("", True), ("null", True), ("all", True), ("any", True), ("linux", True), ("posix", True),
    ("ubuntu", True), ("centos", True), ("darwin,linux", True), ("darwin", False), ("windows", False)])
def test_platforms(shell, platform, fits):
    shell.write({"schedule": {"a": query(platform=platform)},
                 "packs": {"p": {"platform": platform, "queries": {"b": query()}}}})
    assert sorted(shell.schedule()) == (["a", "pack_p_b"] if fits else [])
    assert shell.ask("SELECT platform, active FROM osquery_packs WHERE name = 'p'") == \
        [{"platform": platform, "active": str(int(fits))}]


@pytest.mark.parametrize("version, fits", [
    ("0.0.0", True), ("1.0.0", True), ("5.23.0", True), ("5", True), ("5.23", True), ("5.9.9", True),
    ("5.23.0.7", True), ("5.23.1", False), ("5.100", False), ("6.0.0", False), (6, False), (5.1, True)])
def test_versions(shell, version, fits):
    shell.write({"schedule": {"a": query(version=version)}})
    assert (list(shell.schedule()) == ["a"]) == fits


# ---- packs ----

def test_packs_inline_in_a_file_and_by_pattern(shell):
    inline = {"queries": {"a": query()}, "discovery": ["SELECT 1", 7], "shard": "100", "version": "1.2"}
    shell.write('# a pack\n{"queries": {"b": {"query": "SELECT 1", "interval": "30"}}}', "packs/file.conf")
    for name in ("one.conf", "two.x.conf", "three.json"):
        shell.write({"queries": {"c": {key: str(value) for key, value in query(snapshot="true").items()}}},
                    f"many/{name}")
    shell.write({"packs": {"p": inline, "named": f"{shell.folder}/packs/file.conf",
                           "*": f"{shell.folder}/many/%.conf"}})
    assert sorted(shell.schedule()) == ["pack_named_b", "pack_one_c", "pack_p_a", "pack_two.x_c"]
    assert [line.split(": ", 1)[1] for line in shell.warnings()] == ["packs.p.discovery[1]: 7 is no text"]
    rows = shell.ask("SELECT * FROM osquery_packs WHERE name = 'p'")
    assert rows == [{"name": "p", "platform": "", "version": "1.2", "shard": "100", "active": "1",
                     "discovery_cache_hits": "0", "discovery_executions": "0"}]


def test_the_delimiter_of_packs(shell):
    shell.write({"options": {"pack_delimiter": "/"}, "packs": {"p": {"queries": {"a": query()}}}})
    assert list(shell.schedule()) == ["pack/p/a"]
    shell.write({"packs": {"p": {"queries": {"a": query()}}}})
    assert shell.ask("SELECT name FROM osquery_schedule", "--pack_delimiter=:") == [{"name": "pack:p:a"}]


def test_what_is_wrong_in_the_file_of_a_pack_names_that_file(shell):
    shell.write('{\n"queries": {\n"a": {"query": "SELECT 1", "interval": 0}}}', "pack.conf")
    shell.write("{\n,}", "broken.conf")
    os.mkfifo(shell.folder / "fifo.conf")
    folder = shell.folder
    shell.write({"schedule": {"s": query()}, "packs": {
        "p": f"{folder}/pack.conf", "b": f"{folder}/broken.conf", "n": f"{folder}/none.conf",
        "f": f"{folder}/fifo.conf", "g": f"{folder}/*n.conf", "*": f"{folder}/none/*.conf", "t": 7}})
    said = shell.warnings()
    assert said[0] == "pack.conf:3: queries.a.interval: 0 is no interval (1 to 604800)"
    assert said[1].startswith("osquery.conf:10: packs.b: broken.conf:2: ")
    assert said[2] == "osquery.conf:11: packs.n: none.conf: No such file or directory"
    assert said[3] == "osquery.conf:12: packs.f: fifo.conf: it is no regular file"
    assert said[4].startswith("osquery.conf:13: packs.g: broken.conf:2: ")
    assert said[5] == "osquery.conf:14: packs.*: none/*.conf: there is no such file"
    assert said[6] == "osquery.conf:15: packs.t: 7 is no object"
    assert list(shell.schedule()) == ["s"]


def test_a_pattern_under_a_name_of_its_own_is_one_pack(shell):
    for name in "ab":
        shell.write({"queries": {name: query()}}, f"{name}.pack")
    shell.write({"packs": {"p": f"{shell.folder}/*.pack"}})
    assert shell.warnings() == [
        'osquery.conf:3: packs.p: b.pack is left out: only the name "*" stands for several packs']
    assert list(shell.schedule()) == ["pack_p_a"]


def test_a_pack_that_fits_brings_its_own_sections(shell):
    for name, platform in (("ours", "linux"), ("theirs", "darwin")):
        shell.write({"platform": platform, "options": {f"custom_{name}": 1}, "views": {name: "SELECT 7 AS n"},
                     "queries": {}}, f"{name}.conf")
    shell.write({"packs": {"*": f"{shell.folder}/*rs.conf"}})
    assert shell.ask("SELECT name FROM osquery_flags WHERE name LIKE 'custom%'") == [{"name": "custom_ours"}]
    assert shell.ask("SELECT n FROM ours") == [{"n": "7"}]
    assert shell.run("SELECT n FROM theirs").returncode == 1


def test_the_shell_runs_a_pack(shell):
    shell.write({"packs": {"p": {"queries": {"b": query("SELECT 2 AS b"), "a": query("SELECT 1 AS a"),
                                             "c": query("SELECT 3 AS c", startup_priority=1)}},
                           "q": {"queries": {"bad": query("SELECT nothing"), "never": query()}}},
                 "schedule": {"s": query("SELECT 9 AS s")}})
    done = shell.run("--csv", flags=["--pack=p"])
    assert (done.returncode, done.stdout) == (0, "c\n3\na\n1\nb\n2\n")
    done = shell.run("--csv", flags=["--pack=q"])
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("Could not execute query bad: SELECT nothing\n")
    assert shell.run("--csv", flags=["--pack=main"]).stdout == "s\n9\n"
    done = shell.run(flags=["--pack=nobody"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---- options ----

def test_options_of_every_type_win_over_the_command_line(shell):
    shell.write({"options": {"read_max": 1000, "logger_event_type": False, "hash_delay": "7",
                             "nullvalue": "", "table_delay": 3.0, "custom_list": [1, {"a": None}]}})
    rows = shell.ask("SELECT name, value, type, default_value FROM osquery_flags WHERE name IN "
                     "('read_max', 'logger_event_type', 'hash_delay', 'nullvalue', 'table_delay', 'custom_list')",
                     "--read_max=5", "--nullvalue=-")
    assert {row["name"]: row["value"] for row in rows} == {
        "read_max": "1000", "logger_event_type": "false", "hash_delay": "7", "nullvalue": "-",
        "table_delay": "3", "custom_list": '[1,{"a":null}]'}
    custom = next(row for row in rows if row["name"] == "custom_list")
    assert custom["type"] == "string" and custom["default_value"] == ""


@pytest.mark.parametrize("name, value, reason", [
    ("config_path", "/x", "--config_path can only be set on the command line"),
    ("hots_identifier", "uuid", "unknown flag --hots_identifier, the nearest is --host_identifier"),
    ("nothing_like_it", 1, "unknown flag --nothing_like_it"),
    ("read_max", "many", "--read_max=many: the value must be a number from 0"),
    ("read_max", -1, "--read_max=-1: the value must be a number from 0"),
    ("read_max", None, "null is no value of a flag"),
    ("verbose", [], "--verbose=[]: the value must be true or false")])
def test_an_option_that_cannot_be_set_is_said(shell, name, value, reason):
    shell.write({"options": {"custom_a": "b", name: value}})
    assert shell.warnings() == [f"osquery.conf:4: options.{name}: {reason}"]
    assert shell.ask("SELECT value FROM osquery_flags WHERE name = 'custom_a'") == [{"value": "b"}]


def test_an_alias_and_the_forms_of_the_shell_can_be_set(shell):
    shell.write({"options": {"log_numerics_as_numbers": True, "csv": True, "separator": ";"}})
    assert shell.run("SELECT value, 1 AS x FROM osquery_flags WHERE name = 'logger_numerics'").stdout == \
        "value;x\ntrue;1\n"


# ---- views ----

def test_views_can_be_asked_and_name_each_other(shell):
    shell.write({"views": {"upper_v": "SELECT n + 1 AS m FROM lower_v", "lower_v": "SELECT 1 AS n",
                           "with space": "SELECT 5 AS five;"}})
    assert shell.ask('SELECT m, five FROM upper_v, "with space"') == [{"m": "2", "five": "5"}]
    assert shell.said == ""


def test_what_is_wrong_with_a_view_names_its_place(shell):
    shell.write({"views": {"syntax": "SELECT FROM", "users": "SELECT 1", "lacks": "SELECT * FROM nothere",
                           "two": "SELECT 1 AS x; DROP VIEW good", "number": 7, "good": "SELECT 1 AS x"}})
    assert shell.ask("SELECT x FROM good") == [{"x": "1"}]
    said = [line.split("] ", 1)[1].replace(f"{shell.folder}/", "") for line in shell.said.splitlines()]
    assert said == ["osquery.conf:7: views.number: 7 is no text",
                    'osquery.conf:3: views.syntax: near "FROM": syntax error',
                    "osquery.conf:4: views.users: there is a table of that name",
                    "osquery.conf:6: views.two: only the first statement counts",
                    "osquery.conf:5: views.lacks: no such table: main.nothere"]


def test_later_sources_win_over_a_view_and_a_table(shell):
    database(shell.folder / "a.db", ["INSERT INTO t VALUES (1, 'x')"])
    shell.write({"views": {"v": "SELECT 1 AS n"}, **atc(shell, "t", "SELECT 'no' AS a")})
    shell.write({"views": {"v": "SELECT 2 AS n"}, **atc(shell, "T", "SELECT a FROM t")}, "osquery.conf.d/x.conf")
    assert shell.ask("SELECT n, a FROM v, t") == [{"n": "2", "a": "1"}]


# ---- tables of SQLite files ----

def database(path, statements, wal=False, keep=False):
    """A database with a table t(a, b)."""
    connection = sqlite3.connect(path, isolation_level=None)
    if wal:
        connection.execute("PRAGMA journal_mode = wal")
    for statement in ["CREATE TABLE t (a, b)", *statements]:
        connection.execute(statement)
    if keep:
        return connection
    connection.close()


def atc(shell, name="t_files", sql="SELECT a, b FROM t", path="%.db", columns=("a", "b"), **more):
    return {"auto_table_construction": {name: {"query": sql, "path": f"{shell.folder}/{path}",
                                               "columns": list(columns), **more}}}


def listing(folder):
    return {path: (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


def test_a_table_of_the_rows_of_many_files(shell):
    database(shell.folder / "one.db", ["INSERT INTO t VALUES (1, 2.5), (NULL, 'x')"])
    database(shell.folder / "two.db", ["INSERT INTO t VALUES ('y', x'414243')"])
    shell.write(atc(shell))
    before = listing(shell.folder)
    rows = shell.ask("SELECT * FROM t_files ORDER BY path, a")
    assert rows == [
        {"a": "", "b": "x", "path": f"{shell.folder}/one.db"},
        {"a": "1", "b": "2.5", "path": f"{shell.folder}/one.db"},
        {"a": "y", "b": "ABC", "path": f"{shell.folder}/two.db"}]
    assert shell.ask("SELECT DISTINCT typeof(a) AS a, typeof(b) AS b FROM t_files") == [{"a": "text", "b": "text"}]
    assert shell.ask("SELECT a FROM t_files WHERE path LIKE '%two.db'") == [{"a": "y"}]
    assert listing(shell.folder) == before
    assert "t_files" in shell.run(".tables").stdout
    assert "CREATE TABLE t_files(`a` TEXT, `b` TEXT, `path` TEXT);" in shell.run(".schema t_files").stdout


def test_a_table_can_be_joined_with_itself(shell):
    connection = database(shell.folder / "one.db", ["INSERT INTO t VALUES (1, 2), (2, 3)"], wal=True, keep=True)
    shell.write(atc(shell))
    rows = shell.ask("SELECT x.a, y.b FROM t_files x JOIN t_files y ON x.b = y.a")
    assert (rows, shell.said) == ([{"a": "1", "b": "3"}], "")
    connection.close()


def test_columns_are_found_by_their_names(shell):
    database(shell.folder / "one.db", ["INSERT INTO t VALUES (1, 2)"])
    shell.write(atc(shell, sql="SELECT b AS Second, a AS first, 'p' AS path FROM t",
                    columns=["first", "second", "third", "path"]))
    assert shell.ask("SELECT * FROM t_files") == [{"first": "1", "second": "2", "third": "", "path": "p"}]
    assert 'columns[3]: every table has a column "path"' in shell.said


def test_a_pattern_that_goes_down(shell):
    for folder in ("deep/a", "deep/b/c", "other"):
        (shell.folder / folder).mkdir(parents=True)
        database(shell.folder / folder / "x.db", [f"INSERT INTO t VALUES ('{folder}', 1)"])
    shell.write(atc(shell, path="deep/%%"))
    assert sorted(row["a"] for row in shell.ask("SELECT a FROM t_files")) == ["deep/a", "deep/b/c"]
    shell.write(atc(shell, path="%/%/x.db"))
    assert [row["a"] for row in shell.ask("SELECT a FROM t_files")] == ["deep/a"]


def test_what_a_running_program_has_just_written_is_seen_and_nothing_of_it_touched(shell):
    """A write-ahead log is read with the file; the owner can write meanwhile."""
    owner = database(shell.folder / "live.db", ["INSERT INTO t VALUES ('logged', 1)"], wal=True, keep=True)
    assert (shell.folder / "live.db-wal").stat().st_size > 0
    owner.execute("BEGIN IMMEDIATE")
    owner.execute("INSERT INTO t VALUES ('pending', 1)")
    shell.write(atc(shell))
    before = listing(shell.folder)
    assert shell.ask("SELECT a FROM t_files") == [{"a": "logged"}]
    assert listing(shell.folder) == before
    owner.execute("COMMIT")
    assert [row["a"] for row in shell.ask("SELECT a FROM t_files")] == ["logged", "pending"]
    owner.close()
    left = set(shell.folder.iterdir())
    assert [row["a"] for row in shell.ask("SELECT a FROM t_files")] == ["logged", "pending"]
    assert set(shell.folder.iterdir()) == left  # no log was made for a file that would have one


def test_a_file_that_its_owner_has_locked_can_be_read(shell):
    owner = database(shell.folder / "locked.db", ["INSERT INTO t VALUES (1, 1)"], keep=True)
    owner.execute("BEGIN EXCLUSIVE")
    shell.write(atc(shell))
    assert shell.ask("SELECT a FROM t_files") == [{"a": "1"}]
    owner.execute("INSERT INTO t VALUES (2, 2)")
    owner.execute("COMMIT")
    owner.close()


def test_files_that_are_no_such_databases_are_said_and_the_others_still_come(shell):
    good = shell.folder / "good.db"
    database(good, [f"INSERT INTO t VALUES ({i}, '{'x' * 900}')" for i in range(50)])
    (shell.folder / "garbage.db").write_bytes(b"x" * 5000)
    (shell.folder / "empty.db").write_bytes(b"")
    (shell.folder / "short.db").write_bytes(good.read_bytes()[:6000])
    (shell.folder / "damaged.db").write_bytes(good.read_bytes()[:8192] + b"\xa5" * 40000)
    (shell.folder / "folder.db").mkdir()
    os.mkfifo(shell.folder / "fifo.db")
    os.symlink("fifo.db", shell.folder / "link.db")
    os.symlink("nowhere", shell.folder / "dangling.db")
    shell.write(atc(shell))
    rows = shell.ask(f"SELECT a FROM t_files WHERE path = '{good}'")
    assert len(rows) == 50
    said = [line.split("] ", 1)[1].replace(f"{shell.folder}/", "") for line in shell.said.splitlines()]
    assert "t_files: garbage.db: file is not a database" in said
    assert "t_files: empty.db: no such table: t" in said
    assert "t_files: damaged.db: database disk image is malformed" in said
    assert any(line.startswith("t_files: short.db: ") for line in said)
    assert "t_files: link.db: it is no regular file" in said
    assert any(line.startswith("t_files: dangling.db: ") for line in said)
    assert not any("fifo.db" in line or "folder.db" in line for line in said)


@pytest.mark.parametrize("sql", ["INSERT INTO t VALUES (1, 1)", "DELETE FROM t", "CREATE TABLE x (a)",
                                 "ATTACH '/etc/passwd' AS x", "PRAGMA user_version = 7", "VACUUM",
                                 "SELECT load_extension('x') AS a", "SELECT readfile('/etc/passwd') AS a"])
def test_the_query_only_reads(shell, sql):
    database(shell.folder / "one.db", ["INSERT INTO t VALUES (1, 2)"])
    shell.write(atc(shell, sql=sql))
    before = (shell.folder / "one.db").read_bytes()
    assert shell.ask("SELECT * FROM t_files") == []
    assert "t_files: " in shell.said
    assert (shell.folder / "one.db").read_bytes() == before


def test_what_a_schema_would_do_is_not_done(shell):
    database(shell.folder / "one.db", [
        "CREATE VIEW evil AS SELECT hex(writefile('/nowhere', 'x')) AS a, 1 AS b",
        "CREATE VIRTUAL TABLE f USING fts5(a, b)", "INSERT INTO f VALUES ('x', 'y')"])
    shell.write(atc(shell, sql="SELECT a, b FROM evil"))
    assert shell.ask("SELECT * FROM t_files") == []
    shell.write(atc(shell, sql="SELECT a, b FROM f"))
    assert shell.ask("SELECT * FROM t_files") == []
    assert "no such module: fts5" in shell.said


def test_a_query_without_an_end_ends_with_the_one_that_asks(shell):
    database(shell.folder / "one.db", [])
    shell.write(atc(shell, sql="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                               "SELECT max(i) AS a FROM n"))
    done = shell.run("SELECT * FROM t_files", flags=["--query_wall_limit=200"])
    assert done.returncode == 9 and "took longer than its 200 ms" in done.stderr


def test_files_are_found_below_the_movable_root(shell):
    (shell.folder / "root/data").mkdir(parents=True)
    database(shell.folder / "root/data/in.db", ["INSERT INTO t VALUES ('in', 1)"])
    database(shell.folder / "out.db", ["INSERT INTO t VALUES ('out', 1)"])
    os.symlink(shell.folder / "out.db", shell.folder / "root/data/link.db")
    shell.write({"auto_table_construction": {"t_files": {
        "query": "SELECT a FROM t", "path": "/data/%.db", "columns": ["a"]}}})
    assert shell.ask("SELECT a, path FROM t_files", f"--host_root={shell.folder}/root") == \
        [{"a": "in", "path": "/data/in.db"}]


@pytest.mark.parametrize("change, reason", [
    ({"query": None}, 't_files: it has no "query"'),
    ({"path": None}, 't_files: it has no "path"'),
    ({"columns": None}, 't_files: it has no "columns"'),
    ({"columns": []}, "t_files.columns: there is no column"),
    ({"columns": "a"}, 't_files.columns: "a" is no list'),
    ({"columns": ["a", "A"]}, "t_files.columns[1]: the column stands here twice"),
    ({"columns": ["a", "b`"]}, "t_files.columns[1]: the name has a character that is not allowed"),
    ({"columns": [f"c{i}" for i in range(64)]}, "t_files.columns[63]: there are more than 63 columns"),
    ({"path": "relative"}, "t_files: the path relative does not begin with /"),
    ({"query": ""}, "t_files.query: it is empty")])
def test_what_is_wrong_with_a_table_is_said(shell, change, reason):
    config = atc(shell)
    config["auto_table_construction"]["t_files"].update(change)
    shell.write(config)
    assert [line.split(": auto_table_construction.", 1)[1] for line in shell.warnings()] == [reason]


def test_a_name_that_is_taken_is_refused(shell):
    database(shell.folder / "one.db", ["INSERT INTO t VALUES (1, 1)"])
    shell.write(atc(shell, name="Users"))
    assert "a" not in shell.ask("SELECT * FROM users LIMIT 1")[0]
    assert "auto_table_construction.Users: ATC table overrides core table; Refusing registration" in shell.said


def test_a_table_for_another_platform_is_passed_over(shell):
    shell.write(atc(shell, platform="darwin"))
    assert shell.check() == (0, [])
    assert shell.run("SELECT * FROM t_files").returncode == 1


def test_a_view_over_a_table_of_files(shell):
    database(shell.folder / "one.db", ["INSERT INTO t VALUES (1, 1), (2, 2)"])
    shell.write({**atc(shell), "views": {"v": "SELECT sum(a) AS s FROM t_files"}})
    assert shell.ask("SELECT s FROM v, t_files") == [{"s": "3"}] * 2


# ---- the programs ----

@pytest.fixture
def daemon(build, tmp_path):
    one = Daemon(build, tmp_path, "{}")
    yield one
    one.kill()


def test_a_daemon_takes_what_has_changed_and_forgets_what_is_gone(daemon, shell):
    """Also what changed in the file of a pack alone; an option that is gone is no longer in force."""
    database(shell.folder / "one.db", ["INSERT INTO t VALUES ('x', 1)"])
    pack = shell.write({"queries": {"q": {"query": "SELECT 1 AS n", "interval": 1, "snapshot": True}}}, "p.conf")
    config = {"options": {"pack_delimiter": ":"}, "packs": {"p": str(pack)}}
    daemon.configure(config)
    daemon.start().wait_lines(1, "snapshots", "pack:p:q")
    shell.write({"queries": {"r": {"query": "SELECT a FROM t_files", "interval": 1, "snapshot": True}},
                 **atc(shell)}, "p.conf")
    daemon.process.send_signal(signal.SIGHUP)
    lines = daemon.wait_lines(1, "snapshots", "pack:p:r")
    assert lines[0]["snapshot"] == [{"a": "x"}]
    del config["options"]
    daemon.configure(config)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_lines(1, "snapshots", "pack_p_r")
    daemon.stop()


def test_a_daemon_does_not_touch_its_own_store_by_a_table(daemon, shell):
    """Closing a file once more would take the locks of the store away."""
    config = {"schedule": {"q": {"query": "SELECT 1 AS n, count(a) AS c FROM t_files", "interval": 1,
                                 "snapshot": True}}, **atc(shell, sql="SELECT 1 AS a", path="db/%")}
    daemon.configure(config)
    daemon.start().wait_lines(2, "snapshots", "q")

    def locks():
        inode = (daemon.database / "state.db").stat().st_ino
        runner = daemon.runner()
        return [line for line in pathlib.Path("/proc/locks").read_text().splitlines()
                if f":{inode} " in line and f" {runner} " in line]

    assert locks()
    daemon.stop()
    assert "state.db: this program uses it itself" in daemon.errors()


def test_the_dump_is_the_raw_text_of_each_source(shell):
    shell.write("# kept\n{}")
    shell.write("{ }\n", "osquery.conf.d/x.conf")
    done = shell.run("--config_dump")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout == (f'{{"{shell.path}": # kept\n{{}}}}\n'
                           f'{{"{shell.path}.d/x.conf": {{ }}\n}}\n')


def test_a_plugin_that_is_unknown(shell):
    for flag in ("--config_check", "--config_dump"):
        done = shell.run(flag, "--config_plugin=carrier_pigeon")
        assert done.returncode == 78 and done.stdout == ""
        assert done.stderr.startswith("Cannot activate carrier_pigeon config plugin: ")


def test_the_examples_of_the_page_are_good(shell):
    page = (pathlib.Path(__file__).parent.parent / "docs/config.md").read_text()
    examples = re.findall(r"```json\n(.*?)```", page, re.S)
    assert len(examples) > 4
    for example in examples:
        shell.write(example)
        assert not [line for line in shell.warnings() if "no such file" not in line.lower()], example
        assert shell.ask("SELECT config_valid FROM osquery_info") == [{"config_valid": "1"}]
        for row in shell.ask("SELECT query FROM osquery_schedule"):
            shell.ask(row["query"])


def test_many_warnings_are_cut(shell):
    shell.write({"schedule": {f"q{i}": 0 for i in range(5000)}})
    said = shell.warnings()
    assert len(said) == 101 and said[-1] == "config: 4900 more of such warnings"
