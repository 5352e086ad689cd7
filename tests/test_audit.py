# SPDX-License-Identifier: Apache-2.0
"""Tables that audit, the syslog pipe and the kernel's device messages feed, on this kernel."""
import contextlib
import fcntl
import json
import os
import pathlib
import socket
import subprocess
import time

import pytest

from daemon import Daemon, wait_for

AUDIT = ["--disable_audit=false", "--events_source=audit", "--audit_allow_config"]
NETLINK_AUDIT = 9


class Shell:
    """An osqueryi that is asked again and again."""

    def __init__(self, build, *flags):
        self.process = subprocess.Popen(
            [build / "osqueryi", "--disable_events=false", "--json", *flags],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, query):
        self.process.stdin.write(f"{query};\nSELECT 'end' AS the_end;\n")
        self.process.stdin.flush()
        text = ""
        while '"the_end"' not in text:
            line = self.process.stdout.readline()
            assert line, text
            text += line
        self.process.stdout.readline()
        return json.loads(text[:text.rindex("[")] or "[]")

    def wait_for(self, query, n=1):
        """Its rows, once there are so many of them."""
        end = time.monotonic() + 15
        while len(rows := self.ask(query)) < n:
            assert time.monotonic() < end, rows
            time.sleep(0.05)
        return rows

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0


@contextlib.contextmanager
def shell(build, *flags):
    opened = Shell(build, *flags)
    try:
        yield opened
        opened.close()
    finally:
        opened.process.kill()
        opened.process.wait()


@pytest.fixture
def audit():
    """The audit system of the host, for one test at a time."""
    if os.geteuid() != 0:
        pytest.skip("audit needs root")
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_AUDIT) as asked:
            asked.bind((0, 1))
    except OSError as error:
        pytest.skip(f"audit: {error}")
    with open("/run/lock/hostql-audit-test", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def audit_is_up(opened):
    opened.wait_for("SELECT 1 FROM osquery_events WHERE name = 'auditeventpublisher' AND active = 1")


def test_what_was_run_is_seen_with_all_that_belongs_to_it(build, audit, tmp_path):
    odd = ["an argument", "", 'with "quotes"', "and\nlines", "ünïcode"]
    with shell(build, *AUDIT, "--audit_allow_fork_process_events") as opened:
        audit_is_up(opened)
        child = subprocess.Popen(["/bin/true", *odd], cwd=tmp_path, user=4321)
        child.wait()
        row = opened.wait_for("SELECT *, process_key, ancestry FROM process_events "
                              f"WHERE pid = {child.pid} AND syscall = 'execve'")[0]
        forks = opened.ask(f"SELECT * FROM process_events WHERE pid = {child.pid} AND syscall <> 'execve'")
    assert row["cmdline"] == " ".join(["/bin/true", *odd])
    assert row["cwd"] == str(tmp_path) and row["uid"] == "4321"
    assert os.path.samefile(row["path"], "/bin/true")
    assert row["mode"] == "0100755" and row["owner_uid"] == "0" and int(row["mtime"]) > 0
    assert row["parent"] == str(os.getpid()) and row["process_key"].startswith(f"{child.pid}-")
    assert json.loads(row["ancestry"])[0]["pid"] == os.getpid()
    assert len(forks) == 1 and forks[0]["parent"] == str(os.getpid())


def test_sockets_and_signals_are_seen(build, audit):
    with shell(build, *AUDIT, "--audit_allow_sockets", "--audit_allow_kill_process_events") as opened:
        audit_is_up(opened)
        code = ("import os, socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen();"
                "c = socket.create_connection(s.getsockname()); s.accept(); os.kill(os.getpid(), 0);"
                "print(os.getpid(), s.getsockname()[1])")
        pid, port = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True,
                                   check=True).stdout.split()
        rows = opened.wait_for(f"SELECT * FROM socket_events WHERE pid = {pid}", 3)
        opened.wait_for(f"SELECT * FROM process_events WHERE pid = {pid} AND syscall = 'kill'")
    found = {row["action"]: row for row in rows}
    assert found["bind"]["local_address"] == "127.0.0.1" and found["bind"]["family"] == "2"
    assert found["connect"]["remote_port"] == port and found["connect"]["status"] == "succeeded"
    assert found["accept4"]["remote_address"] == "127.0.0.1"


