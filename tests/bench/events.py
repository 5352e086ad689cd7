#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What recording events costs, and whether all of them are there (root).

Each part starts a daemon of its own in a new folder, loads the host with bench_load (tests/bench/load.c), and
compares what was done with what is stored. CPU time is that of all threads of the collector; memory is the
PSS of all processes of the daemon together.

usage: events.py BUILD [opens|unwatched|burst|spawns|tree|latency|scan|idle|auditd]... [--seconds=N]
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from daemon import Daemon, children, title, wait_for  # noqa: E402 (tests/daemon.py)

MINUTE_OPENS = 16667  # a second


def cpu_s(pid):
    """What all threads of a process have used, to the nanosecond."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def pss_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


class Bench:
    def __init__(self, build, folder, *flags, config=None, opens=True):
        self.build, self.folder = pathlib.Path(build).resolve(), pathlib.Path(folder)
        self.watched = self.folder / "watched"
        self.watched.mkdir()
        config = config or {"file_paths": {"all": [f"{self.watched}/%%"]}, "file_accesses": ["all"]}
        self.daemon = Daemon(self.build, folder, config, "--events_expiry=0", "--events_max=0", "--config_refresh=0",
                             *(["--enable_fim_open_events"] if opens else []), *flags).start()
        self.collector = self.daemon.collector()
        wait_for(lambda: self.ask("SELECT 1 FROM osquery_events WHERE name = 'bpf'"), "the collector")
        time.sleep(1)  # what starting has left to do
        self.began_s = cpu_s(self.collector)

    def ask(self, sql):
        done = subprocess.run([self.build / "osqueryi", "--json", "--disable_events=false", "--disable_database=false",
                               f"--database_path={self.daemon.database}", sql],
                              capture_output=True, stdin=subprocess.DEVNULL, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else []

    def number(self, sql):
        return int(list(self.ask(sql)[0].values())[0])

    def load(self, *words):
        done = subprocess.run([self.build / "bench_load", *map(str, words)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def cpu(self):
        return cpu_s(self.collector) - self.began_s

    def pss(self):
        return sum(pss_kb(pid) for pid in [self.daemon.process.pid, *children(self.daemon.process.pid)])

    def disk(self):
        return sum(path.stat().st_size for path in self.daemon.database.glob("events.db*") if not path.name.endswith("shm"))

    def losses(self):
        return {row["name"]: int(row["lost"]) for row in self.ask(
            "SELECT name, dropped_kernel + dropped_queue + expired_unread AS lost FROM osquery_events WHERE lost > 0")}

    def settle(self, sql, count):
        """How many rows there are in the end: waits until there are as many as there should be, or no more come."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 5:
            found = self.number(sql)
            if found != last:
                last, since = found, time.monotonic()
            if found >= count:
                break
            time.sleep(0.1)
        return last

    def close(self):
        self.daemon.stop()


def say(name, **figures):
    print(json.dumps({"bench": name, **figures}), flush=True)


def bench_opens(options, folder):
    bench = Bench(options.build, folder, "--disable_audit=false", "--audit_allow_fim_events")
    most, sampler = 0, subprocess.Popen(
        [bench.build / "bench_load", "opens", str(bench.watched), "1000", str(MINUTE_OPENS), str(options.seconds)],
        stdout=subprocess.PIPE, text=True)
    biggest = 0
    while sampler.poll() is None:
        most, biggest = max(most, bench.pss()), max(biggest, bench.disk())
        time.sleep(0.5)
    done = json.loads(sampler.stdout.read())
    rows = bench.settle("SELECT count(*) FROM process_file_events WHERE operation = 'open'", done["n"])
    cpu = bench.cpu()
    total = bench.number("SELECT count(*) FROM process_file_events")
    time.sleep(2)
    say("opens", did=done["n"], recorded=rows, lost=bench.losses(), seconds=options.seconds,
        collector_percent=round(cpu / options.seconds * 100, 2), us_each=round(cpu / done["n"] * 1e6, 3), pss_kb=most,
        disk_bytes_each=round(bench.disk() / total, 2), most_on_disk=biggest)
    bench.close()


def bench_unwatched(options, folder):
    other = pathlib.Path(folder) / "other"
    seconds = min(options.seconds, 30)
    rounds, without, within = 5, [], []
    bench = Bench(options.build, folder, "--disable_audit=false", "--audit_allow_fim_events")
    done = bench.load("opens", other, 1000, MINUTE_OPENS, seconds)
    cpu = bench.cpu()
    for _ in range(rounds):
        within.append(bench.load("opens", other, 1000, 1000000, 1))
    watched = [bench.load("opens", bench.watched, 1000, 1000000, 1) for _ in range(rounds)]
    bench.close()
    for _ in range(rounds):
        without.append(bench.load("opens", other, 1000, 1000000, 1))

    def each(runs):
        return statistics.median(run["cpu_us"] / run["n"] for run in runs)
    say("unwatched", did=done["n"], collector_percent=round(cpu / seconds * 100, 3),
        us_an_open_without=round(each(without), 3), us_an_open_unwatched=round(each(within), 3),
        us_an_open_watched=round(each(watched), 3))


