# SPDX-License-Identifier: Apache-2.0
"""Processes and what they hold are what ps, lsof and /proc itself say of them."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

READY = "import sys; print('ready', flush=True); sys.stdin.read()"


@contextlib.contextmanager
def running(*command, **options):
    """A process that has said a line, until the end of the block."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    try:
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def python(code, **options):
    with running(sys.executable, "-c", code + "\n" + READY, **options) as process:
        yield process


def ps(pid, column, *flags):
    done = subprocess.run(["ps", "-o", column + "=", *flags, "-p", str(pid)], capture_output=True,
                          text=True, check=True)
    return done.stdout.rstrip("\n").strip()


COLUMNS = {"pid": "pid", "parent": "ppid", "pgroup": "pgid", "uid": "ruid", "euid": "euid",
           "suid": "suid", "gid": "rgid", "egid": "egid", "sgid": "sgid", "name": "comm",
           "cmdline": "args", "nice": "ni", "threads": "nlwp"}


def test_processes_are_those_of_ps(ask):
    with python("import os; os.nice(3)") as process:
        row, = ask(f"SELECT * FROM processes WHERE pid = {process.pid}")
        for column, field in COLUMNS.items():
            # ps shows the newlines of arguments as blanks
            told = ps(process.pid, field, "-ww")
            assert row[column].split() == told.split(), column
        assert row["state"] in "RSD" and ps(process.pid, "stat")[0] in "RSD" # still moving, perhaps
        # the kernel counts pages on each processor and only adds up whole batches (proc(5))
        batch = 3 * max(32, 2 * os.cpu_count()) * os.cpu_count() * os.sysconf("SC_PAGE_SIZE")
        assert abs(int(row["resident_size"]) - 1024 * int(ps(process.pid, "rss"))) <= batch
        assert int(row["total_size"]) == 1024 * int(ps(process.pid, "vsz"))
        assert row["path"] == os.path.realpath(sys.executable)
        assert row["cwd"] == os.getcwd() and row["root"] == "/" and row["on_disk"] == "1"


def test_all_processes_are_listed(ask):
    before = {entry for entry in os.listdir("/proc") if entry.isdigit()}
    rows = {row["pid"] for row in ask("SELECT pid FROM processes")}
    after = {entry for entry in os.listdir("/proc") if entry.isdigit()}
    assert before & after <= rows


@pytest.mark.parametrize("name", [b"two\nlines", b") S 1 (", b"caf\xe9\xff", b"a\\b", b"", b" "])
def test_any_name_is_told(build, ask, name):
    code = (f"import ctypes; ctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0)")
    with python(code) as process:
        query = f"SELECT hex(name) AS name, parent, state FROM processes WHERE pid = {process.pid}"
        row, = ask(query)
        lines = pathlib.Path(f"/proc/{process.pid}/status").read_bytes().split(b"\n")
        assert bytes.fromhex(row["name"]) == lines[0].removeprefix(b"Name:\t")
        assert row["parent"] == str(os.getpid()) and row["state"] in "RSD"