def test_who_changed_a_file_is_seen(build, audit, tmp_path):
    watched = tmp_path / "watched"
    watched.mkdir()
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"file_paths": {"ours": [f"{watched}/%%"]}}))
    with shell(build, *AUDIT, "--audit_allow_fim_events", f"--config_path={config}") as opened:
        audit_is_up(opened)
        code = (f"import os; os.chdir('{watched}'); f = open('a', 'w'); f.write('x'); f.close();"
                "os.rename('a', 'b'); os.unlink('b'); print(os.getpid())")
        pid = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True,
                             check=True).stdout.strip()
        rows = opened.wait_for(
            f"SELECT operation, path, dest_path, executable FROM process_file_events WHERE pid = {pid}", 3)
    operations = {row["operation"]: row for row in rows}
    assert operations["rename"]["path"] == f"{watched}/a"
    assert operations["rename"]["dest_path"] == f"{watched}/b"
    assert operations["unlink"]["path"] == f"{watched}/b"
    assert all("python3" in row["executable"] for row in rows)


def test_what_programs_say_of_users_is_seen(build, audit):
    text = b'op=PAM:hostql-test acct="root" exe="/usr/bin/su" hostname=? addr=192.0.2.1 terminal=pts/0 res=success\0'
    message = len(text + b"\0" * 16).to_bytes(4, "little") + (1100).to_bytes(2, "little") + \
        (1).to_bytes(2, "little") + b"\0" * 8 + text
    with shell(build, *AUDIT) as opened:
        audit_is_up(opened)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_AUDIT) as said:
            said.send(message)
        row = opened.wait_for("SELECT * FROM user_events WHERE message LIKE '%hostql-test%'")[0]
    assert row["type"] == "1100" and row["uid"] == "0" and row["pid"] == str(os.getpid())
    assert row["path"] == "/usr/bin/su" and row["address"] == "192.0.2.1"
    assert row["terminal"] == "pts/0" and row["message"].startswith("op=PAM:hostql-test acct=")


def test_calls_that_seccomp_kills_are_seen(build, audit):
    # a filter that lets everything through but getpriority, with SECCOMP_RET_LOG
    code = """if True:
        import ctypes, os, struct
        libc = ctypes.CDLL(None, use_errno=True)
        def step(code, jt, jf, k): return struct.pack("HBBI", code, jt, jf, k)
        steps = [step(0x20, 0, 0, 0), step(0x15, 0, 1, 140), step(6, 0, 0, 0x7ffc0000),
                 step(6, 0, 0, 0x7fff0000)]
        buffer = ctypes.create_string_buffer(b"".join(steps))
        class Program(ctypes.Structure):
            _fields_ = [("n", ctypes.c_ushort), ("steps", ctypes.c_void_p)]
        program = Program(len(steps), ctypes.addressof(buffer))
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.syscall(317, 1, 2, ctypes.byref(program)) == 0
        os.getpriority(os.PRIO_PROCESS, 0)
        print(os.getpid())
    """
    if os.uname().machine != "x86_64":
        pytest.skip("numbers of system calls are those of x86-64")
    with shell(build, *AUDIT, "--audit_allow_seccomp_events") as opened:
        audit_is_up(opened)
        done = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"seccomp: {done.stderr}")
        row = opened.wait_for(f"SELECT * FROM seccomp_events WHERE pid = {done.stdout.strip()}")[0]
    assert (row["syscall"], row["code"], row["arch"]) == ("getpriority", "LOG", "X86_64")
    assert "python3" in row["exe"]


def test_what_a_killed_daemon_left_is_undone_by_one_that_wants_no_audit(build, audit, tmp_path):
    one = Daemon(build, tmp_path, {}, *AUDIT).start()
    left = one.database / "audit.restore"
    try:
        wait_for(left.exists, "changes of the audit system")
        wait_for(lambda: any(row["active"] == "1" for row in ask_daemon(one)), "the source")
        one.kill()
        assert left.exists()
        one.flags = []
        one.start()
        wait_for(lambda: not left.exists(), "the changes to be undone")
        assert one.stop() == 0
    finally:
        one.kill()


