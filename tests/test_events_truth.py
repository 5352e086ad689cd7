# SPDX-License-Identifier: Apache-2.0
"""Events of the real kernel, compared with what a workload knows of itself (root)."""
import contextlib
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from daemon import Daemon, wait_for

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root"), pytest.mark.xdist_group("events_truth")]

BPF_FOLDER = pathlib.Path("/sys/fs/bpf")
EVERYTHING = ("--disable_audit=false", "--audit_allow_fim_events", "--enable_file_events", "--enable_fim_open_events",
              "--audit_allow_sockets", "--audit_allow_unix", "--audit_allow_failed_socket_events",
              "--audit_allow_null_accept_socket_events", "--audit_allow_fork_process_events",
              "--audit_allow_kill_process_events", "--enable_bpf_events")
FILES = ("--disable_audit=false", "--audit_allow_fim_events", "--enable_file_events")
OPENS = ("--disable_audit=false", "--audit_allow_fim_events", "--enable_fim_open_events")
# the same operation has different names on different architectures and for different C libraries
FAMILIES = {"fchmodat": "chmod", "fchmodat2": "chmod", "fchownat": "chown", "utimensat": "utimes", "utime": "utimes",
            "utimensat_time64": "utimes"}


# ---- the daemon ----

@pytest.fixture(scope="module", autouse=True)
def as_found():
    """The daemon may mount the file system of pins."""
    was_mounted = os.path.ismount(BPF_FOLDER)
    yield
    if not was_mounted and os.path.ismount(BPF_FOLDER):
        subprocess.run(["umount", BPF_FOLDER], check=False)


class Watcher(Daemon):
    """A daemon that watches everything below `watched`."""

    def __init__(self, build, folder, *flags, config=None, wrap=()):
        self.watched, self.wrap, self.marks = pathlib.Path(folder) / "watched", list(wrap), 0
        self.watched.mkdir(exist_ok=True)
        config = config or {"file_paths": {"all": [f"{self.watched}/%%"]}, "file_accesses": ["all"]}
        super().__init__(build, folder, config, "--events_expiry=0", "--events_max=0", "--config_refresh=0", *flags)

    def command(self):
        return self.wrap + super().command()

    def kill(self):
        """After a test that failed, too, the kernel keeps nothing: a polite stop first."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        super().kill()

    def ask(self, sql):
        done = subprocess.run([f"{self.build}/osqueryi", "--json", "--disable_events=false", "--disable_database=false",
                               f"--database_path={self.database}", sql], capture_output=True, stdin=subprocess.DEVNULL,
                              check=False)
        return json.loads(done.stdout) if done.returncode == 0 else []

    def begin(self, source="bpf"):
        """Waits until the source is open; skips where it can't be."""
        self.start()

        def look():
            return self.ask(f"SELECT active, choice FROM osquery_events WHERE name = '{source}' AND choice <> ''")
        row = wait_for(look, f"the choice of {source}")[0]
        if row["active"] != "1":
            pytest.skip(f"{source}: {row['choice']}")
        return self

    def number(self, sql):
        rows = self.ask(sql)
        return int(list(rows[0].values())[0] or 0) if rows else -1

    def wait_number(self, sql, count):
        last = []

        def look():
            last[:] = [self.number(sql)]
            return last[0] >= count
        try:
            wait_for(look, f"{count} of {sql}", 20)
        except AssertionError as error:
            raise AssertionError(f"{error}: {last[0]}") from None

    def mark(self, folder=None):
        """All that was done before this is stored when this returns."""
        self.marks += 1
        path = (folder or self.watched) / f"mark{self.marks}"
        path.touch()
        self.wait_number(f"SELECT count(*) FROM process_file_events WHERE path = '{path}' AND operation = 'create'", 1)

    def losses(self):
        return [row for row in self.ask("SELECT name, dropped_kernel, dropped_queue FROM osquery_events "
                                        "WHERE dropped_kernel + dropped_queue > 0")]


@pytest.fixture
def watcher(build, tmp_path):
    """Starts daemons."""
    with contextlib.ExitStack() as stack:
        def start(*flags, source="bpf", **more):
            daemon = Watcher(build, tmp_path, *flags, **more)
            stack.callback(daemon.kill)
            return daemon.begin(source)
        yield start


@pytest.fixture(scope="module")
def bpf(build, tmp_path_factory):
    """One daemon for all tests that only look."""
    daemon = Watcher(build, tmp_path_factory.mktemp("bpf"), *EVERYTHING)
    try:
        yield daemon.begin()
        assert daemon.losses() == []
        daemon.stop()
    finally:
        daemon.kill()


# ---- the workload ----

PRELUDE = r"""
import ctypes, errno, fcntl, json, os, signal, socket, subprocess, sys
W, ROUNDS = os.fsencode(sys.argv[1]), 7
proc = os.open("/proc", os.O_PATH) # reached from another root, too
libc = ctypes.CDLL(None, use_errno=True)
did = []
def about(name):
    return open("self/" + name, opener=lambda path, flags: os.open(path, flags, dir_fd=proc)).read()
def say(operation, path, dest=b""):
    did.append([operation, os.fsencode(path).hex(), os.fsencode(dest).hex()])
def made(path, content=b"x"):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(fd, content)
    os.close(fd)
def make(path, called=None):
    made(path)
    say("create", called or path)
    say("write", called or path)
"""
EPILOGUE = r"""
stat = about("stat").rsplit(")", 1)[1].split()
print(json.dumps({"did": did, "pid": os.getpid(), "ppid": os.getppid(), "start": int(stat[19]), "cwd": os.getcwd(),
                  "exe": os.readlink("self/exe", dir_fd=proc), "more": globals().get("more"),
                  "auid": int(about("loginuid"))}), flush=True)
sys.stdin.readline() # so long others can look at it
"""