def test_a_deleted_executable_is_told(ask, tmp_path):
    copy = tmp_path / "copy of cat"
    shutil.copy("/bin/cat", copy)
    with subprocess.Popen([copy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"x\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"x\n"
        query = f"SELECT path, on_disk FROM processes WHERE pid = {process.pid}"
        assert ask(query) == [{"path": str(copy), "on_disk": "1"}]
        copy.unlink()
        assert ask(query) == [{"path": str(copy), "on_disk": "0"}]
        copy.with_name("copy of cat (deleted)").touch()
        assert ask(query) == [{"path": str(copy), "on_disk": "0"}]


def test_a_zombie_has_no_memory(ask):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        row, = ask(f"SELECT state, resident_size, path, cmdline FROM processes WHERE pid = {pid}")
        assert row == {"state": "Z", "resident_size": "", "path": "", "cmdline": ""}
        assert ask(f"SELECT * FROM process_open_files WHERE pid = {pid}") == []
        assert ask(f"SELECT * FROM process_memory_map WHERE pid = {pid}") == []
    finally:
        os.waitpid(pid, 0)


TABLES = ["processes", "process_open_files", "process_open_sockets", "process_open_pipes",
          "process_memory_map", "process_envs", "process_namespaces", "listening_ports"]


@pytest.mark.parametrize("table", TABLES)
def test_processes_may_end_meanwhile(ask, table):
    loop = "while :; do /bin/true & /bin/true & wait; done"
    with subprocess.Popen(["/bin/sh", "-c", loop], start_new_session=True) as process:
        try:
            for _ in range(5):
                ask(f"SELECT * FROM {table}")
        finally:
            os.killpg(process.pid, signal.SIGKILL)


# ---- open files ----

def links(pid):
    for fd in os.listdir(f"/proc/{pid}/fd"):
        yield fd, os.fsdecode(os.readlink(f"/proc/{pid}/fd/{fd}"))


def test_open_files_are_the_links(ask, tmp_path):
    (tmp_path / "with blank").write_text("x")
    (tmp_path / "gone").write_text("x")
    (tmp_path / "pipe:[1]").write_text("x")
    code = ("import os, socket; kept = [open(name) for name in ('with blank', 'gone', 'pipe:[1]')]; "
            "os.unlink('gone'); kept.append(socket.socket()); kept.append(os.pipe())")
    with python(code, cwd=tmp_path) as process:
        expected = {(fd, path) for fd, path in links(process.pid) if path.startswith("/")}
        rows = ask(f"SELECT fd, path FROM process_open_files WHERE pid = {process.pid}")
        assert {(row["fd"], row["path"]) for row in rows} == expected
        assert len(rows) == len(expected) >= 3
        assert {str(tmp_path / "with blank"), str(tmp_path / "gone") + " (deleted)",
                str(tmp_path / "pipe:[1]")} <= {row["path"] for row in rows}
        every = ask("SELECT pid, fd, path FROM process_open_files")
        assert {(row["fd"], row["path"]) for row in every
                if row["pid"] == str(process.pid)} == expected


def test_open_files_are_those_of_lsof(ask, tmp_path):
    (tmp_path / "plain").write_text("x")
    with python("kept = open('plain')", cwd=tmp_path) as process:
        done = subprocess.run(["lsof", "-n", "-P", "-p", str(process.pid), "-a", "-d", "0-999",
                               "-F", "ftn"], capture_output=True, text=True, check=True)
        files, fd, kind = set(), None, None
        for line in done.stdout.splitlines():
            if line[0] == "f":
                fd = line[1:]
            elif line[0] == "t":
                kind = line[1:]
            elif line[0] == "n" and kind in ("REG", "DIR", "CHR"):
                files.add((fd, line[1:]))
        rows = ask(f"SELECT fd, path FROM process_open_files WHERE pid = {process.pid}")
        assert {(row["fd"], row["path"]) for row in rows} == files


# ---- pipes ----

def test_pipes_find_their_partners(ask, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    read, write = os.pipe()
    try:
        code = "import os; fifo = os.open('fifo', os.O_RDWR)"
        with python(code, cwd=tmp_path, pass_fds=[write]) as process:
            inode, fifo = os.fstat(read).st_ino, os.stat(tmp_path / "fifo").st_ino
            rows = ask(f"SELECT pid, fd, mode, type, partner_pid, partner_fd, partner_mode FROM "
                       f"process_open_pipes WHERE inode = {inode} AND type = 'anonymous'")
            me, other = str(os.getpid()), str(process.pid)
            found = {(row["pid"], row["fd"], row["mode"], row["partner_pid"], row["partner_fd"],
                      row["partner_mode"]) for row in rows}
            assert found == {
                (me, str(read), "r", me, str(write), "w"),
                (me, str(read), "r", other, str(write), "w"),
                (me, str(write), "w", me, str(read), "r"),
                (other, str(write), "w", me, str(read), "r"),
            }
            row, = ask(f"SELECT * FROM process_open_pipes WHERE inode = {fifo} AND type = 'named'")
            assert row["pid"] == other and row["mode"] == "rw" and row["partner_pid"] == ""
    finally:
        os.close(read)
        os.close(write)


# ---- maps, environment, namespaces ----

def test_maps_are_those_of_proc(ask, tmp_path):
    name = tmp_path / "with  blanks and\nnewline"
    name.write_bytes(b"x" * 4096)
    code = f"import mmap; f = open({str(name)!r}); m = mmap.mmap(f.fileno(), 4096, prot=1)"
    with python(code) as process:
        expected = []
        for line in pathlib.Path(f"/proc/{process.pid}/maps").read_text().splitlines():
            addresses, permissions, offset, device, inode, *path = line.split(maxsplit=5)
            start, end = addresses.split("-")
            path = path[0] if path else ""
            expected.append({"pid": str(process.pid), "start": "0x" + start, "end": "0x" + end,
                             "permissions": permissions, "offset": str(int(offset, 16)),
                             "device": device, "inode": inode, "path": path,
                             "pseudo": "1" if inode == "0" and path else "0"})
        assert ask(f"SELECT * FROM process_memory_map WHERE pid = {process.pid}") == expected
        assert any(row["path"].endswith("with  blanks and\\012newline") for row in expected)


def test_environment_is_that_of_the_start(ask):
    environment = {"PATH": "/usr/bin", "EMPTY": "", "EQUALS": "a=b", "LONG": "x" * 100000}
    with python("import os; os.environ['LATER'] = '1'", env=environment) as process:
        rows = ask(f"SELECT key, value FROM process_envs WHERE pid = {process.pid}")
        found = {row["key"]: row["value"] for row in rows}
        assert found == environment and len(rows) == len(environment)


def test_namespaces_are_those_of_the_links(ask):
    pid = os.getpid()
    row, = ask(f"SELECT * FROM process_namespaces WHERE pid = {pid}")
    for kind in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts"):
        assert os.readlink(f"/proc/{pid}/ns/{kind}") == f"{kind}:[{row[kind + '_namespace']}]"
