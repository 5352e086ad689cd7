# SPDX-License-Identifier: Apache-2.0
"""Users, groups and who is in which are those of getent and id, also when they change meanwhile."""
import os
import pathlib
import shutil
import subprocess

import pytest

from session import Session


def output(*command, **options):
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]}")
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def first_of_each(rows, key):
    """Where several have one id, the first counts."""
    found = {}
    for row in rows:
        found.setdefault(row[key], row)
    return list(found.values())


def getent(base, *names):
    """The entries of the files alone."""
    lines = output("getent", "-s", "files", base).splitlines()
    return [dict(zip(names, line.split(":"))) for line in lines]


USER = ("username", "password", "uid", "gid", "description", "directory", "shell")
GROUP = ("groupname", "password", "gid", "members")


def without(rows, *names):
    return [{key: value for key, value in row.items() if key not in names} for row in rows]


def test_users_are_those_of_getent(ask):
    assert ask("SELECT username, uid, gid, description, directory, shell FROM users") == [
        dict(sorted(row.items())) for row in without(getent("passwd", *USER), "password")]


def test_a_user_is_found_by_id_and_by_name(ask):
    for row in getent("passwd", *USER):
        assert [row["uid"]] == [found["uid"] for found in ask(
            f"SELECT uid FROM users WHERE username = '{row['username']}'")]
    everyone = {row["uid"] for row in getent("passwd", *USER)}
    assert {row["uid"] for row in ask(f"SELECT uid FROM users WHERE uid IN ({', '.join(everyone)})")} == everyone


def test_groups_are_those_of_getent(ask):
    local = first_of_each(getent("group", *GROUP), "gid")
    rows = ask("SELECT gid, groupname FROM groups")
    assert rows[:len(local)] == [{"gid": row["gid"], "groupname": row["groupname"]} for row in local]
    # what the name service adds comes behind
    everything = {line.split(":")[2] for line in output("getent", "group").splitlines()}
    assert {row["gid"] for row in rows} == everything


def test_the_groups_of_a_user_are_those_of_id(ask):
    for row in first_of_each(getent("passwd", *USER), "uid"):
        expected = set(output("id", "-G", row["username"]).split())
        found = [entry["gid"] for entry in ask(f"SELECT gid FROM user_groups WHERE uid = {row['uid']}")]
        assert len(found) == len(set(found)) and set(found) == expected, row["username"]


def test_all_groups_of_all_users_are_those_of_id(ask):
    expected = {(row["uid"], gid) for row in first_of_each(getent("passwd", *USER), "uid")
                for gid in output("id", "-G", row["username"]).split()}
    local = {row["uid"] for row in getent("passwd", *USER)}
    rows = ask("SELECT uid, gid FROM user_groups")
    assert {(row["uid"], row["gid"]) for row in rows if row["uid"] in local} == expected


# ---- changes, in a mount namespace of its own where /etc is a copy ----


def session_in(build, copy):
    script = 'mount --make-rprivate / && mount --bind "$1" /etc && shift && exec "$@"'
    return Session("unshare", "--mount", "sh", "-c", script, "sh", copy, build / "osqueryi", "--json")


@pytest.fixture
def etc(tmp_path, root_only):
    if not shutil.which("unshare"):
        pytest.skip("no unshare")
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"unshare: {done.stderr.strip()}")
    copy = tmp_path / "etc"
    copy.mkdir()
    for name in ("passwd", "group", "nsswitch.conf"):
        if pathlib.Path("/etc", name).exists():
            shutil.copy(f"/etc/{name}", copy / name)
    return copy


def replace(path, text):
    new = path.with_name(path.name + "+")
    new.write_text(text)
    os.rename(new, path)


NAMED = "SELECT uid, username FROM users WHERE username LIKE 'hostql%'"


def test_a_new_user_is_seen_by_the_next_statement(build, etc):
    with session_in(build, etc) as session:
        assert session.ask(NAMED) == []
        for i in range(20):
            replace(etc / "passwd", (etc / "passwd").read_text() +
                    f"hostql{i}:x:{40000 + i}:40000::/:/bin/sh\n")
            assert session.ask(NAMED)[-1] == {"uid": str(40000 + i), "username": f"hostql{i}"}
            assert len(session.ask(f"SELECT 1 FROM users WHERE uid = {40000 + i}")) == 1
        replace(etc / "passwd", pathlib.Path("/etc/passwd").read_text())
        assert session.ask(NAMED) == []


def test_a_user_written_in_place_is_seen_by_the_next_statement(build, etc):
    with session_in(build, etc) as session:
        assert session.ask(NAMED) == []
        with open(etc / "passwd", "a") as file:
            file.write("hostql:x:40000:40000::/:/bin/sh\n")
        assert len(session.ask(NAMED)) == 1
        (etc / "passwd").unlink()
        assert session.ask("SELECT count(*) AS n FROM users") == [{"n": "0"}]
        (etc / "passwd").write_text("hostql:x:40000:40000::/:/bin/sh\n")
        assert len(session.ask(NAMED)) == 1


def test_a_new_member_is_seen_by_the_next_statement(build, etc):
    gids = "SELECT gid FROM user_groups WHERE uid = 0 AND gid >= 40000 ORDER BY gid"
    with session_in(build, etc) as session:
        assert session.ask(gids) == []
        replace(etc / "group", (etc / "group").read_text() + "hostql:x:40000:root\n")
        assert session.ask(gids) == [{"gid": "40000"}]
        assert session.ask("SELECT groupname FROM groups WHERE gid = 40000") == [{"groupname": "hostql"}]


ODD_GROUPS = """\
one:x:40001:root
two:x:40002: root
three:x:40003:root ,nobody
four:x:40004:nobody root daemon a b c d e f g h i j
five:x:40005:,,\troot,
 six:x:40006:root
seven:x:40007:x,root
eight:x:40001:nobody
nine:x:forty:root
ten:x:40010
"""


def test_odd_lines_of_groups_mean_what_they_mean_to_id(build, etc):
    with open(etc / "group", "a") as file:
        file.write(ODD_GROUPS)
    script = 'mount --make-rprivate / && mount --bind "$1" /etc && id -G root && id -G nobody'
    lines = output("unshare", "--mount", "sh", "-c", script, "sh", str(etc)).splitlines()
    with session_in(build, etc) as session:
        for name, line in zip(("root", "nobody"), lines):
            rows = session.ask("SELECT m.gid FROM users u JOIN user_groups m ON m.uid = u.uid "
                               f"WHERE username = '{name}'")
            assert {row["gid"] for row in rows} == set(line.split()), name