@contextlib.contextmanager
def working(folder, code, wrap=()):
    """Runs the code in a process of its own, gives what it says that it did, and lets it live meanwhile."""
    folder.mkdir(exist_ok=True)
    command = [*wrap, sys.executable, "-I", "-S", "-c", PRELUDE + code + EPILOGUE, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        line = process.stdout.readline()
        assert line, process.stderr.read().decode(errors="replace")
        told = json.loads(line)
        told["cmdline"] = " ".join(command[len(wrap):])
        yield told


def work(folder, code, wrap=()):
    with working(folder, code, wrap) as told:
        return told


def operations(daemon, pid, where=""):
    rows = daemon.ask("SELECT operation, hex(path) AS path, hex(dest_path) AS dest FROM process_file_events "
                      f"WHERE pid = {pid} {where} ORDER BY eid")
    return [[FAMILIES.get(row["operation"], row["operation"]), row["path"].lower(), row["dest"].lower()] for row in rows]


def readable(operation):
    return (operation[0], *(os.fsdecode(bytes.fromhex(part)) for part in operation[1:]))


def compare(daemon, told):
    daemon.mark()
    found = operations(daemon, told["pid"])
    assert [readable(one) for one in found] == [readable(one) for one in told["did"]]


# ---- bpf: files ----

def test_every_kind_of_change_is_told_once_and_in_order(bpf):
    compare(bpf, work(bpf.watched / "kinds", r"""
outside = os.path.dirname(os.path.dirname(W)) + b"/outside"
os.makedirs(outside, exist_ok=True)
for i in range(ROUNDS):
    a, b, c = (W + b"/%s%d" % (name, i) for name in (b"a", b"b", b"c"))
    make(a)
    os.close(os.open(a, os.O_RDONLY)); say("open", a)
    os.truncate(a, 5); say("truncate", a)
    fd = os.open(a, os.O_RDWR); say("open", a)
    os.ftruncate(fd, 3); say("truncate", a)
    os.fchmod(fd, 0o600); say("fchmod", a)
    os.fchown(fd, 7, 7); say("fchown", a)
    os.close(fd); say("write", a)
    os.chmod(a, 0o640); say("chmod", a)
    os.chown(a, 1, 2); say("chown", a)
    os.lchown(a, 3, 4); say("lchown", a)
    os.utime(a, (5, 6)); say("utimes", a)
    os.setxattr(a, b"user.x", b"1"); say("setxattr", a)
    os.removexattr(a, b"user.x"); say("removexattr", a)
    os.rename(a, b); say("rename", a, b)
    os.link(b, a); say("link", b, a)
    os.symlink(b"to/nowhere", c); say("symlink", c)
    os.unlink(c); say("unlink", c)
    os.mkdir(c); say("mkdir", c)
    os.rename(b, c + b"/d"); say("rename", b, c + b"/d")
    os.unlink(c + b"/d"); say("unlink", c + b"/d")
    os.rmdir(c); say("rmdir", c)
    os.rename(a, outside + b"/x"); say("rename", a, outside + b"/x")
    os.rename(outside + b"/x", b); say("rename", outside + b"/x", b)
    os.unlink(b); say("unlink", b)
    os.mkfifo(a); say("create", a)
    os.unlink(a); say("unlink", a)
for i in range(ROUNDS): # what fails has changed nothing
    for call in (lambda: os.unlink(W + b"/none"), lambda: os.mkdir(W), lambda: os.rename(W + b"/none", W + b"/n")):
        try: call()
        except OSError: pass
"""))


def test_a_write_is_told_at_the_last_close_however_it_comes(bpf):
    compare(bpf, work(bpf.watched / "writes", r"""
def opened(name):
    path = W + b"/" + name
    say("create", path)
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o644), path
for i in range(ROUNDS):
    fd, path = opened(b"dup%d" % i)
    other = os.dup(fd)
    os.write(fd, b"x"); os.close(fd)
    os.write(other, b"x"); os.close(other); say("write", path)
    fd, path = opened(b"dup2%d" % i)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, fd); say("write", path)
    os.close(fd); os.close(null)
    fd, path = opened(b"range%d" % i)
    os.closerange(fd, fd + 1); say("write", path)
    fd, path = opened(b"append%d" % i)
    os.close(fd); say("write", path)
    fd = os.open(path, os.O_WRONLY | os.O_APPEND); say("open", path)
    os.close(fd); say("write", path)
"""))


def test_a_program_that_ends_has_closed_its_files(bpf):
    folder = bpf.watched / "exits"
    told = work(folder, r"""
more = []
for i in range(ROUNDS):
    child = os.fork()
    if child == 0:
        fd = os.open(W + b"/left%d" % i, os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(fd, b"x")
        if i % 2: os.kill(os.getpid(), 9)
        os._exit(0)
    os.waitpid(child, 0)
    more.append(child)
""")
    for i in range(7):
        shell = subprocess.Popen(["sh", "-c", f"echo x > {folder}/shell{i}; exec true >> {folder}/shell{i}"])
        shell.wait()
        told["more"].append(shell.pid)
    bpf.mark()
    for i, pid in enumerate(told["more"]):
        path = f"{folder}/left{i}" if i < 7 else f"{folder}/shell{i - 7}"
        more = [("open", path, ""), ("write", path, "")] if i >= 7 else []
        assert [readable(one) for one in operations(bpf, pid)] == [("create", path, ""), ("write", path, ""), *more]


def test_paths_are_those_of_the_files_however_they_are_spelled(bpf):
    compare(bpf, work(bpf.watched / "spelled", r"""
os.mkdir(W + b"/sub"); say("mkdir", W + b"/sub")
os.mkdir(W + b"/sub/deep"); say("mkdir", W + b"/sub/deep")
os.symlink(W + b"/sub", W + b"/linked"); say("symlink", W + b"/linked")
at = os.open(W + b"/sub", os.O_PATH) # not an open that could read anything
say("open", W + b"/sub")
for i in range(ROUNDS):
    name = b"f%d" % i
    real = W + b"/sub/" + name
    fd = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=at); say("create", real)
    os.close(fd); say("write", real)
    os.rename(name, b"deep/" + name, src_dir_fd=at, dst_dir_fd=at); say("rename", real, W + b"/sub/deep/" + name)
    os.rename(W + b"/linked/deep/../deep/./" + name, W + b"//linked/" + name); say("rename", W + b"/sub/deep/" + name, real)
    os.chdir(W + b"/sub/deep")
    os.chmod(b"../" + name, 0o600); say("chmod", real)
    make(b"../../linked/deep/x", W + b"/sub/deep/x")
    os.unlink(b"../../linked/deep/x"); say("unlink", W + b"/sub/deep/x")
    os.chdir("/")
    link = W + b"/to%d" % i # stays: where it led is looked at later
    os.symlink(b"sub/deep/../" + name, link); say("symlink", link)
    os.chmod(link, 0o644); say("chmod", real) # follows
    os.lchown(link, 0, 0); say("lchown", link) # does not
    os.truncate(link, 0); say("truncate", real)
    os.mkdir(W + b"/slash/"); say("mkdir", W + b"/slash")
    os.rmdir(W + b"/slash//"); say("rmdir", W + b"/slash")
"""))


def test_names_may_hold_anything(bpf):
    compare(bpf, work(bpf.watched / "names", r"""
names = [b"a b", b" ", b"new\nline", b"it's", b'"double"', b"\xff\xfe\x80", b"\\", b"%", b"*", b"%s%n", b"(deleted)", b"x (deleted)",
         b"n" * 255, "\u00e4\u65e5\U0001f600".encode(), b"\x01\x7f", b"{}[]", b"..."]
for name in names:
    folder = W + b"/" + name
    os.mkdir(folder); say("mkdir", folder)
    make(folder + b"/" + name)
    os.rename(folder + b"/" + name, W + b"/moved"); say("rename", folder + b"/" + name, W + b"/moved")
    os.unlink(W + b"/moved"); say("unlink", W + b"/moved")
    os.rmdir(folder); say("rmdir", folder)
deep = W
for i in range(13):
    deep += b"/" + b"d" * 211
    os.mkdir(deep); say("mkdir", deep)
make(deep + b"/f")
"""))


def test_bind_mounts_hide_nothing(bpf):
    if subprocess.run(["unshare", "-m", "--propagation", "private", "true"], capture_output=True).returncode != 0:
        pytest.skip("the root here is no mount point")
    folder = bpf.watched / "mounts"
    with working(folder, r"""
other = os.path.dirname(os.path.dirname(W)) + b"/other-mount"
os.makedirs(other, exist_ok=True)
assert libc.mount(W, other, None, 4096, None) == 0, os.strerror(ctypes.get_errno())
for i in range(ROUNDS):
    make(other + b"/m%d" % i, W + b"/m%d" % i)
    os.rename(other + b"/m%d" % i, other + b"/n%d" % i); say("rename", W + b"/m%d" % i, W + b"/n%d" % i)
    os.unlink(other + b"/n%d" % i); say("unlink", W + b"/n%d" % i)
""", ("unshare", "-m", "--propagation", "private")) as told:
        compare(bpf, told)


def test_files_below_another_root_have_their_paths_in_ours(bpf):
    with working(bpf.watched / "root", r"""
os.chroot(os.path.dirname(W))
os.chdir("/root")
for i in range(ROUNDS):
    name, other = b"c%d" % i, b"d%d" % i
    make(b"/root/" + name, W + b"/" + name)
    os.rename(b"/root/" + name, b"../root/" + other); say("rename", W + b"/" + name, W + b"/" + other)
    os.unlink(other); say("unlink", W + b"/" + other)
""") as told:
        compare(bpf, told)


# ---- bpf: who ----

def test_rows_say_who_did_it(bpf):
    folder = bpf.watched / "who"
    folder.mkdir()
    folder.chmod(0o777)
    told = work(folder, r"""
at = os.open(os.path.dirname(W), os.O_PATH)
at = os.open(b"who", os.O_PATH, dir_fd=at)
child = os.fork()
if child == 0:
    make(W + b"/by the child")
    made(W + b"/start", about("stat").rsplit(")", 1)[1].split()[19].encode())
    os.setresgid(11, 12, 13)
    os.setresuid(7, 8, 0)
    os.mkdir("ids", dir_fd=at) # whose path this user can't walk
    os._exit(0)
os.waitpid(child, 0)
more = child
""")
    bpf.mark()
    child, start = told["more"], (folder / "start").read_text()
    rows = bpf.ask("SELECT *, process_key, ancestry, cmdline, inode, success, errno FROM process_file_events "
                   f"WHERE pid = {child} ORDER BY eid")
    assert [row["operation"] for row in rows] == ["create", "write", "create", "write", "mkdir"]
    for row in rows:
        assert row["ppid"] == str(told["pid"]) and row["executable"] == told["exe"] and row["cwd"] == told["cwd"]
        assert row["cmdline"] == told["cmdline"][:len(row["cmdline"])] and len(row["cmdline"]) >= min(3000, len(told["cmdline"]))
        assert row["process_key"] == f"{child}-{start}" and row["auid"] == str(told["auid"])
        assert (row["success"], row["errno"], row["partial"]) == ("1", "0", "false")
        ancestors = json.loads(row["ancestry"])
        assert [ancestor["pid"] for ancestor in ancestors][:2] == [told["pid"], os.getpid()]
        assert ancestors[0]["key"] == f"{told['pid']}-{told['start']}" and ancestors[0]["path"] == told["exe"]
        assert ancestors[-1]["pid"] == 1 or len(ancestors) >= 2
        assert abs(int(row["time"]) - time.time()) < 120
    first, last = rows[0], rows[-1]
    assert first["inode"] == str((folder / "by the child").stat().st_ino)
    assert [first[name] for name in ("uid", "gid", "euid", "egid", "suid", "sgid", "fsuid", "fsgid")] == ["0"] * 8
    assert [last[name] for name in ("uid", "euid", "suid", "fsuid", "gid", "egid", "sgid", "fsgid")] == \
        ["7", "8", "0", "8", "11", "12", "13", "12"]
    row, = bpf.ask(f"SELECT *, pid, executable, process_uid, sha256 FROM file_events WHERE pid = {child} AND action = 'UPDATED' "
                   "AND target_path LIKE '%child'")
    assert row["category"] == "all" and row["size"] == "1" and row["mode"] == "0644" and row["process_uid"] == "0"


def test_the_working_directory_is_the_one_of_that_moment(bpf):
    told = work(bpf.watched / "moves", r"""
places = [os.getcwdb()]
make(W + b"/before")
os.chdir(W)
make("one")
os.mkdir("below")
os.chdir("below")
places += [W, W + b"/below"]
make(W + b"/two")
fd = os.open("/", os.O_RDONLY)
os.fchdir(fd)
make(W + b"/three")
try:
    os.chdir("no such folder")
except OSError:
    make(W + b"/four")
more = [os.fsdecode(place) for place in places + [b"/"]]
""")
    bpf.mark()
    rows = bpf.ask(f"SELECT path, cwd FROM process_file_events WHERE pid = {told['pid']} AND operation = 'write' ORDER BY eid")
    start, first, below, root = told["more"]
    assert [(row["path"].rsplit("/", 1)[1], row["cwd"]) for row in rows] == [
        ("before", start), ("one", first), ("two", below), ("three", root), ("four", root)]


def test_programs_with_odd_arguments_are_told_whole(bpf):
    folder = bpf.watched / "programs"
    told = work(folder, r"""
more = []
def run(words, path="/bin/true", how=os.execv):
    child = os.fork()
    if child == 0:
        try: how(path, words)
        finally: os._exit(9)
    status = os.waitpid(child, 0)[1]
    assert status == 0, (words, status)
    more.append([child, " ".join(words)])
run(["true", "", "", "a"])
run(["true", "new\nline", "it's", '"', "\u65e5"])
run(["true", "x" * 10000])
run(["true", *map(str, range(997))])
script = os.fsdecode(W) + "/script"
with open(script, "w") as file: file.write("#!/bin/sh\nexit 0\n")
os.chmod(script, 0o755)
run(["ignored", "one"], script)
fd = os.open("/bin/true", os.O_RDONLY)
run(["by descriptor"], fd, lambda path, words: os.execve(path, words, {}))
""")
    bpf.mark()
    for pid, cmdline in told["more"]:
        rows = bpf.ask("SELECT path, cmdline, cmdline_size, overflows, syscall, parent, mode, inode, owner_uid, process_key, cwd "
                       f"FROM process_events WHERE pid = {pid} AND syscall LIKE 'exec%'")
        row, = rows
        if cmdline == "ignored one":
            cmdline = f"/bin/sh {folder}/script one"
            assert row["path"] == os.path.realpath("/bin/sh")
        else:
            assert row["path"] == os.path.realpath("/bin/true")
            assert row["inode"] == str(os.stat("/bin/true").st_ino)
        assert row["parent"] == str(told["pid"]) and row["mode"] == "0100755" and row["owner_uid"] == "0"
        # on x86 the kernel has forgotten by then which of the two it was
        assert row["syscall"] in (["execve", "execveat"] if cmdline == "by descriptor" else ["execve"])
        assert int(row["cmdline_size"]) == len(cmdline.encode()) + 1
        if row["overflows"] == "cmdline":
            assert cmdline.startswith(row["cmdline"]) and len(row["cmdline"]) > 2000
        else:
            assert row["cmdline"] == cmdline.rstrip(" ")
        assert row["process_key"].startswith(f"{pid}-")


def test_forks_and_signals_and_changed_users_are_told(bpf):
    told = work(bpf.watched / "forks", r"""
more = {"forks": [], "su": None}
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
for i in range(ROUNDS):
    child = os.fork()
    if child == 0: os._exit(i)
    os.waitpid(child, 0)
    more["forks"].append(child)
for i in range(5): os.kill(os.getpid(), signal.SIGUSR1)
import shutil, tempfile
place = tempfile.mkdtemp(dir="/tmp")
os.chmod(place, 0o755)
true = place + "/true"
shutil.copy("/bin/true", true)
os.chown(true, 41, 42); os.chmod(true, 0o6755)
child = os.fork()
if child == 0:
    os.setresgid(7, 7, 7); os.setresuid(5, 5, 5)
    os.execv(true, ["changed user"])
more["su"] = [child, os.waitpid(child, 0)[1]]
shutil.rmtree(place)
""")
    bpf.mark()
    rows = bpf.ask(f"SELECT pid, parent, path, syscall FROM process_events WHERE parent = {told['pid']} AND "
                   "(syscall LIKE 'clone%' OR syscall LIKE '%fork') ORDER BY eid")
    pid, status = told["more"]["su"]
    assert [int(row["pid"]) for row in rows] == [*told["more"]["forks"], pid]
    assert {row["path"] for row in rows} == {told["exe"]}
    assert bpf.number(f"SELECT count(*) FROM process_events WHERE pid = {told['pid']} AND syscall = 'kill'") == 5
    if status == 0:
        row, = bpf.ask("SELECT uid, euid, suid, fsuid, gid, egid, sgid, fsgid FROM process_events "
                       f"WHERE pid = {pid} AND syscall = 'execve'")
        assert row == {"uid": "5", "euid": "41", "suid": "41", "fsuid": "41", "gid": "7", "egid": "42", "sgid": "42", "fsgid": "42"}
    assert bpf.number(f"SELECT count(*) FROM bpf_process_events WHERE pid = {told['pid']} AND "
                      "exit_code > 0") == 8


def test_sockets_are_told_with_their_addresses(bpf):
    told = work(bpf.watched / "sockets", r"""
more = {}
def server(family, address, kind=socket.SOCK_STREAM):
    end = socket.socket(family, kind)
    end.bind(address)
    return end
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    try: end = server(family, (host, 0))
    except OSError: continue
    end.listen(5)
    for i in range(ROUNDS):
        client = socket.socket(family, socket.SOCK_STREAM)
        client.connect(end.getsockname())
        taken, peer = end.accept()
        more.setdefault(host, []).append([end.getsockname()[1], client.getsockname()[1]])
        taken.close(); client.close()
    port = end.getsockname()[1]
    end.close()
    client = socket.socket(family, socket.SOCK_STREAM)
    assert client.connect_ex((host, port)) == errno.ECONNREFUSED
    more["refused" + host] = port
end = server(socket.AF_INET, ("127.0.0.1", 0))
end.listen(1)
for i in range(3):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.setblocking(False)
    client.connect_ex(("192.0.2.1", 81)) # no route, or in progress: as errno says
    more.setdefault("nonblocking", []).append(client.connect_ex(end.getsockname()))
    client.close()
end.setblocking(False)
try:
    while True: end.accept()[0].close()
except BlockingIOError: pass
udp = server(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM)
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
other.connect(udp.getsockname())
more["udp"] = udp.getsockname()[1]
path = os.path.dirname(os.path.dirname(W)) + b"/u"
os.chdir(os.path.dirname(path))
end = server(socket.AF_UNIX, b"u")
end.listen(1)
client = socket.socket(socket.AF_UNIX)
client.connect(b"u")
end.accept()
os.unlink(b"u")
""")
    bpf.mark()
    rows = bpf.ask("SELECT action, family, protocol, local_address, remote_address, local_port, remote_port, status, errno, socket, path "
                   f"FROM socket_events WHERE pid = {told['pid']} ORDER BY eid")
    assert {row["path"] for row in rows} == {told["exe"]}
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("::1", "0000:0000:0000:0000:0000:0000:0000:0001")):
        pairs = told["more"].get(host)
        if not pairs:
            continue
        port = str(pairs[0][0])
        mine = [row for row in rows if port in (row["remote_port"], row["local_port"]) and row["family"] == ("2" if host == "127.0.0.1" else "10")]
        connects = [row for row in mine if row["action"] == "connect" and row["status"] == "succeeded"]
        assert [(row["remote_address"], row["local_port"]) for row in connects] == [(shown, str(pair[1])) for pair in pairs]
        accepts = [row for row in mine if row["action"] == "accept4"]
        assert [(row["remote_address"], row["local_address"], row["remote_port"]) for row in accepts] == \
            [(shown, shown, str(pair[1])) for pair in pairs]
        assert [(row["local_address"], row["status"]) for row in mine if row["action"] == "bind"][0] == (shown, "succeeded") or \
            [row for row in rows if row["action"] == "bind" and row["local_address"] == shown]
        refused, = [row for row in mine if row["status"] == "failed" and row["remote_port"] == str(told["more"]["refused" + host])]
        assert refused["errno"] == "111"
    assert [row["action"] for row in rows if row["status"] == "no_client"] == ["accept4"]
    udp = [row for row in rows if row["remote_port"] == str(told["more"]["udp"])]
    assert [(row["action"], row["protocol"], row["remote_address"]) for row in udp] == [("connect", "17", "127.0.0.1")]
    assert [(row["action"], row["socket"]) for row in rows if row["family"] == "1"][:2] == [("bind", "u"), ("connect", "u")]
    listens = bpf.ask(f"SELECT local_port FROM bpf_socket_events WHERE pid = {told['pid']} AND syscall = 'listen' AND family = 2")
    assert str(told["more"]["127.0.0.1"][0][0]) in {row["local_port"] for row in listens}


