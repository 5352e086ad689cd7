# SPDX-License-Identifier: Apache-2.0
"""Events from the source to the log, replayed from a file: without a kernel and without privileges."""
import collections
import json
import os
import signal
import subprocess

import pytest

from daemon import Daemon, wait_for

NOW_NS = 1_700_000_000 * 10**9


def event(kind, number=0, **more):
    """One recorded event; those of files and sockets are done by /bin/worker."""
    base = {"kind": kind, "time_ns": NOW_NS + number * 10**9, "uptime_ns": 5 * 10**9, "pid": 4000000, "tid": 4000000,
            "ppid": 1, "uid": 7, "gid": 8, "euid": 9, "egid": 10, "suid": 11, "sgid": 12, "fsuid": 13, "fsgid": 14,
            "auid": 15, "session": 3,
            "process": {"pid": 4000000, "ppid": 1, "start_ticks": 777, "path": "/bin/worker",
                        "cmdline": "worker --fast", "cwd": "/srv", "cgroup_path": "/docker/" + "ab" * 32}}
    return {**base, **more}


def exec_event(number, cmdline=None):
    return event("exec", number, syscall="execve", pid=4000000 + number, mode=0o100755, owner_uid=0, owner_gid=0, inode=5,
                 device=6, atime=1, mtime=2, ctime=3, cmdline_bytes=14, env_bytes=100, env_count=4,
                 process={"pid": 4000000 + number, "ppid": 1, "start_ticks": 777 + number, "path": f"/bin/tool{number}",
                          "cmdline": cmdline or f"tool {number}", "cwd": "/srv", "cgroup_path": ""})


class Recording:
    """The file that a daemon replays, which may grow while it does."""

    def __init__(self, path):
        self.path = path
        self.path.touch()

    def add(self, *events):
        with self.path.open("a") as file:
            file.write("".join(json.dumps(one) + "\n" for one in events))


@pytest.fixture
def recording(tmp_path):
    return Recording(tmp_path / "recorded")


@pytest.fixture
def watch(build, tmp_path, recording):
    """Starts daemons that replay the recording."""
    daemons = []

    def start(config=None, *flags):
        daemons.append(Daemon(build, tmp_path, config or {}, f"--events_replay={recording.path}",
                              "--disable_audit=false", "--events_expiry=0", *flags).start())
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.kill()