def bench_burst(options, folder):
    bench = Bench(options.build, folder, "--disable_audit=false", "--audit_allow_fim_events")
    done = bench.load("opens", bench.watched, 1000, 200000, 5)
    rows = bench.settle("SELECT count(*) FROM process_file_events WHERE operation = 'open'", done["n"])
    say("burst", did=done["n"], a_second=round(done["n"] / done["ns"] * 1e9), recorded=rows, lost=bench.losses(),
        us_each=round(bench.cpu() / done["n"] * 1e6, 3), pss_kb=bench.pss())
    bench.close()


def bench_spawns(options, folder):
    n, rounds, flags = 20000, 5, ("--disable_audit=false",)
    for at_once in (1, 4):
        place = pathlib.Path(folder) / str(at_once)
        place.mkdir()
        bench = Bench(options.build, place, *flags, opens=False)
        done = bench.load("spawns", n, at_once)
        rows = bench.settle("SELECT count(DISTINCT cmdline) FROM process_events WHERE cmdline GLOB 'true spawn*'", n)
        cpu, lost = bench.cpu(), bench.losses()
        within = [bench.load("spawns", n // 10, at_once)["ns"] for _ in range(rounds)]
        bench.close()
        without = [bench.load("spawns", n // 10, at_once)["ns"] for _ in range(rounds)]
        say("spawns", did=done["n"], at_once=at_once, recorded=rows, lost=lost, us_each=round(cpu / n * 1e6, 2),
            ratio_of_time=round(statistics.median(within) / statistics.median(without), 3))


def bench_tree(options, folder):
    files, folders = 100000, 10000
    bench = Bench(options.build, folder, "--disable_audit=false", "--audit_allow_fim_events", opens=False)
    done = bench.load("tree", bench.watched / "tree", folders, files)
    bench.settle("SELECT count(*) FROM process_file_events", 4 * files + 2 * folders + 1)
    rows = {row["operation"]: int(row["n"]) for row in
            bench.ask("SELECT operation, count(*) AS n FROM process_file_events GROUP BY 1")}
    say("tree", did=done["n"], recorded=rows, lost=bench.losses(), us_each=round(bench.cpu() / files / 4 * 1e6, 3),
        right=rows == {"create": files, "write": files, "rename": files, "unlink": files, "mkdir": folders + 1,
                       "rmdir": folders})
    bench.close()


def bench_latency(options, folder):
    """One write in a million opens a minute: from the call until a query shows it."""
    bench = Bench(options.build, folder, "--disable_audit=false", "--audit_allow_fim_events")
    load = subprocess.Popen([bench.build / "bench_load", "opens", str(bench.watched), "1000", str(MINUTE_OPENS), "30"],
                            stdout=subprocess.DEVNULL)
    shell = subprocess.Popen([bench.build / "osqueryi", "--list", "--header=false", "--disable_events=false",
                              "--disable_database=false", f"--database_path={bench.daemon.database}"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    times = []
    while load.poll() is None:
        name = f"{bench.watched}/needle{len(times)}"
        last = bench_ask(shell, "SELECT ifnull(max(eid), '0000000000') FROM process_file_events "
                                f"WHERE time >= {int(time.time()) - 1}")
        began = time.monotonic()
        pathlib.Path(name).touch()
        while bench_ask(shell, "SELECT count(*) FROM process_file_events WHERE "
                               f"eid > '{last}' AND path = '{name}'") == "0":
            assert time.monotonic() - began < 10, "it never came"
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.037)  # not in step with anything
    shell.stdin.close()
    shell.wait()
    times.sort()
    say("latency", n=len(times), p50_ms=round(times[len(times) // 2], 1), p99_ms=round(times[len(times) * 99 // 100], 1),
        lost=bench.losses())
    bench.close()


def bench_ask(shell, sql):
    shell.stdin.write(sql + ";\n")
    shell.stdin.flush()
    return shell.stdout.readline().strip()


def bench_scan(options, folder):
    """Ten million rows, recorded before."""
    n = 10_000_000
    bench = Bench(options.build, folder, "--disable_audit=false", "--audit_allow_fim_events", "--events_budget_mb=0")
    while (have := bench.number("SELECT ifnull(max(eid), 0) + 0 FROM process_file_events")) < n:
        bench.load("opens", bench.watched, 1000, 100000, max(1, min(10, (n - have) // 100000)))
    bench.settle("SELECT count(*) FROM process_file_events", n)
    rows = bench.number("SELECT count(*) FROM process_file_events")

    def timed(sql):
        begin = time.monotonic()
        bench.ask(sql)
        return time.monotonic() - begin
    base = min(timed("SELECT 1") for _ in range(5))
    full = min(timed("SELECT count(*) FROM process_file_events WHERE pid > 0") for _ in range(3)) - base
    at = bench.number("SELECT min(time) FROM process_file_events") + 3
    say("scan", rows=rows, full_s=round(full, 3), million_rows_a_second=round(rows / full / 1e6, 2),
        one_id_ms=round((min(timed(f"SELECT path FROM process_file_events WHERE eid = '{rows // 2:010d}'")
                             for _ in range(5)) - base) * 1000, 2),
        thousand_ids_ms=round((min(timed("SELECT count(path) FROM process_file_events WHERE "
                                         f"eid > '{rows // 2:010d}' AND eid <= '{rows // 2 + 1000:010d}'")
                                   for _ in range(5)) - base) * 1000, 2),
        before_the_first_second_ms=round((min(timed(f"SELECT count(*) FROM process_file_events WHERE time < {at - 3}")
                                              for _ in range(5)) - base) * 1000, 2),
        disk_bytes_each=round(bench.disk() / rows, 2))
    bench.close()


def bench_idle(options, folder):
    seconds = min(options.seconds, 60)
    bench = Bench(options.build, folder, "--disable_audit=false", "--audit_allow_fim_events", "--enable_file_events",
                  "--audit_allow_sockets", opens=False)
    pids = [bench.daemon.process.pid, *children(bench.daemon.process.pid)]
    time.sleep(5)
    began, most = {pid: cpu_s(pid) for pid in pids}, 0
    for _ in range(seconds):
        time.sleep(1)
        most = max(most, bench.pss())
    say("idle", seconds=seconds, pss_kb=most,
        ms_of_cpu_a_minute={title(pid).split()[-1]: round((cpu_s(pid) - began[pid]) * 60000 / seconds, 1) for pid in pids})
    bench.close()


def bench_auditd(options, folder):
    """The same execs and file writes for auditd and for us, each alone."""
    if not shutil.which("auditd"):
        say("auditd", skipped="auditd is not installed")
        return
    n = 5000
    place = pathlib.Path(folder) / "ours"
    place.mkdir()
    bench = Bench(options.build, place, "--disable_audit=false", "--audit_allow_fim_events", opens=False)
    bench.load("spawns", n, 1)
    bench.load("writes", bench.watched, n)
    execs = bench.settle("SELECT count(*) FROM process_events WHERE cmdline GLOB 'true spawn*'", n)
    writes = bench.settle("SELECT count(*) FROM process_file_events WHERE operation = 'write'", n)
    ours = bench.cpu()
    bench.close()
    say("auditd", did={"execs": n, "writes": n}, ours={"execs": execs, "writes": writes, "cpu_s": round(ours, 3)},
        auditd=run_auditd(bench, pathlib.Path(folder) / "theirs", n))


def run_auditd(bench, folder, n):
    folder.mkdir()
    watched = folder / "watched"
    watched.mkdir()
    (folder / "plugins.d").mkdir()
    (folder / "auditd.conf").write_text(
        f"local_events = yes\nwrite_logs = yes\nlog_file = {folder}/audit.log\nlog_format = RAW\nflush = INCREMENTAL_ASYNC\n"
        f"freq = 50\nmax_log_file = 1000\nnum_logs = 2\nname_format = NONE\nspace_left = 10\nadmin_space_left = 5\n"
        f"plugin_dir = {folder}/plugins.d\nq_depth = 20000\n")
    for path in (folder / "auditd.conf", folder):
        os.chmod(path, 0o640 if path.is_file() else 0o750)
    before = subprocess.run(["auditctl", "-s"], capture_output=True, text=True).stdout
    status = dict(line.split(None, 1) for line in before.splitlines() if " " in line)
    process = subprocess.Popen(["auditd", "-n", "-c", str(folder), "-s", "enable"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    rules = [["-a", "always,exit", "-F", "arch=b64", "-S", "execve,execveat", "-k", "bench"],
             ["-w", str(watched), "-p", "w", "-k", "bench"]]
    try:
        time.sleep(1)
        subprocess.run(["auditctl", "-b", "65536"], capture_output=True)
        for rule in rules:
            subprocess.run(["auditctl", *rule], capture_output=True)
        began = cpu_s(process.pid)
        bench.load("spawns", n, 1)
        bench.load("writes", watched, n)
        time.sleep(3)
        used = cpu_s(process.pid) - began
        log = (folder / "audit.log").read_text(errors="replace")
        return {"execs": log.count("a1=\"spawn") or log.count("a1=spawn"), "writes": log.count('name="file') +
                log.count(f'name="{watched}/file'), "cpu_s": round(used, 3)}
    finally:
        for rule in rules:
            subprocess.run(["auditctl", *(["-d"] + rule[1:] if rule[0] == "-a" else ["-W"] + rule[1:])], capture_output=True)
        process.terminate()
        process.wait()
        subprocess.run(["auditctl", "-b", status.get("backlog_limit", "64")], capture_output=True)
        subprocess.run(["auditctl", "-e", status.get("enabled", "0").split()[0]], capture_output=True)


PARTS = {"opens": bench_opens, "unwatched": bench_unwatched, "burst": bench_burst, "spawns": bench_spawns,
         "tree": bench_tree, "latency": bench_latency, "scan": bench_scan, "idle": bench_idle, "auditd": bench_auditd}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS])
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("events: only root can record them; skipped")
        return
    for name in options.parts or PARTS:
        folder = tempfile.mkdtemp(prefix="hostql-bench-")
        try:
            PARTS[name](options, folder)
        finally:
            shutil.rmtree(folder)


main()
