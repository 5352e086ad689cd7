# SPDX-License-Identifier: Apache-2.0
"""Units of systemd come over D-Bus; without a bus the other rows stay."""
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
UNITS = "SELECT name, path, source, status, username FROM startup_items WHERE type = 'systemd unit'"


@pytest.fixture
def systemd(tmp_path):
    """Starts a bus with a stand-in for systemd on it; gives the environment that leads there."""
    started = []

    def start(*arguments):
        if not shutil.which("dbus-daemon"):
            pytest.skip("no dbus-daemon")
        if subprocess.run([PYTHON, "-c", "import dbus, gi"], capture_output=True).returncode != 0:
            pytest.skip("no Python bindings of D-Bus")
        daemon = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address=1",
                                   f"--address=unix:path={tmp_path}/bus"], stdout=subprocess.PIPE, text=True)
        started.append(daemon)
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": daemon.stdout.readline().strip()}
        fake = subprocess.Popen([PYTHON, HERE / "fake_systemd.py", *arguments], stdout=subprocess.PIPE,
                                text=True, env=environment)
        started.append(fake)
        assert fake.stdout.readline() == "ready\n"
        return environment

    yield start
    for process in reversed(started):
        process.terminate()
        process.wait()


def test_units_come_over_the_bus(ask, systemd):
    assert ask(UNITS, env=systemd()) == [
        {"name": "ssh.service", "path": "/lib/systemd/system/ssh.service", "source": "", "status": "active",
         "username": ""},
        {"name": "db.service", "path": "/run/db.service", "source": "/etc/init.d/db", "status": "failed",
         "username": "postgres"},
        {"name": "dev-sda1.device", "path": "", "source": "", "status": "active", "username": ""},
        {"name": "odd.mount", "path": "x" * 5000, "source": "", "status": "inactive", "username": ""},
    ]


def test_an_answer_can_be_recorded_and_replayed(ask, systemd, tmp_path):
    live = ask(UNITS, f"--host_record={tmp_path}", env=systemd())
    assert live and ask(UNITS, f"--host_root={tmp_path}") == live


def test_a_refusal_leaves_the_other_rows(ask, systemd):
    done = ask("SELECT count(*) AS n FROM startup_items", env=systemd("refuse"), check=False)
    assert done.returncode == 0 and b"not today" in done.stderr


def test_without_a_bus_the_other_rows_stay(ask, tmp_path):
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/none"}
    done = ask("SELECT count(*) AS n FROM startup_items WHERE type = 'systemd unit'", env=environment,
               check=False)
    assert done.returncode == 0 and b'"n":"0"' in done.stdout
    assert b"startup_items: without units: systemd: No such file or directory" in done.stderr
