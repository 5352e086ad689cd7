#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a daemon costs that has little to do: CPU time and memory of its processes.

Twice: with an empty schedule, and with one like those that companies have, in which every query has
run before, so that what is measured is a daemon that has been there for a while.

usage: daemon.py BUILD [--seconds=300] [--empty-seconds=120] [--keep]
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from daemon import Daemon, children, wait_for  # noqa: E402 (tests/daemon.py)

GOAL_PSS_KB = 10 * 1024  # of all processes together, events off
GOAL_CPU_S = 0.03  # a minute, with an empty schedule
SAMPLE_S = 1
ROUNDS = 2  # of every query before it is measured: a first result and a difference

# name: interval in seconds, SQL. Snapshots are named so.
SCHEDULE = {
    "processes": (60, "SELECT pid, parent, uid, name, path, cmdline, start_time FROM processes"),
    "deleted_binaries": (60, "SELECT pid, name, path, cmdline FROM processes WHERE on_disk = 0"),
    "listening_ports": (60, "SELECT l.port, l.protocol, l.address, p.name, p.path FROM listening_ports l "
                            "JOIN processes p USING (pid) WHERE l.port <> 0"),
    "connections": (60, "SELECT s.pid, p.name, s.remote_address, s.remote_port FROM process_open_sockets s "
                        "JOIN processes p USING (pid) WHERE s.remote_port <> 0"),
    "logged_in_users": (60, "SELECT user, tty, host, type FROM logged_in_users"),
    "load": (60, "SELECT period, average FROM load_average"),
    "memory": (120, "SELECT memory_total, memory_free, buffers, cached FROM memory_info"),
    "shell_with_socket": (120, "SELECT DISTINCT p.pid, p.name, p.cmdline, s.remote_address FROM processes p "
                               "JOIN process_open_sockets s USING (pid) WHERE p.name IN ('sh', 'bash', 'zsh') "
                               "AND s.remote_address NOT IN ('', '127.0.0.1', '::1')"),
    "arp": (300, "SELECT address, mac, interface FROM arp_cache"),
    "mounts": (300, "SELECT device, path, type, flags FROM mounts WHERE type NOT IN ('proc', 'sysfs')"),
    "interfaces": (300, "SELECT interface, address, mask FROM interface_addresses"),
    "routes": (300, "SELECT destination, netmask, gateway, interface FROM routes"),
    "kernel_modules": (300, "SELECT name, size, status FROM kernel_modules"),
    "dns": (300, "SELECT type, address FROM dns_resolvers"),
    "hosts": (300, "SELECT address, hostnames FROM etc_hosts"),
    "preload": (300, "SELECT pid, key, value FROM process_envs WHERE key = 'LD_PRELOAD'"),
    "temporary_files": (600, "SELECT path, uid, mode, size, mtime FROM file WHERE directory = '/tmp'"),
    "crontab": (600, "SELECT command, path FROM crontab"),
    "users": (600, "SELECT uid, gid, username, directory, shell FROM users"),
    "groups": (600, "SELECT gid, groupname FROM groups"),
    "authorized_keys": (900, "SELECT u.username, k.algorithm, k.key_file FROM users u "
                             "JOIN authorized_keys k USING (uid)"),
    "sudoers": (900, "SELECT source, header, rule_details FROM sudoers"),
    "sysctl": (900, "SELECT name, current_value FROM system_controls WHERE name IN "
                    "('kernel.randomize_va_space', 'net.ipv4.ip_forward', 'kernel.kptr_restrict')"),
    "configuration": (900, "SELECT path, sha256 FROM hash WHERE path IN ('/etc/passwd', '/etc/shadow', "
                           "'/etc/sudoers', '/etc/ssh/sshd_config')"),
    "startup_items": (1800, "SELECT name, path, status FROM startup_items"),
    "suid_bin": (3600, "SELECT path, username, permissions FROM suid_bin"),
    "deb_packages": (3600, "SELECT name, version, arch, status FROM deb_packages"),
    "python_packages": (3600, "SELECT name, version, path FROM python_packages"),
    "os_version_snapshot": (3600, "SELECT name, version, major, minor, codename FROM os_version"),
    "system_info_snapshot": (3600, "SELECT hostname, uuid, cpu_brand, physical_memory FROM system_info"),
    "kernel_info_snapshot": (3600, "SELECT version, arguments FROM kernel_info"),
    "agent_snapshot": (3600, "SELECT version, config_hash, pid, start_time FROM osquery_info"),
}


def make_config(schedule, hurried):
    return {
        "decorators": {"load": ["SELECT uuid AS host_uuid FROM system_info"]},
        "schedule": {name: {"query": sql, "interval": 1 if hurried else interval,
                            "snapshot": name.endswith("_snapshot")}
                     for name, (interval, sql) in schedule.items()},
    }


def read_fields(path):
    """The lines `Name: 12 kB` of a file."""
    fields = {}
    for line in pathlib.Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if len(words) == 2 and words[1] == "kB":
            fields[name] = int(words[0])
    return fields


def cpu_s(pid):
    """What all threads of a process have used, to the nanosecond."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def wakeups(pid):
    """How often it began to run after it had waited."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches:"):
            return int(line.split()[1])
    return 0


