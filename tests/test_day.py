# SPDX-License-Identifier: Apache-2.0
"""A day in production, compressed: public packs, hours as seconds, on a recorded host, twice."""
import collections
import json
import pathlib
import re
import shutil
import sqlite3

import pytest

from daemon import check_line, replay, wait_for
from test_schedule import daemon  # noqa: F401 (a fixture)

HERE = pathlib.Path(__file__).resolve().parent
PUBLIC = HERE.parent.parent / "shared/queries/public.jsonl"

# what a moved root does not hold still: the clock, the program itself
LIVE = re.compile(r"\b(time|uptime|osquery_\w+|load_average|cpu_time|ulimit_info)\b")


def make_packs():
    """A pack for each file of public queries; hours become seconds."""
    packs = collections.defaultdict(dict)
    for line in PUBLIC.read_text().splitlines():
        query = json.loads(line)
        pack = packs[re.sub(r"\W+", "-", f"{query['repo']}/{query['file']}")]
        hours = int(query["interval"] or 3600) // 3600
        name = query["name"] or "query"
        while name in pack:
            name += "x"
        pack[name] = {"query": query["sql"], "interval": min(max(hours, 1), 6),
                      "snapshot": len(pack) % 5 == 4, "removed": len(pack) % 3 != 1,
                      "platform": query["platform"] or "linux"}
    return {name: {"queries": queries} for name, queries in packs.items()}


def make_host(folder):
    """All recorded roots of the tables' fixtures, laid over one another; the first of a name counts."""
    for root in sorted(HERE.glob("tables/*/root")):
        for path in sorted(root.rglob("*")):
            copy = folder / path.relative_to(root)
            if copy.exists() or copy.is_symlink() or not copy.parent.is_dir() and copy.parent.exists():
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink():
                copy.symlink_to(path.readlink())
            elif path.is_dir():
                copy.mkdir()
            else:
                shutil.copyfile(path, copy)
    return folder


def runs(one):
    """How often each query was run, as the store says; empty before there is one."""
    try:
        state = sqlite3.connect(f"file:{one.database}/state.db?mode=ro", uri=True)
        found = dict(state.execute("SELECT name, executions FROM query"))
        state.close()
    except sqlite3.Error:
        return {}
    return found


def wait_runs(one, before):
    """Until every query has run once more than before."""
    def all_ran():
        now = runs(one)
        return now and all(count > before.get(name, 0) for name, count in now.items())
    wait_for(all_ran, "every query to run", 180)


def change(root):
    """What happens to a host on such a day."""
    def add(name, text):
        with open(root / name, "a") as file:
            file.write(text)
    add("etc/passwd", "intruder:x:0:0::/tmp:/bin/sh\n")
    add("etc/hosts", "10.9.8.7 new\n")
    add("etc/crontab", "* * * * * root /tmp/x\n")
    (root / "dev").mkdir(exist_ok=True)
    for name in ("dev/.rootkit", "tmp/.bugtraq.c", "usr/lib/lib.so1.so"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / "etc/resolv.conf").unlink(missing_ok=True)


def steady_rows(line):
    """The rows of a line without what a copy of a file does not share with it."""
    rows = line["snapshot"] if "snapshot" in line else [line["columns"]]
    fleeting = {"atime", "mtime", "ctime", "btime", "inode"}
    return tuple(tuple((key, value) for key, value in row.items() if key not in fleeting) for row in rows)


def said(one, name, queries):
    return collections.Counter((line["name"], line["action"], steady_rows(line))
                               for line in one.lines(name) if line["name"] in queries)


def test_two_days_agree_and_every_line_is_sound(daemon, tmp_path):
    if not PUBLIC.exists():
        pytest.skip("the public queries are not here")
    packs = make_packs()
    assert len(packs) >= 30
    config = {"packs": packs, "decorators": {"load": ["SELECT version AS agent FROM osquery_info"]}}
    days = []
    for name in ("monday", "tuesday"):
        root = make_host(tmp_path / f"{name}-root")
        days.append((root, daemon(config, f"--host_root={root}", "--schedule_splay_percent=101",
                                  "--watchdog_level=-1", folder=tmp_path / name).start()))
    for root, day in days:
        wait_runs(day, {})
    quiet = [len(day.lines()) for _, day in days]
    for root, day in days:
        # a query that is running now may have seen the old state
        before = {name: count + 1 for name, count in runs(day).items()}
        change(root)
        wait_runs(day, before)
    days = [day for _, day in days]
    for day, lines in zip(days, quiet):
        day.stop()
        assert len(day.lines()) > lines + 5
        for name in ("results", "snapshots"):
            for line in day.lines(name):
                check_line(line)
        assert "was cancelled" not in day.errors()
    results = {line["name"] for line in days[0].lines()}
    assert len(results) > 20, "a recorded host has more to tell"

    # what does not depend on the time of the day is the same on both
    steady = {f"pack_{pack}_{name}" for pack, content in packs.items()
              for name, query in content["queries"].items() if not LIVE.search(query["query"])}
    assert said(days[0], "results", steady) == said(days[1], "results", steady)
    # how often there is a snapshot depends on when the day ends
    assert said(days[0], "snapshots", steady).keys() == said(days[1], "snapshots", steady).keys()
    for name in results & steady:
        queries = {line["name"]: 1 for line in days[0].lines(query=name)}
        assert queries and replay([line for line in days[0].lines(query=name)])
