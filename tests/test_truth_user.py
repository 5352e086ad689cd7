# SPDX-License-Identifier: Apache-2.0
"""What users leave behind is what the host's own tools say of it."""
import os
import pathlib
import shutil
import struct
import subprocess

import pytest


def output(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def need(tool):
    if not shutil.which(tool):
        pytest.skip(f"no {tool}")


def make_root(folder, home="home/alice"):
    """A root with one user, alice, uid 1000."""
    (folder / "etc").mkdir(parents=True)
    (folder / home).mkdir(parents=True)
    (folder / "etc" / "passwd").write_text(f"alice:x:1000:1000::/{home}:/bin/sh\n")
    return folder / home


def test_shadow_is_that_of_getent(ask, root_only):
    need("getent")
    names = ("username", "password", "last_change", "min", "max", "warning", "inactive", "expire", "flag")
    expected = []
    for line in output("getent", "-s", "files", "shadow").splitlines():
        row = dict(zip(names, line.split(":")))
        password = row.pop("password")
        row = {name: value or ("-1" if name != "flag" else "") for name, value in row.items()}
        row["locked"] = str(int(password[:1] in "!*x" and password not in ("", "!!")))
        expected.append(row)
    columns = ", ".join(name for name in names if name != "password")
    assert ask(f"SELECT {columns}, password_status = 'locked' AS locked FROM shadow") == expected


# struct utmp of x86-64
RECORD = struct.Struct("=hxxi32s4s32s256shhiii4i20x")
BOOT, LOGIN, USER, DEAD = 2, 6, 7, 8


def record(kind, pid, line, user, host, time):
    return RECORD.pack(kind, pid, line.encode(), line[-4:].encode(), user.encode(), host.encode(),
                       0, 0, 0, time, 0, 0, 0, 0, 0)


def make_records(path):
    if os.uname().machine != "x86_64":
        pytest.skip("the records are those of x86-64")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join([
        record(BOOT, 0, "~", "reboot", "6.1.0", 1700000000),
        record(LOGIN, 700, "tty1", "LOGIN", "", 1700000001),
        record(USER, os.getpid(), "pts/0", "alice", "10.0.0.5", 1700000100),
        record(USER, os.getpid(), "pts/1", "a" * 32, "host.example.org", 1700000200),
        record(DEAD, 1234, "pts/2", "", "", 1700000300)]))


def test_last_is_that_of_last(ask, tmp_path):
    need("last")
    make_records(tmp_path / "var/log/wtmp")
    lines = output("last", "-w", "--time-format", "iso", "-f", str(tmp_path / "var/log/wtmp"),
                   env={"TZ": "UTC", "LC_ALL": "C", "PATH": os.environ["PATH"]}).splitlines()
    expected = [line.split()[:4] for line in lines if line.startswith("a")]
    rows = ask("SELECT username, tty, host, strftime('%Y-%m-%dT%H:%M:%S+00:00', time, 'unixepoch') AS time "
               "FROM last WHERE type = 7 ORDER BY time DESC", f"--host_root={tmp_path}")
    assert len(expected) == 2
    assert [[row["username"], row["tty"], row["host"], row["time"]] for row in rows] == expected


def test_logged_in_users_are_those_of_who(ask, tmp_path):
    need("who")
    make_records(tmp_path / "run/utmp")
    lines = output("who", str(tmp_path / "run/utmp"),
                   env={"TZ": "UTC", "LC_ALL": "C", "PATH": os.environ["PATH"]}).splitlines()
    rows = ask("SELECT user, tty, strftime('%Y-%m-%d', time, 'unixepoch') AS day, "
               "strftime('%H:%M', time, 'unixepoch') AS minute, host FROM logged_in_users "
               "WHERE type = 'user'", f"--host_root={tmp_path}")
    assert len(lines) == 2
    # November 14 is "Nov 14" in the locale C
    assert [[row["user"], row["tty"], row["minute"], f"({row['host']})"] for row in rows] == [
        [words[0], words[1], words[-2], words[-1]] for words in map(str.split, lines)]


