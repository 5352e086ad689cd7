# SPDX-License-Identifier: Apache-2.0
"""osqueryd as a whole: its life, its pidfile, its service manager, osqueryctl."""
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

import pytest

from daemon import PATIENCE, Daemon, children, wait_for

ROOT = pathlib.Path(__file__).resolve().parent.parent


def title(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()
    except OSError:
        return ""


def is_alive(pid):
    """Neither gone nor a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(") ", 1)[1][0] not in "ZX"


class Agent(Daemon):
    """A daemon that may also refuse to start, or go to the background."""

    def __init__(self, build, folder, *flags, program="osqueryd"):
        folder.mkdir()
        (folder / "log").mkdir()
        super().__init__(build, folder, {}, "--verbose", *flags)
        self.program, self.pidfile = program, folder / "pidfile"

    def command(self):
        return [f"{self.build}/{self.program}", *super().command()[1:]]

    def start(self, **options):
        with open(self.folder / "stderr", "ab") as stderr:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                            stdout=stderr, stderr=stderr, **options)
        return self

    def run(self, *words):
        """For one that ends, or goes to the background, at once: its exit code."""
        with open(self.folder / "stderr", "ab") as stderr:
            return subprocess.run([*self.command(), *words], stdin=subprocess.DEVNULL,
                                  stdout=stderr, stderr=stderr, timeout=PATIENCE).returncode

    @property
    def said(self):
        return self.errors() if (self.folder / "stderr").exists() else ""

    @property
    def pid(self):
        return self.process.pid if self.process else int(self.pidfile.read_text())

    def wait_ready(self):
        wait_for(lambda: "osqueryd is ready" in self.said or self.process.poll() is not None, "ready")
        assert self.process.poll() is None, self.said
        return self

    @property
    def runner(self):
        return next((pid for pid in children(self.pid) if title(pid) == "osqueryd: runner"), None)

    def end(self):
        return self.stop()

    def kill(self):
        super().kill()
        if self.process is None and self.pidfile.exists() and \
                re.fullmatch(r"\d+\n", self.pidfile.read_text()):
            if title(self.pid) == "osqueryd: supervisor":
                os.kill(self.pid, signal.SIGKILL)


@pytest.fixture
def daemon(build, tmp_path):
    """Makes daemons, and ends those that are left."""
    made = []

    def make(*flags, name="one", **options):
        made.append(Agent(build, tmp_path / name, *flags, **options))
        return made[-1]

    yield make
    for one in made:
        one.kill()


# ---- life ----

def test_it_starts_and_stops(daemon):
    one = daemon().start().wait_ready()
    runner = one.runner
    assert title(one.pid) == "osqueryd: supervisor" and is_alive(runner)
    assert one.pidfile.read_text() == f"{one.pid}\n"
    assert one.end() == 0
    assert not is_alive(runner) and not one.pidfile.exists()


def test_ctrl_c_stops_it_as_well(daemon):
    one = daemon().start(start_new_session=True).wait_ready()
    os.killpg(one.pid, signal.SIGINT)
    assert one.process.wait(PATIENCE) == 0


def test_words_are_refused_by_name(daemon):
    one = daemon()
    assert one.run("SELECT 1") == 1
    assert '"SELECT 1"' in one.said


def test_unknown_flags_are_refused(daemon):
    one = daemon()
    assert one.run("--pidfil=x") == 1
    assert "the nearest is --pidfile" in one.said


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_it_says_what_it_is(build, flag):
    done = subprocess.run([f"{build}/osqueryd", flag], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr
    assert re.match(r"osqueryd (version )?5\.", done.stdout)
    assert "Shell only" not in done.stdout


def test_the_flag_D_makes_any_name_a_daemon(daemon):
    one = daemon("-D", program="osqueryi").start().wait_ready()
    assert one.end() == 0


def test_secrets_of_the_command_line_are_not_to_be_seen(daemon):
    one = daemon("--aws_secret_access_key=sesame").start().wait_ready()
    for pid in (one.pid, one.runner):
        assert b"sesame" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    assert one.end() == 0


@pytest.mark.parametrize("given, then", [((256, 4096), (1024, 4096)), ((2048, 4096), (2048, 4096))])
def test_few_files_are_raised_to_1024(daemon, given, then):
    one = daemon().start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, given))
    one.wait_ready()
    for pid in (one.pid, one.runner):
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == then
    assert one.end() == 0


def test_files_are_raised_as_far_as_the_hard_limit_lets(daemon):
    one = daemon().start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300)))
    one.wait_ready()
    assert resource.prlimit(one.runner, resource.RLIMIT_NOFILE) in [(300, 300), (1024, 1024)]
    assert one.end() == 0


def test_with_limits_it_has_low_priority_and_its_group_has_not(daemon):
    one = daemon().start().wait_ready()
    two = daemon("--disable_watchdog", name="two").start().wait_ready()
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, one.runner) == max(10, ours)
    assert os.getpriority(os.PRIO_PROCESS, two.runner) == ours


def test_hangups_do_no_harm(daemon):
    one = daemon().start().wait_ready()
    runner = one.runner
    for _ in range(3):
        one.process.send_signal(signal.SIGHUP)
    assert one.end() == 0 and f"({runner}) was ended by signal 1 (" not in one.said


def test_it_can_be_stopped_by_who_started_it_without_signals(daemon):
    def refuse_signals():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1})

    one = daemon().start(preexec_fn=refuse_signals).wait_ready()
    runner = one.runner
    assert one.end() == 0
    assert f"({runner}) does not stop" not in one.said


def test_nothing_is_written_over_when_it_has_no_stderr(daemon):
    one = daemon()
    one.process = subprocess.Popen(["/bin/sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "-", *one.command()])
    wait_for(lambda: one.pidfile.exists() and one.runner, "the runner")
    for pid in (one.pid, one.runner):
        assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}
    assert one.pidfile.read_text() == f"{one.pid}\n"
    assert one.end() == 0


# ---- roles ----

@pytest.mark.parametrize("watchdog", ["--disable_watchdog=false", "--disable_watchdog",
                                      "--watchdog_level=-1"])
def test_a_runner_that_is_killed_is_started_again(daemon, watchdog):
    one = daemon(watchdog).start().wait_ready()
    for _ in range(3):
        before = one.runner
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: one.runner not in (None, before), "another runner")
    assert one.process.poll() is None
    assert one.said.count("was ended by signal 9 (Killed)") == 3
    assert one.end() == 0


def test_a_supervisor_that_is_killed_takes_its_roles_along_and_leaves_no_lock(daemon):
    one = daemon().start().wait_ready()
    runner = one.runner
    one.process.kill()
    one.process.wait()
    wait_for(lambda: not is_alive(runner), "the runner to die")
    assert one.pidfile.exists()  # stale
    (one.folder / "stderr").unlink()
    one.start().wait_ready()
    assert one.pidfile.read_text() == f"{one.pid}\n"
    assert one.end() == 0


# ---- one at a time ----

def test_a_second_daemon_with_the_pidfile_is_refused(daemon):
    one = daemon().start().wait_ready()
    two = daemon(f"--pidfile={one.pidfile}", name="two")
    assert two.run() == 1
    assert two.said == f"osqueryd ({one.pid}) is already running\n"
    assert one.process.poll() is None and one.pidfile.read_text() == f"{one.pid}\n"


def test_a_second_daemon_with_the_store_is_refused(daemon):
    one = daemon().start().wait_ready()
    two = daemon(f"--database_path={one.folder}/db", name="two")
    assert two.run() == 1
    assert two.said.count("\n") == 1 and "another daemon" in two.said
    assert not two.pidfile.exists()


def test_two_daemons_with_nothing_in_common_live_together(daemon):
    one, two = daemon().start(), daemon(name="two").start()
    one.wait_ready(), two.wait_ready()
    assert one.end() == 0 and two.end() == 0


def test_force_replaces_the_daemon_that_runs(daemon):
    one = daemon().start().wait_ready()
    two = daemon(f"--pidfile={one.pidfile}", f"--database_path={one.folder}/db", "--force",
                 name="two").start().wait_ready()
    assert one.process.wait(PATIENCE) == 0
    assert one.pidfile.read_text() == f"{two.pid}\n"
    assert two.end() == 0


@pytest.mark.parametrize("text", ["", "garbage", "1", "0", "-1", "99999999999999999999999", "1\n1\n",
                                  "\0\0\0"])
def test_a_pidfile_that_nobody_holds_harms_nobody(daemon, text):
    one = daemon("--force")
    one.pidfile.write_text(text)
    one.start().wait_ready()
    assert one.pidfile.read_text() == f"{one.pid}\n"
    assert one.end() == 0


def test_somebody_who_is_named_in_a_pidfile_that_others_hold_is_not_ended(daemon):
    import fcntl
    innocent = subprocess.Popen(["sleep", "600"])
    try:
        one = daemon("--force")
        with open(one.pidfile, "w") as held:
            held.write(f"{innocent.pid}\n")
            held.flush()
            fcntl.flock(held, fcntl.LOCK_EX)
            assert one.run() == 1
            assert innocent.poll() is None and "can't be told" in one.said
            held.seek(0)
            held.write(f"{os.getpid()}\n")
            held.truncate()
            held.flush()
            assert one.run() == 1
            assert "is no osqueryd" in one.said
    finally:
        innocent.kill()
        innocent.wait()


def test_a_pidfile_that_cannot_be_written_is_an_error(daemon, tmp_path):
    one = daemon(f"--pidfile={tmp_path}/missing/pid")
    assert one.run() == 1
    assert f"{tmp_path}/missing/pid: No such file or directory" in one.said


def test_a_link_in_place_of_the_pidfile_is_not_followed(daemon, tmp_path):
    one = daemon()
    (tmp_path / "precious").write_text("precious")
    one.pidfile.symlink_to(tmp_path / "precious")
    assert one.run() == 1
    assert (tmp_path / "precious").read_text() == "precious"


def test_ephemeral_leaves_nothing(daemon):
    one = daemon()
    one.command = lambda: [f"{one.build}/osqueryd", f"--config_path={one.config_path}", "--verbose",
                           f"--pidfile={one.pidfile}", f"--logger_path={one.logs}", "--ephemeral"]
    one.start().wait_ready()
    assert not one.pidfile.exists() and not (one.folder / "db").exists()
    assert one.end() == 0


# ---- in the background ----

def test_who_starts_it_in_the_background_waits_until_it_is_ready(daemon):
    one = daemon("--daemonize")
    assert one.run() == 0
    assert title(one.pid) == "osqueryd: supervisor" and one.runner
    assert os.getsid(one.pid) == one.pid
    for pid in (one.pid, one.runner):
        assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}
    pid = one.pid
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not is_alive(pid), "the daemon to stop")
    assert not one.pidfile.exists()


def test_in_the_background_it_fails_with_the_same_code_and_words(daemon):
    one = daemon().start().wait_ready()
    two = daemon("--daemonize", f"--pidfile={one.pidfile}", name="two")
    assert two.run() == 1
    assert two.said == f"osqueryd ({one.pid}) is already running\n"


# ---- the service manager ----

class Manager:
    """Listens as systemd does."""

    def __init__(self, folder, abstract):
        self.name = f"@hostql-{os.getpid()}-{time.monotonic_ns()}" if abstract else f"{folder}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind(self.name.replace("@", "\0"))
        self.socket.settimeout(PATIENCE)
        self.heard = []

    def next(self, wanted):
        while True:
            message = self.socket.recv(4096).decode().split("\n")
            self.heard += message
            if any(line.startswith(wanted) for line in message):
                return message


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_is_told(daemon, tmp_path, abstract):
    manager = Manager(tmp_path, abstract)
    one = daemon().start(env={**os.environ, "NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "200000"})
    manager.next("READY=1")
    assert "STOPPING=1" not in manager.heard
    manager.next("WATCHDOG=1")
    manager.next("WATCHDOG=1")
    one.process.send_signal(signal.SIGHUP)
    reloading = manager.next("RELOADING=1")
    assert re.fullmatch(r"MONOTONIC_USEC=\d+", reloading[1])
    manager.next("READY=1")
    os.kill(one.runner, signal.SIGKILL)
    assert "signal 9" in manager.next("STATUS=runner")[0]
    one.process.send_signal(signal.SIGTERM)
    manager.next("STOPPING=1")
    assert one.process.wait(PATIENCE) == 0


def test_roles_do_not_inherit_the_service_manager(daemon, tmp_path):
    manager = Manager(tmp_path, False)
    one = daemon().start(env={**os.environ, "NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "200000"})
    manager.next("READY=1")
    assert not any("socket" in os.readlink(entry) for entry in
                   pathlib.Path(f"/proc/{one.runner}/fd").iterdir())
    assert one.end() == 0


def test_pings_for_another_process_are_not_sent(daemon, tmp_path):
    manager = Manager(tmp_path, False)
    one = daemon().start(env={**os.environ, "NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "2000",
                              "WATCHDOG_PID": "1"})
    manager.next("READY=1")
    assert one.end() == 0
    manager.next("STOPPING=1")
    assert "WATCHDOG=1" not in manager.heard


@pytest.mark.parametrize("name", ["relative", "@", "/", "/nonexistent/socket", "/" + "x" * 200])
def test_a_service_manager_that_is_not_there_does_no_harm(daemon, name):
    one = daemon().start(env={**os.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "garbage"})
    one.wait_ready()
    assert one.end() == 0


def test_the_unit_is_valid(build, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    unit = (ROOT / "package/systemd/osqueryd.service").read_text()
    program = re.search(r"^ExecStart=(\S+)", unit, re.M)[1]
    (tmp_path / "osqueryd.service").write_text(unit.replace(program, f"{build}/osqueryd"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "osqueryd.service"],
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# ---- osqueryctl ----

@pytest.fixture
def control(build, daemon, tmp_path):
    one = daemon()
    file = tmp_path / "flags"
    file.write_text("\n".join(one.command()[1:]) + "\n")

    def run(*words):
        done = subprocess.run([f"{build}/osqueryctl", f"--flagfile={file}", *words],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=PATIENCE)
        return done.returncode, done.stdout + done.stderr

    run.daemon = one
    return run


def test_osqueryctl_starts_and_stops_it(control):
    assert control("status") == (3, "osqueryd is not running\n")
    assert control("stop") == (0, "osqueryd is not running\n")
    assert control("start") == (0, "osqueryd is started\n")
    first = control.daemon.pid
    assert control("status") == (0, f"osqueryd ({first}) is running\n")
    assert control("start") == (0, f"osqueryd ({first}) is already running\n")
    assert control("restart")[0] == 0
    second = control.daemon.pid
    assert second != first and not is_alive(first)
    assert control("stop") == (0, f"osqueryd ({second}) is stopped\n")
    assert control("status")[0] == 3 and not is_alive(second)


def test_osqueryctl_sees_through_a_stale_pidfile(control):
    control.daemon.pidfile.write_text(f"{os.getpid()}\n")
    assert control("status") == (3, "osqueryd is not running\n")
    assert control("stop") == (0, "osqueryd is not running\n")


@pytest.mark.parametrize("words", [[], ["halt"], ["start", "now"], ["config-check", "a", "b"]])
def test_osqueryctl_says_how_it_is_used(control, words):
    code, said = control(*words)
    assert code == 1 and said.startswith("Usage: osqueryctl")


def test_osqueryctl_checks_the_configuration_and_starts_nothing(control, tmp_path):
    assert control("config-check") == (0, "")
    (tmp_path / "bad.conf").write_text('{"schedule": ')
    code, said = control("config-check", f"{tmp_path}/bad.conf")
    assert code == 1 and "bad.conf" in said
    assert control("status")[0] == 3


def test_checking_the_configuration_does_not_disturb_a_daemon(daemon):
    one = daemon().start().wait_ready()
    for flag in ("--config_check", "--config_dump"):
        done = subprocess.run([*one.command(), flag], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('{"')
    assert one.pidfile.read_text() == f"{one.pid}\n" and one.end() == 0


# ---- cost ----

def test_it_sleeps_until_something_happens(daemon):
    """What the supervisor waits for, as the kernel shows it: the fourth argument of epoll_wait."""
    one = daemon("--disable_watchdog").start().wait_ready()
    two = daemon("--watchdog_level=0", name="two").start().wait_ready()

    def timeout(pid):
        words = pathlib.Path(f"/proc/{pid}/syscall").read_text().split()
        return int(words[4], 16) & 0xffffffff if len(words) > 4 else None

    wait_for(lambda: timeout(one.pid) == 0xffffffff, "sleep without end")
    wait_for(lambda: 0 < (timeout(two.pid) or 0) <= 3000, "sleep until the next look")
    assert one.end() == 0 and two.end() == 0
