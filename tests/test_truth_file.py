# SPDX-License-Identifier: Apache-2.0
"""What file and hash say of a tree of odd files is what find, stat and md5sum say of it."""
import fnmatch
import hashlib
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile

import pytest

from session import Session


def output(*command, **options):
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]}")
    return subprocess.run(command, capture_output=True, check=True, timeout=60, **options).stdout


def records(size, *command):
    """What a tool prints with a NUL behind each field."""
    fields = output(*command).split(b"\0")[:-1]
    return list(zip(*[iter(fields)] * size))


def quote(path):
    return "'" + os.fsdecode(path).replace("'", "''") + "'"


@pytest.fixture
def rows(build):
    """Rows as tuples of bytes: names of files need not be UTF-8, so values come as hex."""

    def run(table, columns, where, *flags, **options):
        values = " || ',' || ".join(f"hex({column})" for column in columns)
        done = subprocess.run([f"{build}/osqueryi", "--list", "--noheader", *flags,
                               f"SELECT {values} FROM {table} WHERE {where}"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, **options)
        assert done.returncode == 0 and done.stderr == b"", done.stderr
        return [tuple(map(bytes.fromhex, line.split(","))) for line in done.stdout.decode().split()]

    return run


NAMES = ("plain", "with\nnewline", "with'quote", 'with"double', "back\\slash", " blank ", "%", "_", "*",
         "[a]", ".hidden", "n" * 255, "sub/one", "sub/deep/two", "sub/deep/er/three", "%d/four")
LINKS = {"link": "plain", "folder link": "sub", "dangling": "nowhere", "loop": "loop", "absolute": "/etc",
         "chain": "link", "up": "..", "long": "x/" * 1000}
MODES = (0o000, 0o644, 0o755, 0o4755, 0o2755, 0o1777, 0o6711, 0o7777)
TIMES = {"epoch": 0, "before": -1000, "future": 4102444800}


def make_special(top):
    os.mkfifo(top / "fifo")
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(top)  # the path of a socket has to be short
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
    try:
        os.mknod(top / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.mknod(top / "block", stat.S_IFBLK | 0o600, os.makedev(7, 300))
        os.chown(top / "plain", 12345, 4294967294)
    except PermissionError:
        pass  # not for everyone


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "top"
    for folder in ("sub/deep/er", "empty", "%d"):
        (top / folder).mkdir(parents=True)
    for name in NAMES:
        (top / name).write_text(name)
    pathlib.Path(os.fsdecode(os.fsencode(top) + b"/not \xff\xfe UTF-8")).write_text("x")
    for mode in MODES:
        (top / f"mode {mode:04o}").write_text("")
        (top / f"mode {mode:04o}").chmod(mode)
    with open(top / "sparse", "w") as file:
        file.truncate(5 << 32)
    (top / "large").write_bytes(b"0123456789abcdef" * 327680)
    os.link(top / "plain", top / "hard")
    for name, target in LINKS.items():
        (top / name).symlink_to(target)
        # an access that looks lately is not noted again: following a link is one
        late = os.lstat(top / name).st_mtime + 3600
        os.utime(top / name, (late, late - 7200), follow_symlinks=False)
    make_special(top)
    for name, time in TIMES.items():
        (top / name).write_text("")
        os.utime(top / name, (time + 1, time))
    return top


TYPES = {b"f": b"regular", b"d": b"directory", b"b": b"block", b"c": b"character", b"p": b"fifo",
         b"s": b"socket"}


def test_names_types_and_links_are_those_of_find(rows, tree):
    found = rows("file", ["path", "directory", "filename", "symlink", "type", "symlink_target_path"],
                 f"directory = {quote(tree)}")
    # %Y: the type of what a link leads to
    expected = [(path, folder, name, b"1" if kind == b"l" else b"0", TYPES.get(end, b"unknown"), target)
                for path, folder, name, kind, end, target in records(
                    6, "find", tree, "-mindepth", "1", "-maxdepth", "1", "-printf",
                    "%p\\0%h\\0%f\\0%y\\0%Y\\0%l\\0")]
    assert sorted(found) == sorted(expected) and len(found) > 40


NUMBERS = ["inode", "uid", "gid", "mode", "size", "block_size", "atime", "mtime", "ctime", "btime",
           "hard_links", "device"]


def numbers_of(path):
    # those of what a link leads to, or else its own
    follow = [] if not os.path.exists(path) else ["--dereference"]
    *values, major, minor = output("stat", *follow, "--printf=%i %u %g %a %s %o %X %Y %Z %W %h %t %T",
                                   path).decode().split()
    values[3] = f"{int(values[3], 8):04o}"
    values.append(str(os.makedev(int(major, 16), int(minor, 16))))
    return tuple(value.encode() for value in values)


def test_numbers_are_those_of_stat(rows, tree):
    found = rows("file", ["path", *NUMBERS], f"directory = {quote(tree)}")
    assert len(found) > 40
    for path, *values in found:
        assert dict(zip(NUMBERS, values)) == dict(zip(NUMBERS, numbers_of(path))), path


def test_a_path_that_is_written_out_is_one_row(rows, tree):
    for path, in records(1, "find", tree, "-print0"):
        if path == path.decode(errors="replace").encode():
            found = rows("file", ["path", *NUMBERS], f"path = {quote(path)}")
            assert found == [(path, *numbers_of(path))]
    assert rows("file", ["path"], f"path = {quote(tree / 'none')}") == []


def marked(entries):
    """As patterns show them: a folder ends in a slash."""
    return sorted(path + b"/" if os.path.isdir(path) and not os.path.islink(path) else path for path, in entries)


def test_one_wildcard_is_one_folder_of_find(rows, tree):
    entries = records(1, "find", tree, "-mindepth", "1", "-maxdepth", "1", "-print0")
    assert sorted(path for path, in rows("file", ["path"], f"path LIKE {quote(f'{tree}/%')}")) == marked(entries)
    entries = records(1, "find", tree / "sub", "-mindepth", "2", "-maxdepth", "2", "-print0")
    found = rows("file", ["path"], f"path LIKE {quote(f'{tree}/sub/%/%')}")
    assert sorted(path for path, in found) == marked(entries)


def test_two_wildcards_are_all_of_find(rows, tree):
    entries = records(1, "find", tree, "-mindepth", "1", "-print0")
    found = rows("file", ["path"], f"path LIKE {quote(f'{tree}/%%')}")
    assert sorted(path for path, in found) == marked(entries)
    assert len(found) == len(rows("file", ["path"], f"path LIKE {quote(f'{tree}/%%')} AND inode > 0"))


@pytest.mark.parametrize("pattern", ["*", "s*e", "sub/*", "*t*", "mode [0-4]*", "[[]a]", "?plain", "p???n", "[*]",
                                     "*'*", "sub/deep/*/three", "none*", "*/four"])
def test_glob_is_that_of_fnmatch(rows, tree, pattern):
    """A star goes across slashes; what is found matches with the slash behind a folder, too."""
    whole = f"{tree}/{pattern}"
    entries = [(path,) for path, in records(1, "find", tree, "-mindepth", "1", "-print0")
               if fnmatch.fnmatchcase(os.fsdecode(path), whole)]
    expected = [path for path in marked(entries) if fnmatch.fnmatchcase(os.fsdecode(path), whole)]
    assert sorted(path for path, in rows("file", ["path"], f"path GLOB {quote(whole)}")) == expected


# ---- digests ----


def sums(paths):
    """Path -> digests, by the tools."""
    found = {}
    for tool in ("md5sum", "sha1sum", "sha256sum"):
        for line in output(tool, "--zero", "--binary", *paths).split(b"\0")[:-1]:
            digest, path = line.split(b" *", 1)
            found.setdefault(path, []).append(digest)
    return {path: tuple(digests) for path, digests in found.items()}


DIGESTS = ["path", "md5", "sha1", "sha256"]


def test_digests_are_those_of_the_tools(rows, tree):
    (tree / "sparse").unlink()  # 20 GB of zeros
    (tree / "mode 0000").chmod(0o400)
    # %Y: links to files have the digests of these; nothing else has a row
    files = [path for path, end in records(2, "find", tree, "-maxdepth", "1", "-printf", "%p\\0%Y\\0")
             if end == b"f"]
    expected = sums(files)
    assert {path: tuple(rest) for path, *rest in
            rows("hash", DIGESTS, f"directory = {quote(tree)}")} == expected
    below = sums([path for path, in records(1, "find", tree, "-type", "f", "-print0")])
    found = rows("hash", DIGESTS, f"path LIKE {quote(f'{tree}/%%')}", "--disable_hash_cache")
    assert below.items() <= {path: tuple(rest) for path, *rest in found}.items()
    # only what is asked for is computed, with the same outcome
    assert {path: (digest,) for path, digest in rows("hash", ["path", "sha1"], f"directory = {quote(tree)}")} == {
        path: digests[1:2] for path, digests in expected.items()}


def test_a_large_file_has_a_row_with_empty_digests(rows, tree):
    large = quote(tree / "large")
    size = (tree / "large").stat().st_size
    path = os.fsencode(tree / "large")
    assert rows("hash", DIGESTS, f"path = {large}", f"--read_max={size - 1}") == [(path, b"", b"", b"")]
    assert rows("hash", DIGESTS, f"path = {large}", f"--read_max={size}") == [(path, *sums([path])[path])]
    sparse = tree / "sparse"  # not read at all, or this took minutes
    assert rows("hash", DIGESTS, f"path = {quote(sparse)}") == [(os.fsencode(sparse), b"", b"", b"")]


def test_what_is_no_file_has_no_digest(rows, tree):
    for name in ("fifo", "socket", "sub", "dangling", "loop", "device", "block", "none"):
        assert rows("hash", DIGESTS, f"path = {quote(tree / name)}") == []


def test_an_unreadable_file_has_a_row_with_empty_digests(rows):
    def drop():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "secret")
        pathlib.Path(path).write_text("secret")
        os.chmod(path, 0)
        os.chmod(folder, 0o755)
        options = {"preexec_fn": drop} if os.geteuid() == 0 else {}
        assert rows("hash", DIGESTS, f"path = {quote(path)}", **options) == [(os.fsencode(path), b"", b"", b"")]
        assert rows("file", ["path", "size"], f"path = {quote(path)}", **options) == [(os.fsencode(path), b"6")]


@pytest.mark.parametrize("flags", [[], ["--disable_hash_cache"]])
def test_a_changed_file_has_another_digest_in_the_next_statement(build, tmp_path, flags):
    path = tmp_path / "file"
    old = os.stat(__file__)
    with Session(build / "osqueryi", "--json", *flags) as session:
        for i in range(50):
            # the same length, and the times that can be set are the same
            text = f"{i:08}".encode()
            if i % 3 == 0:
                (tmp_path / "new").write_bytes(text)
                os.rename(tmp_path / "new", path)
            else:
                path.write_bytes(text)
            os.utime(path, (old.st_atime, old.st_mtime))
            for _ in range(2):
                assert session.ask(f"SELECT sha256 FROM hash WHERE path = {quote(path)}") == [
                    {"sha256": hashlib.sha256(text).hexdigest()}]


def test_a_file_that_did_not_change_is_read_once(build, tree):
    strace = shutil.which("strace")
    if not strace or subprocess.run([strace, "-qq", "true"], capture_output=True).returncode:
        pytest.skip("no tracing here")
    path = "/usr/bin/env"  # not changed lately
    sql = f"SELECT md5 FROM hash WHERE path = '{path}';\n" * 3
    for flags, times in (([], 1), (["--disable_hash_cache"], 3)):
        done = subprocess.run([strace, "-f", "-qq", "-e", "trace=openat,openat2", build / "osqueryi", *flags],
                              input=sql, capture_output=True, text=True, timeout=60)
        if "LeakSanitizer" in done.stderr:
            pytest.skip("a sanitized program cannot be traced for leaks")
        assert done.stderr.count('usr/bin/env"') == times


# ---- a tree that changes while it is read ----

CHURN = """
import os, sys
top, outside = sys.argv[1:]
for i in range(3000):
    name = f"{top}/v{i % 7}"
    open(name, "w").close()
    os.mkdir(f"{name}.d")
    open(f"{name}.d/inner", "w").close()
    os.unlink(name)
    os.unlink(f"{name}.d/inner")
    os.rmdir(f"{name}.d")
    os.symlink(outside, f"{name}.d")
    os.unlink(f"{name}.d")
    os.mkfifo(name)
    os.rename(name, f"{top}/stay/v")
"""


@pytest.fixture
def restless(tmp_path):
    """A tree with files that stay, among others that come and go; and what must not be found."""
    top, outside = tmp_path / "top", tmp_path / "outside"
    (top / "stay").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text("secret")
    for i in range(50):
        (top / f"s{i}").write_text(f"{i}")
        (top / "stay" / f"t{i}").write_text(f"{i}")
    child = subprocess.Popen([sys.executable, "-c", CHURN, top, outside])
    yield top, child
    child.kill()
    child.wait()


@pytest.mark.parametrize("sql", [
    "SELECT path, size, type, mtime, btime, symlink_target_path FROM file WHERE path LIKE '{}/%%'",
    "SELECT path, md5 FROM hash WHERE path LIKE '{}/%%'",
    "SELECT path, md5, size FROM file JOIN hash USING (path) WHERE path LIKE '{}/%%'",
    "SELECT path, size FROM file WHERE directory IN ('{0}', '{0}/stay')"])
def test_files_that_come_and_go_hide_no_other(build, restless, sql):
    top, child = restless
    lasting = {str(path) for path in [*top.glob("s[0-9]*"), *top.glob("stay/t*")]}
    assert len(lasting) == 100
    with Session(build / "osqueryi", "--json") as session:
        over = False
        while not over:
            over = child.poll() is not None  # and once more when all is quiet
            rows = session.ask(sql.format(top))
            paths = [row["path"] for row in rows]
            assert sorted(path for path in paths if path in lasting) == sorted(lasting)
            assert not any("secret" in path for path in paths)
            assert all(row.get("md5") != "" for row in rows if row["path"] in lasting)
    assert child.returncode == 0
