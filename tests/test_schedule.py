# SPDX-License-Identifier: Apache-2.0
"""The schedule on the real daemon: what is run, logged, remembered, limited."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from daemon import Daemon, check_line, replay, wait_for


@pytest.fixture
def daemon(build, tmp_path):
    made = []

    def make(config, *flags, folder=None, **options):
        (folder or tmp_path).mkdir(exist_ok=True)
        one = Daemon(build, folder or tmp_path, config, *flags, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.kill()


def hosts_root(folder, names):
    """A host of which only etc/hosts is known."""
    (folder / "etc").mkdir(parents=True, exist_ok=True)
    new = folder / "etc/hosts.new"
    new.write_text("".join(f"10.0.{i // 256}.{i % 256} {name}\n" for i, name in enumerate(names)))
    new.rename(folder / "etc/hosts")
    return folder


HOSTS = {"query": "SELECT address, hostnames FROM etc_hosts", "interval": 1}


def test_what_changes_is_logged_once(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one", "two"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}").start()
    first = one.wait_lines(2)
    assert [line["action"] for line in first] == ["added", "added"]
    assert [line["counter"] for line in first] == [0, 0]
    assert first[0]["columns"] == {"address": "10.0.0.0", "hostnames": "one"}
    hosts_root(root, ["one", "three"])
    lines = one.wait_lines(4)
    assert [(line["action"], line["columns"]["hostnames"], line["counter"]) for line in lines[2:]] == [
        ("removed", "two", 1), ("added", "three", 1)]
    one.stop()
    assert len(one.lines()) == 4
    for line in lines:
        check_line(line)
        assert list(line) == ["name", "hostIdentifier", "calendarTime", "unixTime", "epoch", "counter",
                              "numerics", "columns", "action"]
    # a restart is no reason to log anything again
    one.start()
    hosts_root(root, ["one", "three", "four"])
    lines = one.wait_lines(5)
    assert lines[4]["columns"]["hostnames"] == "four" and lines[4]["counter"] == 2
    one.stop()
    assert len(one.lines()) == 5


def test_snapshots_go_to_a_file_of_their_own(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one", "two"])
    one = daemon({"schedule": {"hosts": {**HOSTS, "snapshot": True}}}, f"--host_root={root}").start()
    lines = one.wait_lines(2, "snapshots")
    one.stop()
    for line in lines:
        check_line(line)
        assert [row["hostnames"] for row in line["snapshot"]] == ["one", "two"]
    assert one.raw() == b""


def test_forms_and_numbers_follow_the_options(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    query = {"query": "SELECT hostnames, 7 AS n, 0.5 AS r, NULL AS missing FROM etc_hosts", "interval": 1}
    one = daemon({"options": {"logger_event_type": False, "logger_numerics": True, "nullvalue": "-",
                              "logger_snapshot_event_type": True, "schedule_epoch": 3,
                              "host_identifier": "specified", "specified_identifier": "it"},
                  "schedule": {"batch": query, "snap": {**query, "snapshot": True}}},
                 f"--host_root={root}").start()
    batch = one.wait_lines(1)[0]
    snap = one.wait_lines(1, "snapshots")[0]
    one.stop()
    check_line(batch)
    check_line(snap)
    assert batch["diffResults"] == {"removed": [],
                                    "added": [{"hostnames": "one", "missing": "-", "n": 7, "r": 0.5}]}
    assert snap["columns"] == batch["diffResults"]["added"][0] and snap["action"] == "snapshot"
    assert batch["epoch"] == 3 and batch["hostIdentifier"] == "it" and batch["numerics"] is True


def test_decorations_stand_in_every_line(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    config = {"decorators": {"load": ["SELECT 'load' AS a, 'x' AS b"],
                             "always": ["SELECT 'always' AS b"]},
              "schedule": {"hosts": HOSTS}}
    one = daemon(config, f"--host_root={root}").start()
    line = one.wait_lines(1)[0]
    one.stop()
    check_line(line)
    assert line["decorations"] == {"a": "load", "b": "always"}
    config["options"] = {"decorations_top_level": True}
    two = daemon(config, f"--host_root={root}", folder=tmp_path / "two").start()
    line = two.wait_lines(1)[0]
    two.stop()
    assert line["a"] == "load" and "decorations" not in line


def test_osquery_schedule_tells_what_was_run(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one", "two"])
    one = daemon({"schedule": {
        "hosts": {**HOSTS, "snapshot": True},
        "self": {"query": "SELECT * FROM osquery_schedule", "interval": 1, "snapshot": True}}},
        f"--host_root={root}").start()
    one.wait_lines(3, "snapshots", "hosts")
    seen = wait_for(lambda: [row for line in one.lines("snapshots", "self") for row in line["snapshot"]
                             if row["name"] == "hosts" and int(row["executions"]) >= 3], "three runs")[0]
    one.stop()
    runs = [line for line in one.lines("snapshots", "hosts")]
    assert seen["interval"] == "1" and seen["denylisted"] == "0"
    assert 0 < int(seen["average_memory"]) < 10**6 and 0 < int(seen["last_memory"]) < 10**6
    assert int(seen["last_executed"]) in [line["unixTime"] + d for line in runs for d in (-1, 0, 1)]
    # names and values of two rows, each run
    size = len("addresshostnames") * 2 + len("10.0.0.0one") + len("10.0.0.1two")
    assert int(seen["output_size"]) == size * int(seen["executions"])
    # the same from outside, of the stopped daemon's store
    row = [row for row in one.ask_store("SELECT * FROM osquery_schedule") if row["name"] == "hosts"][0]
    assert int(row["executions"]) == len(runs) and row["query"] == HOSTS["query"]


def test_the_shell_reads_the_store_of_a_running_daemon(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}").start()
    one.wait_lines(1)
    wait_for(lambda: int(one.ask_store("SELECT executions FROM osquery_schedule")[0]["executions"]) >= 2,
             "runs that the shell sees")
    assert one.ask_store("SELECT instance_id FROM osquery_info")[0]["instance_id"]
    hosts_root(root, ["one", "two"])
    one.wait_lines(2)
    one.stop()


def test_packs_run_when_their_discovery_finds_something(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"packs": {
        "yes": {"discovery": ["SELECT 1 FROM etc_hosts WHERE hostnames = 'one'"], "queries": {"q": HOSTS}},
        "no": {"discovery": ["SELECT 1 FROM etc_hosts WHERE hostnames = 'two'"], "queries": {"q": HOSTS}},
        "windows": {"platform": "windows", "queries": {"q": HOSTS}}},
        "schedule": {"packs": {"query": "SELECT * FROM osquery_packs", "interval": 1, "snapshot": True}}},
        f"--host_root={root}").start()
    one.wait_lines(1)
    rows = wait_for(lambda: [line["snapshot"] for line in one.lines("snapshots", "packs") if any(
        row["name"] == "no" and int(row["discovery_cache_hits"]) > 0 for row in line["snapshot"])],
        "a discovery answered from its cache")[0]
    one.stop()
    assert {line["name"] for line in one.lines()} == {"pack_yes_q"}
    assert {row["name"]: row["active"] for row in rows} == {"main": "1", "yes": "1", "no": "0",
                                                             "windows": "0"}
    assert {row["name"]: row["discovery_executions"] for row in rows}["no"] == "1"


def test_a_new_config_is_taken_and_a_bad_one_refused(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}").start()
    one.wait_lines(1)
    one.configure('{"schedule": {"hosts": ')
    one.process.send_signal(signal.SIGHUP)
    one.wait_error("the one in force stays")
    assert f"{one.config_path}:" in one.errors()
    hosts_root(root, ["one", "two"])
    one.wait_lines(2)
    one.configure({"schedule": {"hosts": HOSTS, "more": HOSTS}})
    one.process.send_signal(signal.SIGHUP)
    one.wait_lines(2, query="more")
    one.stop()
    assert len(one.lines(query="hosts")) == 2


def test_config_refresh_reads_it_again_by_itself(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}", "--config_refresh=1").start()
    one.wait_lines(1)
    one.configure({"schedule": {"later": HOSTS}})
    one.wait_lines(1, query="later")
    one.stop()


def test_the_last_good_config_serves_when_none_can_be_read(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}", "--config_enable_backup").start()
    one.wait_lines(1)
    one.stop()
    one.configure("garbage")
    hosts_root(root, ["one", "two"])
    one.start()
    one.wait_lines(2)
    one.stop()
    assert "the last good one is used" in one.errors()


def test_without_a_config_the_daemon_waits_for_one(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon("nothing", f"--host_root={root}").start()
    one.wait_error("config: ")
    one.configure({"schedule": {"hosts": HOSTS}})
    wait_for(one.runner, "the runner")
    one.process.send_signal(signal.SIGHUP)
    one.wait_lines(1)
    one.stop()


NEVER_ENDS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n"
EATS = ("WITH RECURSIVE n(i, t) AS (SELECT 1, hex(zeroblob(500000)) UNION ALL"
        " SELECT i + 1, hex(zeroblob(500000)) || i FROM n) SELECT group_concat(t) AS all_of_it FROM n")


def executing(one):
    """The query that the daemon runs just now, as its store says."""
    try:
        state = sqlite3.connect(f"file:{one.database}/state.db?mode=ro", uri=True)
        rows = state.execute("SELECT value FROM setting WHERE name = 'executing'").fetchall()
        state.close()
    except sqlite3.Error:
        return None
    return rows[0][0] if rows else None


def is_denied(one, name):
    """What the store says; the daemon goes on meanwhile."""
    rows = one.ask_store(f"SELECT denylisted FROM osquery_schedule WHERE name = '{name}'")
    return rows and rows[0]["denylisted"] == "1"


@pytest.mark.parametrize("sql, flag, words", [
    (NEVER_ENDS, "--query_wall_limit=300", "took longer than its 300 ms"),
    (NEVER_ENDS, "--query_cpu_limit=300", "more than its 300 ms of CPU time"),
    (EATS, "--query_memory_limit=50", "more than its 50 MB of memory"),
])
def test_a_query_over_its_limit_is_cancelled_and_denied_alone(daemon, tmp_path, sql, flag, words):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"bad": {"query": sql, "interval": 1}, "hosts": HOSTS}},
                 f"--host_root={root}", flag).start()
    one.wait_error(words)
    runner = one.runner()
    wait_for(lambda: is_denied(one, "bad"), "the denylist")
    hosts_root(root, ["one", "two"])
    one.wait_lines(2)
    assert one.runner() == runner, "the runner has to survive"
    one.stop()
    assert not is_denied(one, "hosts")
    # it stays denied over a restart, and says so once
    one.start()
    hosts_root(root, ["one", "two", "three"])
    one.wait_lines(3)
    one.wait_error("is denylisted for another")
    one.stop()
    assert one.errors().count("was cancelled: ") == 1
    # until its day is over
    with sqlite3.connect(one.database / "state.db") as state:
        state.execute("UPDATE query SET denied_until = ? WHERE name = 'bad'", (int(time.time()) - 1,))
    state.close()
    one.start()
    wait_for(lambda: one.errors().count("was cancelled: ") == 2, "its next run")
    one.stop()


def test_a_query_may_be_kept_off_the_denylist(daemon, tmp_path):
    one = daemon({"schedule": {"bad": {"query": NEVER_ENDS, "interval": 1, "denylist": False}}},
                 "--query_wall_limit=100").start()
    wait_for(lambda: one.errors().count("took longer than its 100 ms") >= 2, "two runs")
    one.stop()
    assert not is_denied(one, "bad")


def test_the_watchdog_cancels_a_query_and_keeps_the_runner(daemon, tmp_path, sanitized):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"bad": {"query": NEVER_ENDS, "interval": 2}, "hosts": HOSTS}},
                 f"--host_root={root}", "--watchdog_delay=0", "--watchdog_latency_limit=1",
                 "--watchdog_utilization_limit=5",
                 *(["--watchdog_memory_limit=100000"] if sanitized else [])).start()
    one.wait_error("scheduled query bad was cancelled: it used more than the watchdog allows")
    hosts_root(root, ["one", "two"])
    one.wait_lines(2)
    one.stop()
    assert is_denied(one, "bad")
    assert "is started again" not in one.errors()


def test_a_runner_that_hangs_is_ended_alone_and_its_query_denied(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"slow": {"query": "SELECT sleep(3600) AS s", "interval": 1}, "hosts": HOSTS}},
                 f"--host_root={root}", "--watchdog_delay=0", "--watchdog_stall_limit=1",
                 "--watchdog_forced_shutdown_delay=1", "--watchdog_memory_limit=100000").start()
    one.wait_lines(1)
    runner = one.runner()

    wait_for(lambda: executing(one) == "slow", "the slow query to run")
    # as a process that waits in the kernel: it hears nothing but SIGKILL
    os.kill(runner, signal.SIGSTOP)
    one.wait_error("is started again")
    hosts_root(root, ["one", "two"])
    one.wait_lines(2)
    assert one.runner() != runner and one.process.poll() is None
    one.stop()
    assert is_denied(one, "slow")


@pytest.mark.parametrize("flags", [[], ["--disable_database"]])
def test_the_query_of_a_runner_that_was_killed_is_denied(daemon, tmp_path, flags):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {
        "slow": {"query": "SELECT sleep(3600) AS s", "interval": 1, "startup_priority": 2},
        "tell": {"query": "SELECT name FROM osquery_schedule WHERE denylisted", "interval": 1},
        "hosts": HOSTS}}, f"--host_root={root}", "--schedule_lognames", *flags).start()
    one.wait_error("Executing scheduled query slow")
    os.kill(one.runner(), signal.SIGKILL)
    one.wait_error("Scheduled query may have failed: slow")
    assert one.wait_lines(1, query="tell")[0]["columns"] == {"name": "slow"}
    hosts_root(root, ["one", "two"])
    wait_for(lambda: one.lines(query="hosts")[-1:] and
             one.lines(query="hosts")[-1]["columns"]["hostnames"] == "two", "the other query")
    one.stop()


def test_a_fifo_blocks_nothing(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    (root / "etc/passwd").write_text("me:x:0:0::/root:/bin/sh\n")
    for name in ("services", "protocols", "crontab", "resolv.conf", "shadow"):
        os.mkfifo(root / "etc" / name)
    one = daemon({"schedule": {
        "services": {"query": "SELECT * FROM etc_services", "interval": 1},
        "protocols": {"query": "SELECT * FROM etc_protocols", "interval": 1},
        "crontab": {"query": "SELECT * FROM crontab", "interval": 1},
        "shadow": {"query": "SELECT * FROM shadow", "interval": 1},
        "hash": {"query": "SELECT * FROM hash WHERE directory = '/etc'", "interval": 1},
        "hosts": HOSTS}}, f"--host_root={root}").start()
    one.wait_lines(1, query="hosts")
    hosts_root(root, ["one", "two"])
    one.wait_lines(2, query="hosts")
    one.stop()


def test_a_stop_in_the_middle_of_a_query_denies_nothing(daemon, tmp_path):
    one = daemon({"schedule": {"long": {"query": NEVER_ENDS, "interval": 1}}},
                 "--watchdog_level=-1").start()

    wait_for(lambda: executing(one) == "long", "the query to run")
    one.stop()
    assert not is_denied(one, "long")
    one.start()
    wait_for(lambda: executing(one) == "long", "the query to run again")
    one.stop()
    assert "may have failed" not in one.errors()


CLOCK = r"""
// The realtime clock, moved by the seconds that a file holds.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static long shift(void)
{
	FILE *file = fopen(getenv("CLOCK_SHIFT"), "re");
	long seconds = 0;
	if (file) {
		if (fscanf(file, "%ld", &seconds) != 1)
			seconds = 0;
		fclose(file);
	}
	return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *now)
{
	int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
	int r = real(clock, now);
	if (clock == CLOCK_REALTIME)
		now->tv_sec += shift();
	return r;
}
time_t time(time_t *at)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (at)
		*at = now.tv_sec;
	return now.tv_sec;
}
"""


def test_setting_the_clock_moves_no_query(daemon, tmp_path, sanitized):
    if sanitized:
        pytest.skip("a sanitized program does not take a preloaded library")
    (tmp_path / "clock.c").write_text(CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "clock.so", tmp_path / "clock.c", "-ldl"],
                   check=True)
    shift = tmp_path / "shift"
    shift.write_text("0")
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS,
                               "beat": {"query": "SELECT 1 AS n", "interval": 1, "snapshot": True}}},
                 f"--host_root={root}",
                 environment={"LD_PRELOAD": f"{tmp_path}/clock.so", "CLOCK_SHIFT": str(shift)}).start()
    one.wait_lines(1)
    names = ["one"]
    for seconds in (-86400, 86400 * 400, 0, -5, 3600):
        before = len(one.lines("snapshots"))
        shift.write_text(str(seconds))
        names.append(f"at{seconds}")
        hosts_root(root, names)
        one.wait_lines(len(names))
        lines = one.wait_lines(before + 3, "snapshots")
        # wall time in the lines follows the clock, the rhythm does not
        assert abs(lines[-1]["unixTime"] - (time.time() + seconds)) < 60
        assert len(lines) - before < 60
    one.stop()
    assert len(one.lines()) == len(names)
    assert sum(replay(one.lines()).values()) == len(names)


def test_an_ephemeral_daemon_leaves_no_store(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}", "--ephemeral", "--disable_database")
    one.start()
    one.wait_lines(1)
    hosts_root(root, ["one", "two"])
    one.wait_lines(2)
    one.stop()
    assert not (one.database / "state.db").exists() and not (tmp_path / "pidfile").exists()


def test_views_and_auto_tables_serve_the_schedule(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one", "two"])
    (root / "var").mkdir()
    with sqlite3.connect(root / "var/app.db") as made:
        made.execute("CREATE TABLE item (name TEXT)")
        made.execute("INSERT INTO item VALUES ('thing')")
    made.close()
    one = daemon({
        "views": {"second": "SELECT hostnames FROM etc_hosts WHERE hostnames = 'two'"},
        "auto_table_construction": {"items": {"query": "SELECT name FROM item", "path": "/var/%.db",
                                              "columns": ["name"]}},
        "schedule": {"view": {"query": "SELECT * FROM second", "interval": 1},
                     "items": {"query": "SELECT * FROM items", "interval": 1}}},
        f"--host_root={root}").start()
    lines = one.wait_lines(2)
    one.stop()
    assert sorted(json.dumps(line["columns"]) for line in lines) == [
        '{"hostnames": "two"}', '{"name": "thing", "path": "/var/app.db"}']


def test_a_store_of_another_machine_gets_an_identity_of_its_own(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    flags = [f"--host_root={root}", "--host_identifier=instance"]
    one = daemon({"schedule": {"hosts": HOSTS}}, *flags).start()
    first = one.wait_lines(1)[0]["hostIdentifier"]
    one.stop()
    hosts_root(root, ["one", "two"])
    one.start()
    assert one.wait_lines(2)[1]["hostIdentifier"] == first
    one.stop()
    clone = tmp_path / "clone"
    clone.mkdir()
    shutil.copytree(one.database, clone / "db")
    (root / "etc/machine-id").write_text("fedcba9876543210fedcba9876543210\n")
    hosts_root(root, ["one", "two", "three"])
    two = daemon({"schedule": {"hosts": HOSTS}}, *flags, folder=clone).start()
    other = two.wait_lines(1)[0]["hostIdentifier"]
    two.stop()
    assert other and other != first


def test_the_store_can_be_dumped(daemon, tmp_path, build):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}").start()
    one.wait_lines(1)
    dump = [f"{build}/osqueryd", "--database_dump", f"--database_path={one.database}"]
    done = subprocess.run(dump, capture_output=True, text=True, check=True)
    one.stop()
    lines = done.stdout.splitlines()
    assert f"queries[query.hosts]: {HOSTS['query']}" in lines and "queries[hosts]: 1 rows" in lines
    assert "queries[hostsepoch]: 0" in lines and "queries[hostscounter]: 0" in lines
    numbers = [line for line in lines if line.startswith("query_performance[hosts]: ")][0].split(": ")[1]
    assert len(numbers.split(",")) == 12 and int(numbers.split(",")[0]) >= 1
    shutil.rmtree(one.database)
    done = subprocess.run(dump, capture_output=True, text=True)
    assert done.returncode == 1 and str(one.database) in done.stderr


def test_the_watchdog_ends_a_discovery_query_too(daemon, tmp_path, sanitized):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"packs": {"endless": {"discovery": [NEVER_ENDS], "queries": {"q": HOSTS}}},
                  "schedule": {"hosts": HOSTS}}, f"--host_root={root}", "--watchdog_delay=0",
                 "--watchdog_latency_limit=1", "--watchdog_utilization_limit=5",
                 *(["--watchdog_memory_limit=100000"] if sanitized else [])).start()
    one.wait_error("pack endless: discovery query: the query was cancelled")
    hosts_root(root, ["one", "two"])
    one.wait_lines(2)
    one.stop()
    assert {line["name"] for line in one.lines()} == {"hosts"} and "is started again" not in one.errors()


def test_a_schedule_that_is_never_done_keeps_nothing_else_waiting(daemon, tmp_path):
    slow = {"query": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000)"
                     " SELECT count(*) FROM n", "interval": 1}
    config = {"schedule": {f"slow{i}": slow for i in range(20)}}
    one = daemon(config, "--disable_watchdog", "--config_refresh=1").start()
    one.wait_lines(1)
    config["schedule"] = {"new": {"query": "SELECT 1 AS n", "interval": 1}, **config["schedule"]}
    one.configure(config)
    one.wait_lines(1, query="new")
    one.configure({**config, "options": {"schedule_timeout": 1}})
    assert one.process.wait(60) == 0


def test_the_largest_numbers_of_flags_are_no_small_ones(daemon):
    most = 2 ** 64 - 1
    flags = [f"--{name}={most}" for name in ("config_refresh", "query_memory_limit", "query_cpu_limit",
             "query_wall_limit", "schedule_timeout", "pack_refresh_interval", "schedule_splay_percent",
             "buffered_log_max", "buffered_log_max_size", "logger_rotate_size")]
    one = daemon({"schedule": {"one": {"query": "SELECT 1 AS n", "interval": 1}}}, *flags).start()
    one.wait_lines(1)
    one.stop()