def ask_daemon(one):
    done = subprocess.run([one.build / "osqueryi", "--json", "--disable_events=false", "--disable_database=false",
                           f"--database_path={one.database}",
                           "SELECT active FROM osquery_events WHERE name = 'auditeventpublisher'"],
                          capture_output=True, stdin=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout or "[]")


# ---- the pipe of the system log ----

def line(n):
    return f'"2024-01-02T03:04:05","host","6","auth","sshd[{n}]:"," said ""{n}"", and went"\n'


def test_lines_of_the_pipe_are_rows(build, tmp_path):
    pipe = tmp_path / "pipe"
    with shell(build, "--enable_syslog", f"--syslog_pipe_path={pipe}", "--syslog_rate_limit=20") as opened:
        opened.wait_for("SELECT 1 FROM osquery_events WHERE name = 'syslog' AND active = 1")
        assert pipe.stat().st_mode & 0o7777 == 0o460
        with open(pipe, "w") as writer:  # more than the rate, ends within a line
            writer.write("".join(line(n) for n in range(70)) + line(70)[:30])
        with open(pipe, "w") as writer:  # another one
            writer.write(line(70)[30:] + "not,as,it,should,be\n" + line(71))
        rows = opened.wait_for("SELECT * FROM syslog", 72)
    assert [row["tag"] for row in rows] == [f"sshd[{n}]" for n in range(72)]
    assert rows[3]["message"] == 'said "3", and went' and rows[3]["severity"] == "6"
    assert rows[3]["datetime"] == "2024-01-02T03:04:05" and rows[3]["facility"] == "auth"


def test_a_line_that_is_too_long_is_cut(build, tmp_path):
    pipe = tmp_path / "pipe"
    with shell(build, "--enable_syslog", f"--syslog_pipe_path={pipe}") as opened:
        opened.wait_for("SELECT 1 FROM osquery_events WHERE name = 'syslog' AND active = 1")
        with open(pipe, "w") as writer:
            writer.write("t,h,6,f,long," + "x" * 100000 + "\nt,h,6,f,short,y\n")
        rows = opened.wait_for("SELECT tag, length(message) AS length FROM syslog_events", 2)
    assert rows[0]["tag"] == "long" and 30000 < int(rows[0]["length"]) < 40000
    assert rows[1] == {"tag": "short", "length": "1"}


def test_a_pipe_is_read_by_one_only_and_must_be_one(build, tmp_path):
    pipe, plain = tmp_path / "pipe", tmp_path / "plain"
    plain.write_text("")
    flags = ["--enable_syslog", f"--syslog_pipe_path={pipe}"]
    with shell(build, *flags) as first:
        first.wait_for("SELECT 1 FROM osquery_events WHERE name = 'syslog' AND active = 1")
        with shell(build, *flags) as second:
            assert second.ask("SELECT 1 FROM osquery_events WHERE name = 'syslog' AND active = 1") == []
    with shell(build, "--enable_syslog", f"--syslog_pipe_path={plain}") as opened:
        assert opened.ask("SELECT 1 FROM osquery_events WHERE name = 'syslog' AND active = 1") == []


# ---- devices ----

def test_a_device_that_changes_is_seen(build):
    events = sorted(pathlib.Path("/sys/class/block").glob("*/uevent"))
    disk = next((path for path in events if "DEVTYPE=disk" in path.read_text()), None)
    if os.geteuid() != 0 or not disk:
        pytest.skip("this needs root and a disk")
    with shell(build) as opened:
        opened.wait_for("SELECT 1 FROM osquery_events WHERE name = 'udev' AND active = 1")
        disk.write_text("change")
        row = opened.wait_for(f"SELECT * FROM hardware_events WHERE path = '/dev/{disk.parent.name}'")[0]
    assert row["action"] == "change" and row["type"] == "disk"
