# SPDX-License-Identifier: Apache-2.0
"""What nobody wants to happen to a daemon: kills, a full disk, damaged files."""
import collections
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import time

import pytest

from daemon import Daemon, check_line, children, replay, row_of, wait_for
from test_schedule import HOSTS, daemon, hosts_root  # noqa: F401 (a fixture)

N_QUERIES = 60


def schedule():
    """Queries over the same file that log different things of it."""
    queries = {f"q{i}": {"query": f"SELECT address, hostnames, {i} AS n FROM etc_hosts"
                                  f" WHERE length(hostnames) % {i + 2} <> 1", "interval": 1}
               for i in range(N_QUERIES)}
    queries["beat"] = {"query": "SELECT count(*) AS n FROM etc_hosts", "interval": 1, "snapshot": True}
    return {"schedule": queries}


def step_names(step):
    """The hosts that there are after a step: some go, some come."""
    return [f"host{'x' * (i % 7)}-{i}" for i in range(step * 5, step * 5 + 60) if i % (step % 3 + 2)]


def rows_of(step):
    """The rows that all queries have then."""
    return collections.Counter(
        (("address", f"10.0.{at // 256}.{at % 256}"), ("hostnames", name), ("n", str(i)))
        for at, name in enumerate(step_names(step)) for i in range(N_QUERIES) if len(name) % (i + 2) != 1)


def wait_step(one, step):
    wait_for(lambda: one.raw().endswith(b"\n") and replay_all(one.lines()) == rows_of(step),
             f"the lines of step {step}", 120)


def replay_all(lines):
    rows = collections.Counter()
    for line in lines:
        rows[row_of(line)] += {"added": 1, "removed": -1}[line["action"]]
    assert all(count >= 0 for count in rows.values())
    return +rows


def watch_growth(one, least):
    """Returns as soon as the log has grown by so many bytes, in the middle of what the daemon does then,
    or when it has nothing more to say."""
    path = one.logs / "osqueryd.results.log"
    begin = path.stat().st_size if path.exists() else 0
    end = time.monotonic() + 1.5
    while time.monotonic() < end and least > 0:
        if path.exists() and path.stat().st_size >= begin + least:
            return


def what_was_said(one):
    """The lines without what differs from run to run."""
    return collections.Counter(
        (line["name"], line["counter"], line["action"], row_of(line)) for line in one.lines())


def test_kills_at_any_time_neither_lose_nor_repeat_a_line(daemon, tmp_path, sanitized):
    steps, kills = (4, 5) if sanitized else (12, 9)
    flags = ["--disable_watchdog", "--watchdog_max_delay=1"]
    quiet_root = hosts_root(tmp_path / "quiet-root", [])
    quiet = daemon(schedule(), f"--host_root={quiet_root}", *flags, folder=tmp_path / "quiet").start()
    for step in range(steps):
        hosts_root(quiet_root, step_names(step))
        wait_step(quiet, step)
    quiet.stop()

    root = hosts_root(tmp_path / "root", [])
    loud = daemon(schedule(), f"--host_root={root}", *flags, folder=tmp_path / "loud").start()
    dice = random.Random(7)
    for step in range(steps):
        hosts_root(root, step_names(step))
        for _ in range(kills):
            watch_growth(loud, dice.choice([0, 1, 1, 2000, 20000]))
            if dice.random() < 0.8:
                os.kill(loud.runner(), signal.SIGKILL)
            else:
                loud.kill()
                loud.start()
        wait_step(loud, step)
    loud.stop()
    assert what_was_said(loud) == what_was_said(quiet)
    for name in ("results", "snapshots"):
        assert loud.raw(name).endswith(b"\n")
        for line in loud.lines(name):
            check_line(line)


# ---- a full disk ----

