# SPDX-License-Identifier: Apache-2.0
"""What the tables say of mounts, setuid programs and attributes is what the host's own tools say."""
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest


def tool(*words, **options):
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    if not shutil.which(words[0], path=path):
        pytest.skip(f"no {words[0]} here")
    done = subprocess.run(words, capture_output=True, text=True,
                          env={**os.environ, "PATH": path}, **options)
    if done.returncode:
        pytest.skip(f"{words[0]}: {done.stderr.strip()}")
    return done.stdout


def decode(text):
    return re.sub(r"\\(x[0-9a-f]{2}|[0-7]{3})",
                  lambda found: chr(int(found[1][1:], 16) if found[1][0] == "x" else int(found[1], 8)),
                  text)


def test_mounts_are_those_of_findmnt(ask):
    listed = json.loads(tool("findmnt", "--json", "--list", "--output=SOURCE,TARGET,FSTYPE,OPTIONS"))
    # findmnt says which folder of the device is mounted, too, and follows the device's link
    expected = [(entry["target"], entry["fstype"]) for entry in listed["filesystems"]]
    rows = ask("SELECT device, path, type, flags FROM mounts")
    assert sorted((row["path"], row["type"]) for row in rows) == sorted(expected)


def test_mounts_are_those_of_the_kernel(ask):
    lines = pathlib.Path("/proc/mounts").read_text().splitlines()
    rows = ask("SELECT device, path, type, flags FROM mounts")
    assert [[row["device"], row["path"], row["type"], row["flags"]] for row in rows] == \
        [[decode(word) for word in line.split(" ")[:4]] for line in lines]


def test_sizes_are_those_of_stat(ask):
    rows = ask("SELECT * FROM mounts WHERE type IN ('ext4', 'xfs', 'btrfs', 'overlay', 'tmpfs')")
    fields = ["blocks_size", "blocks", "inodes"]
    for row in rows:
        try:
            words = tool("stat", "--file-system", "--format=%s %b %c", row["path"]).split()
        except pytest.skip.Exception:
            continue  # not for us
        assert [row[field] for field in fields] == words, row["path"]


def test_no_file_system_is_touched_unless_its_size_is_asked_for(build):
    if not shutil.which("strace"):
        pytest.skip("no strace here")
    done = subprocess.run(["strace", "-f", "-e", "trace=statfs", f"{build}/osqueryi",
                           "SELECT device, path, type, flags FROM mounts"],
                          capture_output=True, text=True)
    if "ptrace" in done.stderr:
        pytest.skip("no tracing here")
    assert "statfs(" not in done.stderr


@pytest.fixture
def many_mounts(tmp_path, root_only):
    """A shell in a mount namespace of its own, with a file system at a path that needs escapes."""
    path = tmp_path / "with blank\ttab\\slash"
    path.mkdir()
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"unshare: {done.stderr.strip()}")
    return path


def test_an_odd_path_is_itself(build, many_mounts):
    script = 'mount -t tmpfs -o size=1m "odd name" "$1" && exec "$2" --json ' \
        '"SELECT path, device, blocks, blocks_size FROM mounts WHERE device = \'odd name\'"'
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", many_mounts,
                           f"{build}/osqueryi"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(done.stderr.strip())
    rows = json.loads(done.stdout)
    assert rows == [{"path": str(many_mounts), "device": "odd name",
                     "blocks": str((1 << 20) // 4096), "blocks_size": "4096"}]


SUID_FOLDERS = ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/tmp"]


def test_setuid_programs_are_those_of_find(ask, root_only):
    folders = [folder for folder in SUID_FOLDERS if os.path.isdir(folder)]
    expected = []
    for folder in folders:
        done = subprocess.run(["find", folder + "/", "-type", "f", "-perm", "/6000", "-printf",
                               r"%P %u %g %m\n"], capture_output=True, text=True)
        for line in done.stdout.splitlines():
            name, user, group, mode = line.rsplit(" ", 3)
            bits = int(mode, 8)
            expected.append((f"{folder}/{name}", user, group,
                             ("S" if bits & 0o4000 else "") + ("G" if bits & 0o2000 else "")))
    rows = ask("SELECT * FROM suid_bin")
    # others may run tests in /tmp meanwhile
    found = [(row["path"], row["username"], row["groupname"], row["permissions"]) for row in rows]
    assert sorted(row for row in found if not row[0].startswith("/tmp/")) == \
        sorted(row for row in expected if not row[0].startswith("/tmp/"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    try:
        os.setxattr(path, "user.text", b"hello\0")
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error}")
    os.setxattr(path, "user.binary", bytes(range(256)))
    os.setxattr(path, "user.bare", b"hello")
    return path


def test_attributes_are_those_of_getfattr(ask, file):
    lines = tool("getfattr", "--dump", "--encoding=base64", "--absolute-names", "--match=-",
                 str(file)).splitlines()
    expected = {}
    for line in lines:
        key, found, value = line.partition("=0s")
        if found:
            expected[key] = base64.b64decode(value)
    rows = ask(f"SELECT key, value, base64 FROM extended_attributes WHERE path = '{file}'")
    assert {row["key"]: base64.b64decode(row["value"]) if row["base64"] == "1"
            else row["value"].encode() + b"\0" for row in rows} == expected


@pytest.mark.parametrize("capabilities", [
    "cap_net_raw=ep", "cap_net_raw,cap_net_admin=eip", "cap_net_raw=p", "=ep", "cap_chown=i",
    "cap_net_raw=ep cap_chown=eip", "=ep cap_chown-ep", "cap_chown=p cap_kill=i cap_net_raw=ip", "=",
])
def test_capabilities_are_those_of_getcap(ask, file, root_only, capabilities):
    tool("setcap", capabilities, str(file))
    text = tool("getcap", str(file)).strip()
    rows = ask(f"SELECT key, value, base64 FROM extended_attributes WHERE path = '{file}'")
    assert rows[0] == {"key": "security.capability", "value": text[len(str(file)) + 1:], "base64": "0"}
    assert [row["key"] for row in rows].count("security.capability") == 1
