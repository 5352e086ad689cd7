# SPDX-License-Identifier: Apache-2.0
"""What the tables say of the running kernel is what the host's own tools say."""
import os
import pathlib
import resource
import shutil
import subprocess
import time

import pytest


def tool(*words, check=True):
    if not shutil.which(words[0]):
        pytest.skip(f"no {words[0]} here")
    done = subprocess.run(words, capture_output=True, text=True)
    if check and done.returncode:
        pytest.skip(f"{words[0]}: {done.stderr.strip()}")
    return done.stdout


def test_version_is_that_of_uname(ask):
    assert ask("SELECT version FROM kernel_info")[0]["version"] == os.uname().release


def test_architecture_is_that_of_uname(ask):
    rows = ask("SELECT o.arch, s.cpu_type FROM os_version o, system_info s")
    assert rows == [{"arch": os.uname().machine, "cpu_type": os.uname().machine}]


def test_os_version_is_that_of_os_release(ask):
    words = tool("sh", "-c", '. /etc/os-release; echo "$NAME|$VERSION|$ID|${VERSION_ID%%.*}"')
    row = ask("SELECT name, version, platform, major FROM os_version")[0]
    if pathlib.Path("/etc/redhat-release").exists() or pathlib.Path("/etc/gentoo-release").exists():
        pytest.skip("release files say it otherwise")
    assert "|".join([row["name"], row["version"], row["platform"], row["major"]]) == words.strip()


def test_modules_are_those_of_lsmod(ask):
    if not pathlib.Path("/proc/modules").exists():
        pytest.skip("a kernel without modules")
    lines = [line.split() for line in tool("lsmod").splitlines()[1:]]
    expected = {words[0]: (words[1], words[3] if len(words) > 3 else "-") for words in lines}
    rows = ask("SELECT name, size, used_by FROM kernel_modules")
    assert {row["name"]: (row["size"], row["used_by"]) for row in rows} == expected


def test_total_memory_is_that_of_free(ask):
    words = tool("free", "-b").splitlines()
    row = ask("SELECT memory_total, swap_total FROM memory_info")[0]
    assert row["memory_total"] == words[1].split()[1]
    assert row["swap_total"] == words[2].split()[1]
    assert ask("SELECT physical_memory FROM system_info")[0]["physical_memory"] == words[1].split()[1]


def test_every_cpu_has_a_row(ask):
    assert len(ask("SELECT core FROM cpu_time")) == os.sysconf("SC_NPROCESSORS_ONLN")


def test_ticks_lie_between_those_before_and_after(ask):
    def user():
        lines = pathlib.Path("/proc/stat").read_text().splitlines()
        return {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith("cpu")}

    before = user()
    rows = ask("SELECT core, user FROM cpu_time")
    after = user()
    for row in rows:
        assert before[f"cpu{row['core']}"] <= int(row["user"]) <= after[f"cpu{row['core']}"]


def test_load_is_that_of_the_kernel(ask):
    for _ in range(5):  # it may change in between
        before = os.getloadavg()
        rows = ask("SELECT period, average FROM load_average")
        if before == os.getloadavg():
            break
    else:
        pytest.skip("the load does not hold still")
    assert [row["period"] for row in rows] == ["1m", "5m", "15m"]
    for row, value in zip(rows, before):  # the file is rounded to hundredths, the call is not
        assert abs(float(row["average"]) - value) <= 0.01


def test_time_lies_between_before_and_after(ask):
    before = int(time.time())
    row = ask("SELECT unix_time, timestamp, weekday FROM time")[0]
    assert before <= int(row["unix_time"]) <= time.time()
    moment = time.gmtime(int(row["unix_time"]))
    assert row["timestamp"] == time.asctime(moment) + " UTC"
    assert row["weekday"] == time.strftime("%A", moment)


def test_local_timezone_is_that_of_date(ask):
    environment = {**os.environ, "TZ": "Asia/Tokyo"}
    if not pathlib.Path("/usr/share/zoneinfo/Asia/Tokyo").exists():
        environment["TZ"] = "JST-9"
    row = ask("SELECT local_timezone, timezone FROM time", env=environment)[0]
    assert row == {"local_timezone": "JST", "timezone": "UTC"}


def test_limits_are_those_of_prlimit(ask):
    lines = tool("prlimit", "--raw", "--noheadings", "--output=RESOURCE,SOFT,HARD",
                 f"--pid={os.getpid()}").splitlines()
    expected = {words[0].lower(): words[1:] for words in map(str.split, lines)}
    rows = ask("SELECT * FROM ulimit_info")
    for row in rows:
        assert [row["soft_limit"], row["hard_limit"]] == expected[row["type"]], row
    assert len(rows) == len(expected) - ("rttime" in expected)


def test_a_lowered_limit_is_seen(ask):
    row = ask("SELECT soft_limit FROM ulimit_info WHERE type = 'nofile'",
              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (77, 77)))[0]
    assert row["soft_limit"] == "77"


def test_settings_are_those_of_sysctl(ask):
    # all that hold still; sysctl shows eth0/100 where we have a dot
    done = tool("sysctl", "-a", "--deprecated", check=False)
    expected = {}
    for line in done.splitlines():
        name, _, value = line.partition(" = ")
        if _:
            expected.setdefault(name.replace("/", "."), []).append(value.strip())
    rows = {row["name"]: row["current_value"]
            for row in ask("SELECT name, current_value FROM system_controls")}
    assert set(expected) <= set(rows)
    # those that are not in the list of sysctl cannot be read
    assert [name for name in set(rows) - set(expected) if rows[name]] == []
    moving = ("fs.dentry-state", "fs.file-nr", "fs.inode", "fs.quota", "kernel.random", "kernel.ns_last",
              "kernel.pty.nr", "net.netfilter", "kernel.perf", "net.ipv4.tcp_metrics")
    different = [name for name, values in expected.items()
                 if len(values) == 1 and not name.startswith(moving)
                 and values[0] != rows[name].split("\n")[0].strip()]
    assert different == []


def test_a_named_setting_is_found(ask):
    rows = ask("SELECT name, subsystem FROM system_controls WHERE name = 'vm.swappiness'")
    assert rows == [{"name": "vm.swappiness", "subsystem": "vm"}]


def test_iomem_is_whole(ask):
    lines = pathlib.Path("/proc/iomem").read_text().splitlines()
    expected = [[*line.split(" : ", 1)[0].strip().split("-"), line.split(" : ", 1)[1]] for line in lines]
    rows = ask("SELECT * FROM memory_map")
    assert [[row["start"], row["end"], row["name"]] for row in rows] == \
        [["0x" + start, "0x" + end, name] for start, end, name in expected]


@pytest.fixture
def segment():
    done = tool("ipcmk", "--shmem", "12345", "--mode", "0640")
    number = done.split()[-1]
    yield number
    subprocess.run(["ipcrm", "--shmem-id", number], check=True)


def test_a_segment_is_that_of_ipcs(ask, segment):
    row = ask(f"SELECT * FROM shared_memory WHERE shmid = {segment}")[0]
    details = tool("ipcs", "--shmems", "--id", segment)
    assert row["size"] == "12345" and "bytes=12345" in details
    assert row["permissions"] == "0640"
    assert row["owner_uid"] == row["creator_uid"] == str(os.getuid())
    assert row["attached"] == "0" and row["locked"] == "0" and row["status"] == ""