def executions(one):
    """How often each query ran. Asked of the shell: a SQLite in this process would share its pages
    with the daemon, which would then look smaller than it is."""
    done = subprocess.run([f"{one.build}/osqueryi", "--json",
                           f"--database_path={one.database}", f"--config_path={one.config_path}",
                           "SELECT name, executions FROM osquery_schedule"],
                          capture_output=True, stdin=subprocess.DEVNULL, text=True)
    if done.returncode != 0:
        return {}
    return {row["name"]: int(row["executions"]) for row in json.loads(done.stdout)}


class Meter:
    """One process of the daemon over a time."""

    def __init__(self, name, pid):
        self.name, self.pid = name, pid
        self.began_cpu_s, self.began_wakeups = cpu_s(pid), wakeups(pid)
        self.samples = []

    def sample(self):
        fields = read_fields(f"/proc/{self.pid}/smaps_rollup")
        self.samples.append((fields["Pss"], fields["Pss_Anon"]))

    def end(self):
        self.cpu_s = cpu_s(self.pid) - self.began_cpu_s
        self.wakeups = wakeups(self.pid) - self.began_wakeups


def watch(one, seconds):
    """Meters of the supervisor and its roles; the most they had at one moment together."""
    roles = children(one.process.pid)
    assert len(roles) == 1, f"a supervisor and a runner were expected, there are {len(roles)} roles"
    meters = [Meter("supervisor", one.process.pid), Meter("runner", roles[0])]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for meter in meters:
            meter.sample()
        time.sleep(SAMPLE_S)
    for meter in meters:
        meter.end()
    assert children(one.process.pid) == roles, "a role ended while it was measured: " + one.errors()
    return meters


def report(what, meters, seconds, goal_cpu_s):
    """Prints the table of one daemon: how many goals were missed."""
    totals = [sum(pss for pss, _ in moment) for moment in zip(*(meter.samples for meter in meters))]
    anonymous = [sum(anon for _, anon in moment) for moment in zip(*(meter.samples for meter in meters))]
    lines = [(meter.name, meter.cpu_s, meter.wakeups, [pss for pss, _ in meter.samples],
              [anon for _, anon in meter.samples]) for meter in meters]
    lines.append(("together", sum(meter.cpu_s for meter in meters), sum(meter.wakeups for meter in meters),
                  totals, anonymous))
    missed = 0
    print(f"{what + f', {seconds:.0f} s':34} {'CPU':>9} {'a minute':>10} {'wake-ups':>8} "
          f"{'PSS':>8} {'most':>8} {'of it anonymous':>16}")
    for name, cpu, woken, pss, anon in lines:
        a_minute = cpu * 60 / seconds
        over = []
        if name == "together" and max(pss) > GOAL_PSS_KB:
            over.append(f"PSS over {GOAL_PSS_KB / 1024:.0f} MB")
        if name == "together" and goal_cpu_s and a_minute > goal_cpu_s:
            over.append(f"CPU over {goal_cpu_s} s a minute")
        missed += len(over)
        print(f"  {name:32} {cpu:7.3f} s {a_minute * 1e3:7.2f} ms {woken:8} "
              f"{sorted(pss)[len(pss) // 2] / 1024:5.1f} MB {max(pss) / 1024:5.1f} MB "
              f"{sorted(anon)[len(anon) // 2] / 1024:13.1f} MB  {'OVER: ' + ', '.join(over) if over else ''}".rstrip(),
              flush=True)
    return missed


def warm_up(one):
    """Lets every query run, and then gives each its own interval, in the same processes."""
    one.configure(make_config(SCHEDULE, True))
    os.kill(one.process.pid, signal.SIGHUP)

    def all_ran():
        ran = executions(one)
        return all(ran.get(name, 0) >= ROUNDS for name in SCHEDULE)
    wait_for(all_ran, "every query to run", 120)
    one.configure(make_config(SCHEDULE, False))
    os.kill(one.process.pid, signal.SIGHUP)


def measure(build, what, schedule, seconds, goal_cpu_s, keep):
    folder = tempfile.mkdtemp(prefix="hostql-bench-")
    one = Daemon(build, folder, make_config({}, False), "--disable_events")
    try:
        one.start()
        wait_for(lambda: children(one.process.pid), "a runner")
        if schedule:
            warm_up(one)
        time.sleep(5)  # the start, and a new configuration, are not what is measured
        before = executions(one) if schedule else {}
        meters = watch(one, seconds)
        missed = report(what, meters, seconds, goal_cpu_s)
        if schedule:
            after = executions(one)
            ran = {name: after[name] - before[name] for name in schedule}
            print(f"  {sum(ran.values())} executions of {sum(n > 0 for n in ran.values())} of "
                  f"{len(schedule)} queries, {len(one.raw()) / 1024:.0f} KB of lines since the start")
        one.stop()
        return missed
    finally:
        one.kill()
        if keep:
            print(f"  its files are in {folder}")
        else:
            shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--empty-seconds", type=float, default=120)
    parser.add_argument("--keep", action="store_true", help="leave the files of the daemons")
    options = parser.parse_args()
    build = options.build.resolve()
    missed = 0
    if options.empty_seconds:
        missed += measure(build, "idle, nothing scheduled", {}, options.empty_seconds, GOAL_CPU_S, options.keep)
    if options.seconds:
        missed += measure(build, f"idle, {len(SCHEDULE)} queries", SCHEDULE, options.seconds, None, options.keep)
    print(f"{missed} over their goal")
    return 1 if missed else 0


sys.exit(main())