def ask(daemon, sql):
    done = subprocess.run([f"{daemon.build}/osqueryi", "--json", "--disable_events=false", "--disable_database=false",
                           f"--database_path={daemon.database}", sql],
                          capture_output=True, stdin=subprocess.DEVNULL, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def wait_rows(daemon, sql, count):
    return wait_for(lambda: (lambda rows: rows if len(rows) >= count else None)(ask(daemon, sql)), f"{count} rows of {sql}")


def test_a_program_that_was_started_has_its_row(watch, recording):
    recording.add(exec_event(3, "tool 'a b' \n\x07"))
    daemon = watch()
    row, = wait_rows(daemon, "SELECT *, process_key, ancestry, container_id, success, errno, eid FROM process_events", 1)
    assert row["path"] == "/bin/tool3" and row["cmdline"] == "tool 'a b' \n\x07"
    assert row["pid"] == "4000003" and row["parent"] == "1" and row["cwd"] == "/srv"
    assert (row["uid"], row["gid"], row["euid"], row["egid"], row["suid"], row["sgid"], row["fsuid"], row["fsgid"],
            row["auid"]) == ("7", "8", "9", "10", "11", "12", "13", "14", "15")
    assert row["mode"] == "0100755" and row["syscall"] == "execve"
    assert (row["atime"], row["mtime"], row["ctime"], row["btime"]) == ("1", "2", "3", "0")
    assert row["time"] == str(NOW_NS // 10**9 + 3) and row["uptime"] == "5"
    assert row["eid"] == "0000000001" and row["process_key"] == "4000003-780"
    assert row["success"] == "1" and row["errno"] == "0"
    daemon.stop()


def test_changes_of_watched_files_have_rows_in_their_categories(watch, recording, tmp_path):
    watched = tmp_path / "watched"
    watched.mkdir()
    config = {"file_paths": {"one": [f"{watched}/%%"], "two": [f"{watched}/b"]}, "file_accesses": ["two"],
              "exclude_paths": {"one": [f"{watched}/%.swp"]}, "events": {"mute_processes": ["/opt/noisy"]}}
    muted = dict(event("write")["process"], pid=4000001, path="/opt/noisy")
    recording.add(
        event("create", 1, path=f"{watched}/a", mode=0o100644, inode=11, size=0, owner_uid=1, owner_gid=2),
        event("write", 2, path=f"{watched}/a", mode=0o100644, inode=11, size=5, owner_uid=1, owner_gid=2),
        event("rename", 3, path=f"{watched}/a", new_path=f"{watched}/b", cookie=99, mode=0o100644, inode=11),
        event("open", 4, path=f"{watched}/b"),
        event("unlink", 5, path=f"{watched}/b"),
        event("write", 6, path=f"{watched}/x.swp"),
        event("write", 7, path="/elsewhere"),
        event("write", 8, path=f"{watched}/n", process=muted),
        event("attributes", 9, path=f"{watched}/a", syscall="fchmodat"))
    daemon = watch(config, "--enable_file_events", "--audit_allow_fim_events")
    rows = wait_rows(daemon, "SELECT * , pid, executable, cmdline, process_uid, container_id FROM file_events", 8)
    assert [(row["category"], row["action"], row["target_path"].rsplit("/", 1)[1]) for row in rows] == [
        ("one", "CREATED", "a"), ("one", "UPDATED", "a"), ("one", "MOVED_FROM", "a"), ("one", "MOVED_TO", "b"),
        ("two", "MOVED_TO", "b"), ("one", "DELETED", "b"), ("two", "DELETED", "b"), ("one", "ATTRIBUTES_MODIFIED", "a")]
    assert rows[1]["size"] == "5" and rows[1]["inode"] == "11" and rows[1]["mode"] == "0644"
    assert {row["transaction_id"] for row in rows if row["action"].startswith("MOVED")} == {"99"}
    assert rows[0]["executable"] == "/bin/worker" and rows[0]["cmdline"] == "worker --fast"
    assert rows[0]["process_uid"] == "9" and rows[0]["container_id"] == "ab" * 32
    done = ask(daemon, "SELECT operation, path, dest_path, executable, uid, partial FROM process_file_events")
    assert [row["operation"] for row in done] == ["create", "write", "rename", "unlink", "fchmodat"]
    assert done[2]["dest_path"] == f"{watched}/b" and done[2]["uid"] == "7" and done[2]["partial"] == "false"
    counts, = ask(daemon, "SELECT received, filtered, stored FROM osquery_events WHERE name = 'replay'")
    assert (counts["received"], counts["filtered"]) == ("9", "4")
    daemon.stop()


def test_opens_are_recorded_only_on_request(watch, recording, tmp_path):
    watched = tmp_path / "watched"
    watched.mkdir()
    config = {"file_paths": {"one": [f"{watched}/%%"], "two": [f"{watched}/b"]}, "file_accesses": ["two"]}
    recording.add(event("open", 1, path=f"{watched}/a"), event("open", 2, path=f"{watched}/b"))
    daemon = watch(config, "--audit_allow_fim_events", "--enable_file_events", "--enable_fim_open_events")
    row, = wait_rows(daemon, "SELECT operation, path FROM process_file_events", 1)
    assert row == {"operation": "open", "path": f"{watched}/b"}
    row, = ask(daemon, "SELECT action, category FROM file_events")
    assert row == {"action": "OPENED", "category": "two"}
    daemon.stop()


def test_sockets_have_rows_as_the_flags_say(watch, recording):
    def address(text):
        return text.replace(" ", "")
    remote = address("0200 01bb 7f000001 0000000000000000")
    six = address("0a00 0050 00000000 20010db8000000000000000000000001 00000000")
    recording.add(
        event("connect", 1, syscall="connect", fd=3, family=2, type=1, protocol=6, remote=remote),
        event("connect", 2, syscall="connect", fd=4, family=10, type=1, protocol=6, remote=six, error=115),
        event("connect", 3, syscall="connect", fd=4, family=2, type=1, protocol=6, remote=remote, error=111),
        event("bind", 4, syscall="bind", fd=26, family=2, type=1, protocol=6, local=remote),
        event("accept", 5, syscall="accept4", fd=5, family=2, local=remote, remote=remote),
        event("accept", 6, syscall="accept4", fd=5, family=2, error=11),
        event("connect", 7, syscall="connect", fd=4, family=1, remote="0100" + "/run/x".encode().hex()),
        event("connect", 8, syscall="connect", fd=4, family=16))
    daemon = watch({}, "--audit_allow_sockets", "--enable_bpf_events")
    rows = wait_rows(daemon, "SELECT *, protocol, success FROM socket_events", 4)
    assert [(row["action"], row["status"], row["success"]) for row in rows] == [
        ("connect", "succeeded", "1"), ("connect", "in_progress", "0"), ("bind", "succeeded", "1"),
        ("accept4", "succeeded", "1")]
    assert (rows[0]["remote_address"], rows[0]["remote_port"], rows[0]["local_address"]) == ("127.0.0.1", "443", "")
    assert rows[1]["remote_address"] == "2001:0db8:0000:0000:0000:0000:0000:0001" and rows[1]["remote_port"] == "80"
    assert (rows[2]["local_address"], rows[2]["local_port"], rows[2]["fd"]) == ("127.0.0.1", "443", "1a")
    all_of_them = ask(daemon, "SELECT syscall, remote_address, pid, path FROM bpf_socket_events")
    assert len(all_of_them) == 8 and all_of_them[6]["remote_address"] == "/run/x"
    daemon.stop()


def test_each_event_is_logged_once_whoever_is_killed(watch, recording):
    total = 700
    config = {"schedule": {"all": {"query": "SELECT cmdline FROM process_events", "interval": 1},
                           "some": {"query": "SELECT pid FROM process_events WHERE pid % 7 = 0", "interval": 1}}}
    daemon = watch(config)
    for begin in range(0, total, 100):
        recording.add(*(exec_event(number) for number in range(begin, begin + 100)))
        wait_for(lambda: len(daemon.lines(query="all")) > begin // 2, "lines")
        os.kill(daemon.collector() if begin % 200 else daemon.runner(), signal.SIGKILL)
    wait_for(lambda: len(daemon.lines(query="all")) >= total, "all lines")
    recording.add(exec_event(total))
    wait_for(lambda: any(line["columns"]["cmdline"] == f"tool {total}" for line in daemon.lines(query="all")), "the last")
    seen = collections.Counter(line["columns"]["cmdline"] for line in daemon.lines(query="all"))
    assert seen == {f"tool {number}": 1 for number in range(total + 1)}
    order = [int(line["columns"]["cmdline"].split()[1]) for line in daemon.lines(query="all")]
    assert order == sorted(order)
    assert {line["action"] for line in daemon.lines(query="all")} == {"added"}
    wait_for(lambda: len(daemon.lines(query="some")) == sum((4000000 + n) % 7 == 0 for n in range(total + 1)), "the others")
    daemon.stop()
    # and again after a whole restart: nothing is logged twice
    lines = len(daemon.lines())
    daemon.start()
    recording.add(exec_event(total + 1))
    wait_for(lambda: len(daemon.lines(query="all")) >= total + 2, "the line of the new one")
    assert len(daemon.lines(query="all")) == total + 2 and len(daemon.lines()) <= lines + 2
    daemon.stop()


def test_rows_are_found_by_time_and_by_id(watch, recording):
    recording.add(*(exec_event(number) for number in range(1, 101)))
    daemon = watch()
    wait_rows(daemon, "SELECT 1 FROM process_events", 100)
    at = NOW_NS // 10**9 + 50
    assert len(ask(daemon, f"SELECT 1 FROM process_events WHERE time >= {at}")) == 51
    assert len(ask(daemon, f"SELECT 1 FROM process_events WHERE time = {at}")) == 1
    assert [row["pid"] for row in ask(daemon, "SELECT pid FROM process_events WHERE eid = '0000000007'")] == ["4000007"]
    assert len(ask(daemon, "SELECT 1 FROM process_events WHERE eid > '0000000090'")) == 10
    assert len(ask(daemon, "SELECT 1 FROM process_events WHERE eid < '0000000011' AND eid >= '0000000002'")) == 9
    assert len(ask(daemon, "SELECT 1 FROM process_events WHERE eid > '9'")) == 0  # as texts compare
    assert ask(daemon, "SELECT count(*) AS n FROM process_events a JOIN process_events b USING (eid)") == [{"n": "100"}]
    daemon.stop()


def test_without_events_the_shell_says_so(build):
    done = subprocess.run([f"{build}/osqueryi", "--json", "SELECT * FROM process_events"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=True)
    assert json.loads(done.stdout) == [] and "events are disabled" in done.stderr


def test_a_daemon_that_remembers_nothing_records_too(watch, recording, tmp_path):
    config = {"schedule": {"all": {"query": "SELECT cmdline FROM process_events", "interval": 1}}}
    recording.add(exec_event(1))
    daemon = watch(config, "--disable_database")
    line, = daemon.wait_lines(1, query="all")
    assert line["columns"] == {"cmdline": "tool 1"} and line["action"] == "added" and line["counter"] == 1
    folders = [os.readlink(f"/proc/{daemon.collector()}/fd/{fd}") for fd in os.listdir(f"/proc/{daemon.collector()}/fd")]
    folder, = {os.path.dirname(path) for path in folders if path.endswith("/events.db")}
    assert not (daemon.database / "events.db").exists()
    daemon.stop()
    assert not os.path.exists(folder)


def test_queries_say_what_is_watched(watch, recording, tmp_path):
    watched = tmp_path / "watched"
    watched.mkdir()
    config = {"file_paths_query": {"found": [f"SELECT '{watched}/%%' AS path", "SELECT 1 AS other", "SELECT nonsense"]}}
    daemon = watch(config, "--enable_file_events")
    daemon.wait_error("no such column: nonsense")
    daemon.wait_error('it has no column "path"')

    def seen():
        recording.add(event("write", path=f"{watched}/a"))
        return ask(daemon, "SELECT DISTINCT category, action, target_path FROM file_events")
    assert wait_for(seen, "an event") == [{"category": "found", "action": "UPDATED", "target_path": f"{watched}/a"}]
    daemon.stop()
