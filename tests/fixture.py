# SPDX-License-Identifier: Apache-2.0
"""Fixtures: tests/tables/NAME/ holds a small recorded root/, queries *.sql and their answers *.out.

A `prepare` script beside them, if there is one, runs in a copy of the root first: it makes what git does
not keep (modes, owners, times, attributes, FIFOs). It may say "skip: reason" and leave with 77.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE / "tables"


class Skip(Exception):
    pass


def cases():
    return sorted(path.relative_to(FOLDER) for path in FOLDER.glob("*/*.sql"))


def answer(build, case, scratch):
    """What the shell prints for the case: rows as JSON, one a line, then errors and the exit code."""
    folder = (FOLDER / case).parent
    root = pathlib.Path(scratch) / "root"
    if (folder / "root").exists():
        shutil.copytree(folder / "root", root, symlinks=True)
    else:
        root.mkdir()
    # git keeps no modes: what the copy inherits must not depend on the umask
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    if (folder / "prepare").exists():
        done = subprocess.run([folder / "prepare"], cwd=root, capture_output=True, text=True)
        if done.returncode == 77:
            raise Skip(done.stdout.strip())
        if done.returncode != 0:
            raise RuntimeError(f"{folder}/prepare: {done.stderr}")
    done = subprocess.run(
        [f"{build}/osqueryi", f"--host_root={root}", "--json", "--header"],
        stdin=open(FOLDER / case),
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TZ": "UTC",
             "ASAN_OPTIONS": "detect_leaks=1"},
    )
    text = done.stdout.decode("utf-8", "backslashreplace")
    errors = done.stderr.decode("utf-8", "backslashreplace").replace(str(root), "ROOT")
    # the head of a status line holds the time
    lines = [line.split("] ", 1)[1] if line[:1] in "IWE" and "] " in line else line
             for line in errors.splitlines()]
    if lines:
        text += "".join(f"stderr: {line}\n" for line in lines)
    if done.returncode:
        text += f"exit: {done.returncode}\n"
    return text


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    for case in cases():
        if words and case.parent.name not in words:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            try:
                text = answer(HERE.parent / "build", case, scratch)
            except Skip as reason:
                print(f"{case}: skipped, {reason}")
                continue
        out = (FOLDER / case).with_suffix(".out")
        if not out.exists() or out.read_text() != text:
            out.write_text(text)
            print(f"wrote {out.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
