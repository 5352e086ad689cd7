# SPDX-License-Identifier: Apache-2.0
"""The engine: push-down, laziness, limits, cancelling, what a query may not do."""
import os
import re
import signal
import subprocess
import time

import pytest


def trace(build, sql, *flags):
    """The files below /proc that the program opens for a query."""
    done = subprocess.run(["strace", "-f", "-e", "trace=openat,openat2,readlinkat,open", "-qq",
                           build / "osqueryi", "--json", *flags, sql], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return re.findall(r'"(?:proc/)?(\d+/[a-z]+)"', done.stderr)


@pytest.fixture
def strace(sanitized):
    if sanitized:
        pytest.skip("a sanitized program cannot be traced by strace for leaks")
    probe = subprocess.run(["strace", "-qq", "true"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip("strace does not work here: " + probe.stderr.decode()[:100])


def test_count_reads_no_file(build, strace):
    assert trace(build, "SELECT count(*) FROM processes") == []


def test_a_column_costs_only_its_own_file(build, strace):
    files = {path.split("/")[1] for path in trace(build, "SELECT pid, name FROM processes")}
    assert files == {"stat"}
    files = {path.split("/")[1] for path in trace(build, "SELECT uid FROM processes")}
    assert files == {"status"}


def test_only_the_rows_that_pass_pay_for_more(build, strace):
    me = os.getpid()
    opened = trace(build, f"SELECT cmdline FROM processes WHERE pid = {me}")
    assert opened == [f"{me}/cmdline"]
    opened = trace(build, "SELECT cmdline FROM processes WHERE name = 'no such name'")
    assert not [path for path in opened if path.endswith("cmdline")]


def test_limit_stops_early(build, strace):
    assert len(trace(build, "SELECT cmdline FROM processes LIMIT 3")) == 3


def test_in_lists_come_at_once(ask):
    plan = ask("EXPLAIN QUERY PLAN SELECT * FROM processes WHERE pid IN (1, 2)")
    assert plan[0]["detail"].endswith("0*")
    assert [row["pid"] for row in ask("SELECT pid FROM processes WHERE pid IN (1, '1', 1.0, 'x')")] == ["1"]


@pytest.mark.parametrize("term, found", [
    ("pid = 1", True), ("pid = '1'", True), ("pid = 1.0", True), ("pid = 1.5", False),
    ("pid = 'one'", False), ("pid = NULL", False), ("pid IS 1", True), ("pid = x'31'", False),
    ("pid BETWEEN 1 AND 1", True), ("pid < 2 AND pid > 0", True), ("pid >= 0.5 AND pid <= 1.5", True),
    ("pid GLOB '1'", True), ("pid LIKE '1'", True), ("pid IN (SELECT 1)", True), ("+pid = 1", True),
    ("pid = 99999999999999999999", False), ("pid = -1", False),
])
def test_terms_mean_what_sql_says(ask, term, found):
    assert bool(ask(f"SELECT pid FROM processes WHERE {term}")) == found


def test_joins_of_small_tables_do_not_scan_again(build):
    done = subprocess.run([build / "osqueryi", ".profile SELECT count(*) FROM etc_services a "
                           "JOIN etc_services b ON a.name = b.name"], capture_output=True, text=True)
    rows = int(re.search(r"rows: 1\n", done.stdout) is not None)
    scanned = int(re.search(r"table: etc_services, \d+ scans, (\d+) rows", done.stdout).group(1))
    total = int(subprocess.run([build / "osqueryi", "--list", "--noheader",
                                "SELECT count(*) FROM etc_services"], capture_output=True,
                               text=True).stdout)
    assert rows == 1 and scanned <= 2 * total


def test_a_required_term_counts_behind_many_others(ask):
    terms = " AND ".join(f"f.path <> '/x{i}' AND f.path LIKE '/etc/%'" for i in range(40))
    rows = ask(f"SELECT path FROM file f WHERE {terms} AND path = '/etc/passwd'")
    assert [row["path"] for row in rows] == ["/etc/passwd"]


def test_or_over_two_keys_gives_each_row_once(ask):
    rows = ask("SELECT path FROM file WHERE path = '/etc/passwd' OR path LIKE '/etc/passw_' "
               "OR directory = '/etc' AND filename = 'passwd'")
    assert [row["path"] for row in rows].count("/etc/passwd") == 1


def test_union_and_subqueries(ask):
    assert ask("SELECT count(*) AS n FROM (SELECT pid FROM processes UNION SELECT pid FROM processes) "
               "WHERE pid = 1")[0]["n"] == "1"


# ---- limits ----

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
HUNGRY = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) " \
         "SELECT length(group_concat(x || 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')) FROM c"


@pytest.mark.parametrize("flag, sql, words", [
    ("--query_wall_limit=200", ENDLESS, "the query took longer than its 200 ms"),
    ("--query_cpu_limit=200", ENDLESS, "the query used more than its 200 ms of CPU time"),
    ("--query_memory_limit=16", HUNGRY, "the query held more than its 16 MB of memory"),
    ("--query_wall_limit=200", "SELECT sleep(100)", "the query took longer than its 200 ms"),
    ("--query_wall_limit=50", "SELECT count(*) FROM file WHERE path LIKE '/%%'", "longer than its 50 ms"),
    ("--query_memory_limit=1", "SELECT * FROM file f, file g, file h WHERE f.path LIKE '/usr/%%' "
     "AND g.path LIKE '/usr/%%' AND h.path LIKE '/usr/%%' ORDER BY f.path || g.path || h.path",
     "the query held more than its 1 MB of memory"),
])
def test_a_query_over_a_limit_ends_with_the_reason(ask, flag, sql, words):
    done = ask(sql, flag, check=False, timeout=60)
    assert done.returncode != 0
    assert words in done.stderr.decode()


def test_the_next_query_after_a_limit_runs(build):
    done = subprocess.run([build / "osqueryi", "--query_wall_limit=300", "--json"], text=True,
                          input=f"{ENDLESS};\nSELECT 7 AS seven;\n", capture_output=True, timeout=60)
    assert done.returncode == 1
    assert '"seven":"7"' in done.stdout


def test_interrupt_cancels_the_query(build):
    child = subprocess.Popen([build / "osqueryi", ENDLESS], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    # it computes once it has used some time of its own
    while time.monotonic() < deadline:
        fields = open(f"/proc/{child.pid}/stat").read().rsplit(")", 1)[1].split()
        if int(fields[11]) + int(fields[12]) > 5:
            break
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert errors.decode() == "Error: the query was cancelled\n"
    assert child.returncode == 9


# ---- what a query may not do ----

@pytest.mark.parametrize("sql", [
    "ATTACH '/tmp/x' AS x", "DETACH main", "PRAGMA user_version", "PRAGMA writable_schema = 1",
    "CREATE TABLE t(a); CREATE INDEX i ON t(a)", "CREATE TABLE t(a); ANALYZE", "VACUUM INTO '/tmp/x'",
    "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
    "CREATE VIEW processes AS SELECT 1", "CREATE TABLE users(a)", "SELECT load_extension('x')",
])
def test_refused(ask, sql):
    done = ask(sql, check=False)
    assert done.returncode != 0
    assert any(words in done.stderr.decode() for words in
               ("not authorized", "authorization denied", "no such function"))


@pytest.mark.parametrize("sql", [
    "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2); UPDATE t SET a = 3; SELECT a FROM t",
    "CREATE VIEW v AS SELECT pid FROM processes; SELECT * FROM v WHERE pid = 1",
    "CREATE TEMP TABLE t AS SELECT pid FROM processes WHERE pid = 1; SELECT * FROM t; DROP TABLE t",
    "PRAGMA table_info(processes)", "PRAGMA function_list", "PRAGMA collation_list",
    "BEGIN; SELECT 1; COMMIT",
])
def test_allowed(ask, sql):
    assert ask(sql)


def test_tables_cannot_be_written(ask):
    done = ask("DELETE FROM processes", check=False)
    assert done.returncode == 1 and "may not be modified" in done.stderr.decode()


# ---- names, flags ----

@pytest.mark.parametrize("sql, words", [
    ("SELECT * FROM proceses", "no such table: proceses (did you mean processes?)"),
    ("SELECT * FROM Porcesses", "no such table: Porcesses (did you mean processes?)"),
    ("SELECT usrname FROM users", "no such column: usrname (did you mean username?)"),
    ("SELECT u.direktory FROM users u", "no such column: u.direktory (did you mean directory?)"),
    ("SELECT * FROM xyzzy_plugh", "no such table: xyzzy_plugh\n"),
    ("SELEC 1", 'near "SELEC": syntax error'),
])
def test_the_nearest_name_is_shown(ask, sql, words):
    assert words in ask(sql, check=False).stderr.decode()


@pytest.mark.parametrize("flags, words", [
    (["--jsn"], "command line: unknown flag --jsn, the nearest is --json"),
    (["--read_max=lots"], "--read_max=lots: the value must be a number from 0"),
    (["--json=maybe"], "--json=maybe: the value must be true or false"),
    (["--read_max"], "--read_max needs a value"),
    (["--flagfile=/nonexistent"], "flag file /nonexistent: No such file or directory"),
    (["--alarm_timeout=5"], "must be at least 10"),
])
def test_a_bad_flag_is_refused(build, flags, words):
    done = subprocess.run([build / "osqueryi", *flags], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and words in done.stderr


def test_flags_by_the_rules_of_gflags(build, tmp_path):
    inner = tmp_path / "inner.flags"
    inner.write_text("--schedule_epoch=5\n")
    outer = tmp_path / "outer.flags"
    outer.write_text(f"# comment\n\n--json\nother_program\n--nonsense\n*osquery*\n--flagfile={inner}\n"
                     "--logger_tls_max=7\n-nologger_event_type\n")
    done = subprocess.run([build / "osqueryi", f"--flagfile={outer}", "--undefok=whatever", "--whatever",
                           "SELECT name, value FROM osquery_flags WHERE name IN ('schedule_epoch', "
                           "'logger_tls_max_linesize', 'logger_event_type') ORDER BY name"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ('[\n  {"name":"logger_event_type","value":"false"},\n'
                           '  {"name":"logger_tls_max_linesize","value":"7"},\n'
                           '  {"name":"schedule_epoch","value":"5"}\n]\n')


def test_a_mistake_in_a_flag_file_names_its_line(build, tmp_path):
    path = tmp_path / "x.flags"
    path.write_text("--json\n--schedule_epoch=x\n")
    done = subprocess.run([build / "osqueryi", f"--flagfile={path}", "SELECT 1"], capture_output=True,
                          text=True)
    assert done.returncode == 1 and f"{path}:2: --schedule_epoch=x" in done.stderr


def test_every_known_flag_is_there(ask):
    import pathlib
    facts = pathlib.Path(__file__).parent / "compat/flags.tsv"
    listed = {row["name"]: row for row in ask("SELECT * FROM osquery_flags")}
    for line in facts.read_text().splitlines():
        if line.startswith("#"):
            continue
        name, kind, default, where = line.split("\t")
        if len(name) <= 2:
            continue
        assert name in listed, name
        assert listed[name]["type"] == kind and listed[name]["default_value"] == default, name
        assert (listed[name]["shell_only"] == "1") == (where == "SHELL_FLAG"), name


def test_what_nothing_reads_is_marked_and_nothing_else():
    import pathlib
    source = pathlib.Path(__file__).resolve().parent.parent / "src"
    read = {"D", "S"}  # main.c looks for them itself
    for path in source.rglob("*.c"):
        read |= set(re.findall(r'(?:flags_(?:string|bool|integer)|scan_flag)\([^"]*?"(\w+)"', path.read_text()))
        read |= set(re.findall(r'\.(?:expiry|max)_flag = "(\w+)"', path.read_text()))
    entries = re.findall(r'\{ "(\w+)", FLAG_\w+, "(?:[^"\\]|\\.)*", (FLAG_\w+),(.*?)\}',
                         (source / "base/flag_list.c").read_text(), re.S)
    for name, _, rest in entries:
        assert ("IDLE" in rest) == (name not in read), name


def test_tables_can_be_left_out(ask):
    assert ask("SELECT 1 FROM users", "--disable_tables=users,groups", check=False).returncode == 1
    assert ask("SELECT 1 FROM users", "--enable_tables=uptime", check=False).returncode == 1
    assert ask("SELECT 1 FROM uptime", "--enable_tables=uptime")


# ---- namespaces ----

def test_another_process_view(ask, tmp_path, root_only):
    """A process in a mount namespace of its own, with another /etc/passwd."""
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(probe.stderr.strip())
    passwd = tmp_path / "passwd"
    passwd.write_text("inside:x:4242:4242::/:/bin/sh\n")
    child = subprocess.Popen(["unshare", "-m", "sh", "-c",
                              f"mount --bind {passwd} /etc/passwd && echo ready && exec sleep 60"],
                             stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"ready\n"
        rows = ask("SELECT username, pid_with_namespace AS p FROM users "
                   f"WHERE pid_with_namespace = {child.pid}")
        assert rows == [{"username": "inside", "p": str(child.pid)}]
        link = os.readlink(f"/proc/{child.pid}/ns/mnt")
        rows = ask("SELECT size, mount_namespace_id AS m FROM file WHERE path = '/etc/passwd' "
                   f"AND pid_with_namespace IN (99999999, {child.pid})")
        assert rows == [{"size": str(passwd.stat().st_size), "m": link[5:-1]}]
        assert ask("SELECT 1 FROM users WHERE username = 'inside'") == []
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def small_host(tmp_path):
    """Recorded tables in which rows are alike."""
    for path, text in {
        "etc/services": "b 7/tcp\na 7/tcp\na 7/tcp\n007 9/udp\n7 7/udp\n",
        "etc/passwd": "a:x:7:7:::\nb:x:8:7:::\n",
        "etc/group": "all:x:7:a,b\nfew:x:8:b\n",
        "etc/hosts": "::1 b\n::1 b\n::2 a\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return f"--host_root={tmp_path}"


@pytest.mark.parametrize("sql, count", [
    # a key that several rows have
    ("SELECT DISTINCT gid FROM user_groups", 2),
    ("SELECT DISTINCT address, hostnames FROM etc_hosts", 2),
    ("SELECT 1 FROM user_groups WHERE uid = 8 OR gid = 7", 3),
    # rows that are the same
    ("SELECT name FROM etc_services WHERE name = 'a' OR port = 7", 4),
    ("SELECT 1 FROM etc_hosts a RIGHT JOIN etc_hosts b ON a.hostnames = b.address", 3),
    ("SELECT 1 FROM etc_hosts a FULL JOIN etc_hosts b ON a.hostnames = b.hostnames", 5),
    # a text that is compared with a number
    ("SELECT 1 FROM etc_services s JOIN users u ON s.name = u.uid", 2),
    ("SELECT 1 FROM users u JOIN etc_services s ON s.name = u.uid", 2),
    ("SELECT 1 FROM users u CROSS JOIN etc_services s ON s.name = u.uid", 2),
    ("SELECT 1 FROM etc_services WHERE name IN (SELECT uid FROM users)", 2),
    ("SELECT 1 FROM etc_services WHERE name = 7", 1),
    # what is missing reads as '', and so does an empty text
    ("SELECT 1 FROM users u CROSS JOIN etc_services s ON s.aliases = u.description", 10),
    ("SELECT date_time = datetime AND datetime <> '' FROM time WHERE date_time <> ''", 1),
])
def test_rows_that_are_alike(ask, small_host, sql, count):
    assert len(ask(sql, small_host)) == count


@pytest.mark.parametrize("sql, rows", [
    ("SELECT name FROM etc_services ORDER BY name LIMIT 2", ["007", "7"]),
    ("SELECT name FROM etc_services WHERE name < protocol LIMIT 5 OFFSET 1", ["a", "a", "007", "7"]),
    ("SELECT name FROM etc_services WHERE name > protocol LIMIT 1", []),
    ("SELECT name FROM etc_services LIMIT -1 OFFSET 4", ["7"]),
])
def test_limits_count_rows_that_pass(ask, small_host, sql, rows):
    assert [row["name"] for row in ask(sql, small_host)] == rows