def test_private_keys_are_as_ssh_keygen_and_openssl_see_them(ask, tmp_path):
    need("ssh-keygen")
    folder = make_root(tmp_path) / ".ssh"
    folder.mkdir()
    kinds = {"rsa-pem": ("rsa", 2048, "PEM", ""), "rsa-pkcs8": ("rsa", 3072, "PKCS8", ""),
             "ec-pem": ("ecdsa", 256, "PEM", ""), "ec-pkcs8": ("ecdsa", 521, "PKCS8", ""),
             "locked-pem": ("rsa", 1024, "PEM", "secret"), "locked-pkcs8": ("rsa", 1024, "PKCS8", "secret"),
             "openssh": ("ed25519", 256, "RFC4716", ""), "locked": ("ed25519", 256, "RFC4716", "secret")}
    for name, (kind, bits, form, password) in kinds.items():
        output("ssh-keygen", "-q", "-t", kind, "-b", str(bits), "-m", form, "-N", password, "-f",
               str(folder / name))
    rows = ask("SELECT path, encrypted, key_type, key_length FROM user_ssh_keys WHERE uid = 1000",
               f"--host_root={tmp_path}")
    found = {pathlib.Path(row["path"]).name: row for row in rows}
    assert set(found) == set(kinds)  # not the .pub files beside them
    for name, (kind, bits, form, password) in kinds.items():
        # -y asks for the password: an empty one must do exactly if it is not encrypted
        open_ = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", str(folder / name)],
                               capture_output=True).returncode == 0
        assert found[name]["encrypted"] == str(int(not open_))
        if open_ and form != "RFC4716":
            assert found[name]["key_length"] == output("ssh-keygen", "-l", "-f", str(folder / name)).split()[0]
            assert found[name]["key_type"] == {"rsa": "rsa", "ecdsa": "ec"}[kind]
        else:
            assert (found[name]["key_type"], found[name]["key_length"]) == ("", "-1")


def test_authorized_keys_are_those_that_ssh_keygen_lists(ask, tmp_path):
    need("ssh-keygen")
    folder = make_root(tmp_path) / ".ssh"
    folder.mkdir()
    keys = {}
    for kind in ("rsa", "ecdsa", "ed25519"):
        output("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{kind} key", "-f", str(tmp_path / kind))
        keys[kind] = (tmp_path / f"{kind}.pub").read_text()
    file = folder / "authorized_keys"
    file.write_text("# comment\n" + keys["rsa"] + 'command="echo ssh-rsa AAAA",no-pty ' + keys["ecdsa"] +
                    "\n" + keys["ed25519"].rstrip("\n"))
    rows = ask("SELECT algorithm, key, comment FROM authorized_keys WHERE uid = 1000", f"--host_root={tmp_path}")
    # each row alone is the key that ssh-keygen sees in that place of the file
    seen = []
    for i, row in enumerate(rows):
        alone = tmp_path / f"alone{i}"
        alone.write_text(f"{row['algorithm']} {row['key']} {row['comment']}\n")
        seen.append(output("ssh-keygen", "-l", "-f", str(alone)).strip())
    assert seen == output("ssh-keygen", "-l", "-f", str(file)).splitlines()


def test_a_superuser_is_told_whose_data_it_is(ask, root_only):
    named = ask("SELECT uid FROM known_hosts WHERE uid = 0", check=False)
    unnamed = ask("SELECT uid FROM known_hosts", check=False)
    assert named.stderr == b"" and named.stdout == unnamed.stdout
    assert b"known_hosts: these are data of the current user only; join users" in unnamed.stderr


def test_a_long_history_needs_little_memory(build, sanitized, tmp_path):
    if sanitized:
        pytest.skip("sanitizers take memory of their own")
    lines = 300_000
    home = make_root(tmp_path)
    with open(home / ".bash_history", "w") as file:
        for i in range(lines):
            file.write(f"#{1700000000 + i}\nmake target-{i} CFLAGS='-O2 -g'\n")
    # the file has 15 MB; the program ends when it asks for more memory than 6 MB
    answer = output("prlimit", f"--data={6 << 20}", f"{build}/osqueryi", "--json", f"--host_root={tmp_path}",
                    "SELECT count(*) AS n, max(time) AS last FROM shell_history WHERE uid = 1000")
    assert f'"last":"{1700000000 + lines - 1}","n":"{lines}"' in answer