# ---- rules ----

def rows_of(daemon, sql):
    """The values of each row, in the order of the columns' names."""
    return [tuple(row.values()) for row in daemon.ask(sql)]


def names_of(daemon, folder, action="CREATED"):
    """How often each name below the folder has such a row."""
    prefix = f"{folder}/"
    rows = rows_of(daemon, f"SELECT target_path FROM file_events WHERE action = '{action}' ORDER BY eid")
    return collections.Counter(path[len(prefix):] for path, in rows if path.startswith(prefix))


SOURCES = {
    "bpf": (FILES, ()),
    "fanotify": (("--events_source=audit", "--enable_file_events"), ()),
    "inotify": (("--events_source=audit", "--enable_file_events"),
                ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")),
}


@pytest.fixture(params=SOURCES)
def any_source(request, build, tmp_path):
    """Starts daemons with each source of changes of files."""
    flags, wrap = SOURCES[request.param]
    daemons = []

    def start(config=None, *more):
        daemons.append(Watcher(build, tmp_path, *flags, *more, config=config, wrap=wrap))
        daemons[-1].kind = request.param
        return daemons[-1].begin(request.param)
    yield start
    for daemon in daemons:
        daemon.kill()


def settle(daemon, folder=None):
    """All that was done before in watched folders has its rows."""
    daemon.marks += 1
    path = (folder or daemon.watched) / f"mark{daemon.marks}"

    def look():
        path.touch()
        return daemon.number(f"SELECT count(*) FROM file_events WHERE target_path = '{path}'") > 0
    wait_for(look, f"a row of {path}", 20)


def test_every_source_tells_each_change_once(any_source):
    daemon = any_source()
    folder = daemon.watched
    with working(folder, r"""
for i in range(13):
    made(W + b"/made%d" % i)
    made(W + b"/old%d" % i)
    os.rename(W + b"/old%d" % i, W + b"/new%d" % i)
    os.mkdir(W + b"/folder%d" % i)
    made(W + b"/gone\n\xff%d" % i)
    os.unlink(W + b"/gone\n\xff%d" % i)
    os.chmod(W + b"/made%d" % i, 0o600)
    os.symlink("x", W + b"/link%d" % i)
for i in range(7): os.rmdir(W + b"/folder%d" % i)
""") as told:
        settle(daemon)
    rows = rows_of(daemon, "SELECT action, hex(target_path), pid FROM file_events WHERE target_path NOT LIKE '%/mark%'")
    found = collections.Counter((row[0], bytes.fromhex(row[1])[len(str(folder)) + 1:]) for row in rows)
    expected = collections.Counter()
    for i in range(13):
        for name in (b"made%d", b"old%d", b"gone\n\xff%d"):
            expected.update({("CREATED", name % i): 1, ("UPDATED", name % i): 1})
        expected.update({("MOVED_FROM", b"old%d" % i): 1, ("MOVED_TO", b"new%d" % i): 1, ("CREATED", b"folder%d" % i): 1,
                         ("DELETED", b"gone\n\xff%d" % i): 1, ("ATTRIBUTES_MODIFIED", b"made%d" % i): 1,
                         ("CREATED", b"link%d" % i): 1})
    expected.update({("DELETED", b"folder%d" % i): 1 for i in range(7)})
    if daemon.kind == "inotify":
        for name in list(found):  # that the links of a file became fewer is a change of it, too
            if name[0] == "ATTRIBUTES_MODIFIED" and name not in expected:
                del found[name]
    assert found == expected
    if daemon.kind != "inotify":
        assert {row[2] for row in rows} == {str(told["pid"])}
    daemon.stop()


def test_files_in_folders_made_a_moment_ago_are_not_missed(any_source, tmp_path):
    later = tmp_path / "later" / "and later"
    daemon = any_source({"file_paths": {"all": [f"{tmp_path}/watched/%%", f"{later}/%%"]}})
    expected = {}
    for i in range(17):
        for base in (daemon.watched, later):
            folder = base / f"a{i}/b/c"
            folder.mkdir(parents=True)
            (folder / "file").write_text("x")
            expected.update({(str(base), f"a{i}/b/c/file"): 1})
    settle(daemon)
    for base in (daemon.watched, later):
        found = names_of(daemon, base)
        assert {name: n for name, n in found.items() if name.endswith("file")} == \
            {name: 1 for at, name in expected if at == str(base)}
        assert {name: n for name, n in found.items() if name.count("/") < 3 and "mark" not in name and name != ""} == \
            {f"a{i}{below}": 1 for i in range(17) for below in ("", "/b", "/b/c")}
    daemon.stop()


def test_folders_may_move_in_and_out_and_come_again(any_source, tmp_path):
    outside = tmp_path / "outside"
    (outside / "in/deep").mkdir(parents=True)
    (outside / "in/deep/before").touch()
    steady = tmp_path / "steady"  # of which is told whatever becomes of the other
    steady.mkdir()
    daemon = any_source({"file_paths": {"all": [f"{tmp_path}/watched/%%", f"{steady}/%%"]}})
    watched = daemon.watched
    (outside / "in").rename(watched / "in")
    settle(daemon)
    (watched / "in/deep/after").touch()
    settle(daemon)  # fanotify asks only then what the folder is called
    (watched / "in").rename(watched / "other")
    (watched / "other/deep/third").touch()
    settle(daemon)
    (watched / "other").rename(outside / "out")
    settle(daemon)
    (outside / "out/deep/unseen").touch()
    settle(daemon)
    found = names_of(daemon, watched)
    assert found["in/deep/after"] == 1 and found["other/deep/third"] == 1
    # the watched folder itself goes and comes
    for name in ("again", "once more"):
        watched.rename(tmp_path / f"away{name}")
        (steady / name).touch()
        settle(daemon, steady)
        settle(daemon, steady)
        (tmp_path / f"away{name}/unseen").touch()
        settle(daemon, steady)
        watched.mkdir()
        settle(daemon)
        (watched / name).touch()
        settle(daemon)
        assert names_of(daemon, watched)[name] == 1 and names_of(daemon, steady)[name] == 1
    for i in range(3):
        shutil.rmtree(watched)
        (steady / f"gone{i}").touch()
        watched.mkdir()
        settle(daemon)
        (watched / f"made{i}").touch()
        settle(daemon)
        assert names_of(daemon, watched)[f"made{i}"] == 1
    assert {name: n for name, n in names_of(daemon, steady).items() if "gone" in name} == {f"gone{i}": 1 for i in range(3)}
    assert not any("unseen" in name for name in names_of(daemon, watched))
    daemon.stop()


def test_what_is_gone_when_it_is_read_had_its_name(any_source):
    daemon = any_source()
    if daemon.kind == "inotify":
        pytest.skip("inotify has to find a folder to watch it")
    os.kill(daemon.collector(), signal.SIGSTOP)
    for i in range(13):
        folder = daemon.watched / f"a{i}/b"
        folder.mkdir(parents=True)
        (folder / "file").touch()
        folder.rename(daemon.watched / f"a{i}/c")
        (daemon.watched / f"a{i}/c/file2").touch()
        shutil.rmtree(daemon.watched / f"a{i}")
    os.kill(daemon.collector(), signal.SIGCONT)
    settle(daemon)
    expected = {f"a{i}{below}": 1 for i in range(13) for below in ("", "/b", "/b/file", "/c/file2")}
    assert {name: n for name, n in names_of(daemon, daemon.watched).items() if "mark" not in name} == expected
    # fanotify makes one event of what was made and removed, which knows one name
    file = "/b/file" if daemon.kind == "fanotify" else "/c/file"
    gone = {f"a{i}{below}": 1 for i in range(13) for below in ("", "/c", file, "/c/file2")}
    assert {name: n for name, n in names_of(daemon, daemon.watched, "DELETED").items() if "mark" not in name} == gone
    daemon.stop()


def test_patterns_mean_what_they_say(any_source, tmp_path):
    for name in ("one/sub/deep", "all/sub/deep", "part/sub/deep", "no/sub"):
        (tmp_path / name).mkdir(parents=True)
    daemon = any_source({
        "file_paths": {"one": [f"{tmp_path}/one/%"], "all": [f"{tmp_path}/all/%%", f"{tmp_path}/all/sub/%%"],
                       "part": [f"{tmp_path}/part/%/d%/%.conf"], "file": [f"{tmp_path}/no/sub/missing"],
                       "watched": [f"{tmp_path}/watched/%%"]},
        "exclude_paths": {"all": [f"{tmp_path}/all/%.swp", f"{tmp_path}/all/sub/quiet%%"]}})
    for name in ("one/a", "one/sub/a", "one/sub/deep/a", "all/a", "all/sub/a", "all/sub/deep/a", "all/x.swp", "all/sub/x.swp",
                 "part/a.conf", "part/sub/deep/a.conf", "part/sub/deep/a.txt", "part/sub/a.conf", "no/sub/other",
                 "no/sub/missing", "no/missing"):
        (tmp_path / name).touch()
    # as careful editors replace a file
    for i in range(5):
        (tmp_path / f"no/sub/.new{i}").write_text(str(i))
        (tmp_path / f"no/sub/.new{i}").rename(tmp_path / "no/sub/missing")
    settle(daemon)
    rows = rows_of(daemon, "SELECT category, target_path FROM file_events WHERE action = 'CREATED' AND category <> 'watched'")
    prefix = len(str(tmp_path)) + 1
    assert collections.Counter((category, path[prefix:]) for category, path in rows) == collections.Counter([
        ("one", "one/a"), ("all", "all/a"), ("all", "all/sub/a"), ("all", "all/sub/deep/a"), ("all", "all/sub/x.swp"),
        ("part", "part/sub/deep/a.conf"), ("file", "no/sub/missing")])
    moved = rows_of(daemon, "SELECT action FROM file_events WHERE category = 'file' AND action LIKE 'MOVED%'")
    assert moved == [("MOVED_TO",)] * 5
    daemon.stop()


# ---- the configuration changes ----

def test_nothing_is_missed_while_the_configuration_is_loaded_again(watcher, tmp_path):
    config = {"file_paths": {"all": [f"{tmp_path}/watched/%%"]}}
    other = tmp_path / "other"
    other.mkdir()
    daemon = watcher("--disable_audit=false", "--audit_allow_fim_events", config=config)
    collector = daemon.collector()
    load = subprocess.Popen([sys.executable, "-I", "-S", "-c", """
import os, sys, time
began = time.monotonic()
for i in range(6007):
    os.close(os.open(f"{sys.argv[1]}/f{i}", os.O_WRONLY | os.O_CREAT, 0o644))
    while i % 20 == 0 and time.monotonic() - began < i / 2000: time.sleep(0.001)
""", str(daemon.watched)])
    reloads = 0
    while load.poll() is None:
        reloads += 1
        more = {"other": [f"{other}/%%"]} if reloads % 2 else {}
        daemon.configure({"file_paths": {**config["file_paths"], **more}})
        os.kill(collector, signal.SIGHUP)
        time.sleep(0.05)  # the rate of the reloads
    assert load.wait() == 0 and reloads > 5
    daemon.mark()
    rows = rows_of(daemon, f"SELECT operation, path FROM process_file_events WHERE pid = {load.pid}")
    found = collections.Counter(rows)
    assert found == collections.Counter({(operation, f"{daemon.watched}/f{i}"): 1 for i in range(6007)
                                         for operation in ("create", "write")})
    assert daemon.losses() == []
    daemon.stop()


def test_mutes_hold_until_they_are_taken_back(watcher, tmp_path):
    paths = {"file_paths": {"all": [f"{tmp_path}/watched/%%"]}}
    touch = tmp_path / "quiet-touch"
    shutil.copy(shutil.which("touch"), touch)
    daemon = watcher("--disable_audit=false", "--audit_allow_fim_events", config=paths)

    def changes(name, muted):
        """Reloads until it is so; what is muted then is told by the count of a file that is not."""
        def look():
            daemon.marks += 1
            both = [daemon.watched / f"{name}{daemon.marks}", daemon.watched / f"quiet-{name}{daemon.marks}"]
            subprocess.run([touch, both[0]], check=True)
            both[1].touch()
            daemon.mark()
            told = [daemon.number(f"SELECT count(*) FROM process_file_events WHERE path = '{path}'") for path in both]
            return told == [0, 0] if muted else min(told) > 0
        wait_for(look, f"mutes to be {muted}", 20)
    changes("a", False)
    daemon.configure({**paths, "events": {"mute_processes": [str(touch)], "mute_paths": [f"{daemon.watched}/quiet-%"]}})
    os.kill(daemon.collector(), signal.SIGHUP)
    changes("b", True)
    daemon.configure(paths)
    os.kill(daemon.collector(), signal.SIGHUP)
    changes("c", False)
    daemon.stop()


# ---- stops ----

@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """A program that does a known number of things at a known rate."""
    compiler, program = shutil.which("cc"), tmp_path_factory.mktemp("load") / "load"
    if not compiler:
        pytest.skip("there is no compiler for the load")
    source = pathlib.Path(__file__).parent / "bench/load.c"
    subprocess.run([compiler, "-std=gnu11", "-O2", "-o", program, source], check=True)
    return program


def load_opens(load, daemon, files, per_second, seconds):
    """Opens each of many files in turn; gives the process."""
    return subprocess.Popen([load, "opens", str(daemon.watched), str(files), str(per_second), str(seconds)],
                            stdout=subprocess.PIPE)


def count_opens(daemon, pid):
    return daemon.number(f"SELECT count(*) FROM process_file_events WHERE operation = 'open' AND pid = {pid}")


def test_a_collector_that_is_killed_again_and_again_loses_nothing(watcher, load):
    daemon = watcher(*OPENS, "--events_ring_mb=32", "--watchdog_level=-1")
    loading = load_opens(load, daemon, 997, 20000, 4)
    kills = 0
    while loading.poll() is None:
        before = count_opens(daemon, loading.pid)
        wait_for(lambda: count_opens(daemon, loading.pid) > before or loading.poll() is not None, "progress")
        if loading.poll() is None:
            os.kill(daemon.collector(), signal.SIGKILL)
            kills += 1
    done = json.loads(loading.stdout.read())["n"]
    daemon.mark()
    rows = daemon.ask("SELECT path, count(*) AS n FROM process_file_events WHERE operation = 'open' AND "
                      f"pid = {loading.pid} GROUP BY 1")
    assert daemon.losses() == []
    assert sum(int(row["n"]) for row in rows) == done
    assert {row["path"]: int(row["n"]) for row in rows} == {
        f"{daemon.watched}/file{i:05}": done // 997 + (i < done % 997) for i in range(997)}
    assert daemon.number("SELECT count(*) - count(DISTINCT eid) FROM process_file_events") == 0 and kills >= 2
    daemon.stop()


def pins():
    return set(BPF_FOLDER.glob("hostql/*"))


def test_what_happens_while_the_daemon_is_stopped_is_kept_on_request(watcher, load):
    before = pins()
    daemon = watcher(*OPENS, "--keep_pins")
    daemon.stop()
    kept = pins() - before  # ours, perhaps with those of daemons of other tests
    assert kept
    loading = load_opens(load, daemon, 101, 10007, 1)
    done = json.loads(loading.communicate()[0])["n"]
    daemon.start()
    daemon.wait_number(f"SELECT count(*) FROM process_file_events WHERE operation = 'open' AND pid = {loading.pid}", done)
    assert count_opens(daemon, loading.pid) == done and daemon.losses() == []
    daemon.stop()
    daemon.flags.remove("--keep_pins")
    daemon.start()
    daemon.mark()
    daemon.stop()
    wait_for(lambda: not kept & pins(), "the end of the pins")


# ---- the shell ----

def test_the_shell_shows_what_a_running_daemon_stores(bpf):
    told = work(bpf.watched / "shell", "made(W + b'/a')")
    bpf.mark()
    assert [row[0] for row in rows_of(bpf, f"SELECT operation FROM process_file_events WHERE pid = {told['pid']}")] == \
        ["create", "write"]


def test_the_shell_records_by_itself(build):
    with subprocess.Popen([f"{build}/osqueryi", "--json", "--disable_events=false", "--disable_audit=false"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as shell:
        def ask(sql):
            shell.stdin.write(f"{sql};\n")
            shell.stdin.flush()
            text = ""
            while not text.rstrip().endswith("]"):
                line = shell.stdout.readline()
                assert line, "the shell has ended"
                text += line
            return json.loads(text)
        active = wait_for(lambda: ask("SELECT active, choice FROM osquery_events WHERE name = 'bpf' AND choice <> ''"), "bpf")
        if active[0]["active"] == "1":
            child = subprocess.Popen(["/bin/true", "between two queries"])
            child.wait()
            rows = wait_for(lambda: ask(f"SELECT cmdline FROM process_events WHERE pid = {child.pid}"), "its row")
            assert rows == [{"cmdline": "/bin/true between two queries"}]
        shell.stdin.close()


# ---- overload ----

def test_what_the_ring_has_no_room_for_is_counted(watcher, load):
    daemon = watcher(*OPENS, "--events_ring_mb=1", "--watchdog_level=-1")
    daemon.mark()
    collector = daemon.collector()
    os.kill(collector, signal.SIGSTOP)
    loading = load_opens(load, daemon, 101, 50000, 1)
    spawns = subprocess.Popen([load, "spawns", "211", "1"], stdout=subprocess.DEVNULL)
    done = json.loads(loading.communicate()[0])["n"]
    spawns.wait()
    os.kill(collector, signal.SIGCONT)
    daemon.mark()
    stored = count_opens(daemon, loading.pid)

    def dropped():
        return daemon.number("SELECT dropped_kernel FROM osquery_events WHERE name = 'bpf'")
    wait_for(lambda: stored + dropped() >= done, "the count of what was dropped", 20)
    creates = daemon.number(f"SELECT count(*) FROM process_file_events WHERE operation IN ('create', 'write') AND pid = {loading.pid}")
    assert 0 < stored < done and stored + dropped() + creates == done + 2 * 101
    assert daemon.number("SELECT count(DISTINCT cmdline) FROM process_events WHERE cmdline GLOB 'true spawn*'") == 211
    daemon.stop()