@pytest.fixture
def small_disk(root_only, tmp_path):
    """A file system of two MB that only this process and its children see is not possible without
    leaving the mount namespace of the test: it is mounted for all, and unmounted in any case."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "hostql-test", disk], capture_output=True)
    if done.returncode:
        pytest.skip("no mounts here: " + done.stderr.decode()[:100])
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk):
    """Takes all the room there is."""
    with open(disk / "ballast", "wb", buffering=0) as ballast:
        for size in (65536, 4096, 1):
            try:
                while True:
                    ballast.write(b"x" * size)
            except OSError:
                pass
    return disk / "ballast"


def test_a_full_disk_below_the_store_loses_no_change(daemon, tmp_path, small_disk):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}", database=small_disk / "db").start()
    one.wait_lines(1)
    ballast = fill(small_disk)
    hosts_root(root, ["one", "two", *(f"many{i}" for i in range(3000))])
    one.wait_error("results are not recorded until there is room again")
    ballast.unlink()
    one.wait_error("there is room again")
    wait_for(lambda: len(replay(one.lines())) == 3002, "what came meanwhile")
    one.stop()
    assert "may have failed" not in one.errors()


def test_a_full_disk_below_the_logs_delays_lines_and_tears_none(daemon, tmp_path, small_disk):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}", logs=small_disk / "log").start()
    one.wait_lines(1)
    ballast = fill(small_disk)
    names = ["one", *(f"many{i}" for i in range(3000))]
    hosts_root(root, names)
    one.wait_error("filesystem")
    names.append("last")
    hosts_root(root, names)
    ballast.unlink()
    wait_for(lambda: len(one.raw().split(b"\n")) == len(names) + 1, "all lines")
    one.stop()
    assert len(replay(one.lines())) == len(names)


# ---- damaged files ----

def truncate(path):
    os.truncate(path, os.path.getsize(path) // 2)


def empty(path):
    os.truncate(path, 0)


def zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def garbage(path):
    path.write_bytes(random.Random(3).randbytes(max(path.stat().st_size, 5000)))


def spoil_the_middle(path):
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 2, len(data) // 2 + min(3000, len(data) // 4)):
        data[at] ^= 0x55
    path.write_bytes(data)


def forbid(path):
    path.chmod(0)


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", ["state.db", "state.db-wal", "state.db-shm", "lock"])
@pytest.mark.parametrize("spoil", [truncate, empty, zero, garbage, spoil_the_middle, forbid,
                                   replace_by_folder])
def test_the_agent_goes_on_with_a_damaged_store(daemon, tmp_path, name, spoil):
    root = hosts_root(tmp_path / "root", ["one"])
    # the runner and its supervisor are killed, so that the log of the store is still there
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}", "--disable_watchdog").start()
    one.wait_lines(1)
    one.kill()
    path = one.database / name
    assert path.exists()
    spoil(path)
    before = len(one.lines())
    hosts_root(root, ["one", "two"])
    one.start()
    # at worst everything is new to it; nothing that changed is missing
    wait_for(lambda: "two" in {line["columns"]["hostnames"] for line in one.lines()[before:]}, "its lines")
    hosts_root(root, ["one", "two", "three"])
    wait_for(lambda: one.lines()[-1]["columns"]["hostnames"] == "three", "later ones")
    one.stop()
    for line in one.lines():
        check_line(line)


@pytest.mark.parametrize("spoil", [truncate, zero, garbage])
def test_a_store_that_is_damaged_while_it_is_in_use_is_replaced(daemon, tmp_path, spoil):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}", "--disable_watchdog").start()
    one.wait_lines(1)
    spoil(one.database / "state.db")
    names = ["one"]
    for i in range(3):
        names.append(f"new{i}")
        hosts_root(root, names)
        wait_for(lambda: names[-1] in {line["columns"]["hostnames"] for line in one.lines()}, names[-1])
    one.stop()
    # and it is sound afterwards
    one.start()
    names.append("afterwards")
    hosts_root(root, names)
    wait_for(lambda: one.lines()[-1]["columns"]["hostnames"] == "afterwards", "the next start")
    one.stop()


def test_a_store_that_cannot_be_written_is_replaced_by_memory(daemon, tmp_path, root_only):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}").start()
    one.wait_lines(1)
    one.stop()
    state = one.database / "state.db"
    done = subprocess.run(["chattr", "+i", state, one.database], capture_output=True)
    if done.returncode:
        pytest.skip("no immutable files here: " + done.stderr.decode()[:100])
    try:
        one.start()
        hosts_root(root, ["one", "two"])
        wait_for(lambda: one.lines()[-1]["columns"]["hostnames"] == "two", "its lines")
        one.wait_error("will be forgotten with this process")
        one.stop()
    finally:
        subprocess.run(["chattr", "-i", state, one.database], check=True)
    assert not list(pathlib.Path(one.database).glob("*.damaged-*"))


def tamper(one, *statements):
    """Writes into the store as no daemon would; the file stays a sound database."""
    store = sqlite3.connect(one.database / "state.db", timeout=30)
    store.execute("PRAGMA writable_schema = ON")
    for statement in statements:
        store.execute(statement)
    store.commit()
    store.close()


@pytest.mark.parametrize("statement", [
    "DROP TABLE query", "DROP TABLE reader", "DROP TABLE setting", "DROP TABLE outbox", "DROP TABLE result",
    "ALTER TABLE query DROP COLUMN output_bytes",
    "UPDATE query SET name = '' WHERE name = 'gone'",
    "UPDATE query SET executions = -1, memory_bytes = -9223372036854775807",
    "UPDATE query SET executions = 9223372036854775807, wall_ms = executions, output_bytes = executions",
    "UPDATE query SET splayed_s = 9223372036854775807", "UPDATE query SET splayed_s = -1",
    "UPDATE query SET n_rows = -1, counter = -1, names = x'61', digest = zeroblob(16)",
    "UPDATE query SET n_rows = 9223372036854775807, names = x'', digest = zeroblob(16)",
    "UPDATE query SET denied_until = -1",
    "UPDATE result SET rows = x'00ff'", "UPDATE result SET rows = x'01fffffffff0'",
    "UPDATE result SET rows = zeroblob(70000)",
    "UPDATE reader SET entry = 9223372036854775807", "UPDATE reader SET offset = -1",
    "UPDATE mark SET position = -1, channel = channel + 9",
    "UPDATE sqlite_sequence SET seq = 9223372036854775807",
    "INSERT INTO outbox VALUES (9223372036854775807, 7, 9223372036854775807, 0, x'005858')",
    "INSERT INTO outbox VALUES (1000, 7, -1, 9, x'')",
])
def test_whatever_a_sound_store_holds_the_agent_goes_on(daemon, tmp_path, statement):
    root = hosts_root(tmp_path / "root", ["one"])
    config = {"schedule": {"hosts": HOSTS, "gone": HOSTS}}
    one = daemon(config, f"--host_root={root}", "--disable_watchdog").start()
    one.wait_lines(1, query="hosts")
    one.wait_lines(1, query="gone")
    one.stop()
    tamper(one, statement)
    del config["schedule"]["gone"]
    one.configure(config)
    hosts_root(root, ["one", "two"])
    one.start()
    wait_for(lambda: "two" in {line["columns"]["hostnames"] for line in one.lines()}, "its lines")
    one.process.send_signal(signal.SIGHUP)
    hosts_root(root, ["one", "two", "three"])
    wait_for(lambda: one.lines()[-1]["columns"]["hostnames"] == "three", "later ones")
    runner = one.runner()
    one.ask_store("SELECT * FROM osquery_schedule")
    one.stop()
    assert "runner" not in [word for line in one.errors().splitlines() if "killed" in line
                            for word in line.split()], (runner, one.errors())


@pytest.mark.parametrize("table", ["setting", "query", "result", "outbox", "reader"])
def test_a_table_that_vanishes_while_the_store_is_in_use_is_replaced(daemon, tmp_path, table):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}", "--disable_watchdog").start()
    one.wait_lines(1)
    runner = one.runner()
    tamper(one, f"DROP TABLE {table}")
    hosts_root(root, ["one", "two"])
    wait_for(lambda: one.lines()[-1]["columns"]["hostnames"] == "two", "its lines")
    assert one.runner() == runner
    one.stop()


def test_damage_that_nobody_saw_at_a_clean_stop_is_found(daemon, tmp_path):
    root = hosts_root(tmp_path / "root", ["one"])
    one = daemon({"schedule": {"hosts": HOSTS}}, f"--host_root={root}", "--disable_watchdog").start()
    one.wait_lines(1)
    one.stop()
    path = one.database / "state.db"
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes(0xa5 for _ in data[4096:]))
    hosts_root(root, ["one", "two"])
    one.start()
    wait_for(lambda: one.lines()[-1]["columns"]["hostnames"] == "two", "its lines")
    one.stop()


def test_a_query_that_may_run_again_has_no_reason_why_it_might_not(daemon):
    query = {"query": "SELECT 1 AS n", "interval": 1, "denylist": False}
    always = ["SELECT group_concat(denylist_reason) AS why FROM osquery_schedule"]
    one = daemon({"schedule": {"one": query}, "decorators": {"always": always}}, "--disable_watchdog")
    one.start().wait_lines(1)
    one.stop()
    tamper(one, "UPDATE query SET epoch = 1, denied_why = 'it was too slow for this host',"
                f" denied_until = {int(time.time()) + 3600}")
    one.start().wait_lines(2)
    one.stop()
    assert one.lines()[1]["decorations"] == {"why": ""}
