# SPDX-License-Identifier: Apache-2.0
"""A daemon under test: its files in a folder of the test, its processes, its lines."""
import collections
import json
import os
import pathlib
import signal
import subprocess
import time

PATIENCE = 60  # seconds that a condition may take on a slow machine


def wait_for(condition, what, seconds=PATIENCE):
    """Waits until the condition gives something, and gives that."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def children(pid):
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def title(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        return ""


class Daemon:
    """osqueryd with its config, store and logs below `folder`."""

    def __init__(self, build, folder, config, *flags, environment=None, database=None, logs=None):
        self.build, self.folder = build, pathlib.Path(folder)
        self.database = pathlib.Path(database or self.folder / "db")
        self.logs = pathlib.Path(logs or self.folder / "log")
        self.config_path = self.folder / "osquery.conf"
        self.flags, self.environment = list(flags), environment or {}
        self.process = None
        self.configure(config)

    def configure(self, config):
        """Replaces the config as a careful person would: whole or not at all."""
        text = config if isinstance(config, str) else json.dumps(config, indent=1)
        new = self.folder / "osquery.conf.new"
        new.write_text(text)
        new.rename(self.config_path)

    def command(self):
        return [f"{self.build}/osqueryd", f"--config_path={self.config_path}",
                f"--database_path={self.database}", f"--logger_path={self.logs}",
                f"--pidfile={self.folder}/pidfile", "--disable_extensions", *self.flags]

    def start(self):
        with open(self.folder / "stderr", "ab") as stderr:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=stderr,
                                            env={**os.environ, **self.environment})
        return self

    def stop(self, expected=0):
        """A polite stop, and what the daemon leaves with."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        assert code == expected, self.errors()
        assert "Sanitizer" not in self.errors() and "runtime error:" not in self.errors(), self.errors()
        return code

    def kill(self):
        """The end of a test, whatever happened: no process stays."""
        if self.process is None:
            return
        left = children(self.process.pid)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pid in left:
            wait_for(lambda: not os.path.exists(f"/proc/{pid}"), f"the end of {pid}")

    def role(self, name):
        """The process id of a role, once it runs."""
        def find():
            return [pid for pid in children(self.process.pid) if title(pid) == f"osqueryd: {name}"]
        return wait_for(find, f"a {name}")[0]

    def runner(self):
        return self.role("runner")

    def collector(self):
        return self.role("collector")

    def errors(self):
        path = self.folder / "stderr"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_error(self, text):
        wait_for(lambda: text in self.errors(), f"{text!r} on stderr")

    def raw(self, name="results"):
        path = self.logs / f"osqueryd.{name}.log"
        return path.read_bytes() if path.exists() else b""

    def lines(self, name="results", query=None):
        """All whole lines so far."""
        found = [json.loads(line) for line in self.raw(name).split(b"\n")[:-1]]
        return [line for line in found if query is None or line["name"] == query]

    def wait_lines(self, count, name="results", query=None):
        wait_for(lambda: len(self.lines(name, query)) >= count, f"{count} lines of {query or name}")
        return self.lines(name, query)

    def ask_store(self, sql):
        """What a person sees who reads the store with the shell."""
        done = subprocess.run([f"{self.build}/osqueryi", "--json", f"--database_path={self.database}",
                               f"--config_path={self.config_path}", sql],
                              capture_output=True, stdin=subprocess.DEVNULL, check=True)
        return json.loads(done.stdout)


def row_of(line):
    return tuple(sorted(line["columns"].items()))


def replay(lines):
    """The rows that there are after all that was added and removed. Nothing goes that is not there."""
    rows = collections.Counter()
    for line in lines:
        row = row_of(line)
        if line["action"] == "added":
            rows[row] += 1
        elif line["action"] == "removed":
            assert rows[row] > 0, f"removed, but it was not there: {row}"
            rows[row] -= 1
    return +rows


def check_line(line):
    """One line as the formats have it, for results and snapshots."""
    assert isinstance(line["name"], str) and line["name"]
    assert isinstance(line["hostIdentifier"], str) and line["hostIdentifier"]
    stamp = time.strptime(line["calendarTime"], "%a %b %d %H:%M:%S %Y UTC")
    assert abs(__import__("calendar").timegm(stamp) - line["unixTime"]) == 0
    for key in ("unixTime", "epoch", "counter"):
        assert type(line[key]) is int and line[key] >= 0
    assert line["numerics"] in (True, False)
    rows = []
    if "diffResults" in line:
        assert list(line["diffResults"]) == ["removed", "added"]
        rows = line["diffResults"]["removed"] + line["diffResults"]["added"]
    elif "snapshot" in line:
        assert line["action"] == "snapshot" and line["counter"] == 0
        rows = line["snapshot"]
    else:
        assert line["action"] in ("added", "removed", "snapshot")
        rows = [line["columns"]]
    for row in rows:
        assert list(row) == sorted(row)
        for value in row.values():
            assert isinstance(value, str) or (line["numerics"] and isinstance(value, (int, float)))
