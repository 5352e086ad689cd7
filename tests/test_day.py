# SPDX-License-Identifier: Apache-2.0
"""A day in production, compressed: public packs, hours as seconds, on a recorded host, twice."""
import collections
import json
import pathlib
import re
import shutil
import sqlite3

import pytest

from daemon import check_line, replay, row_of, wait_for
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
        pack[name] = {"query": query["sql"], "interval": min(max(hours, 1), 12),
                      "snapshot": len(pack) % 5 == 4, "removed": len(pack) % 3 != 1,
                      "platform": query["platform"] or "linux"}
    return {name: {"queries": queries} for name, queries in packs.items()}


def make_host(folder):
    """All recorded roots of the tables' fixtures, laid over one another."""
    for root in sorted(HERE.glob("tables/*/root")):
        shutil.copytree(root, folder, symlinks=True, dirs_exist_ok=True,
                        copy_function=lambda source, target: shutil.copyfile(
                            source, target, follow_symlinks=False) if not pathlib.Path(
                                target).exists() and not pathlib.Path(target).is_symlink() else target)
    return folder


def never_ran(one):
    try:
        state = sqlite3.connect(f"file:{one.database}/state.db?mode=ro", uri=True)
        names = [name for name, in state.execute("SELECT name FROM query WHERE executions = 0")]
        count, = state.execute("SELECT count(*) FROM query").fetchone()
        state.close()
    except sqlite3.Error:
        return ["no store yet"]
    return names if count else ["nothing yet"]


def said(one, name, queries):
    return collections.Counter((line["name"], line.get("action"), row_of(line) if "columns" in line else
                                json.dumps(line["snapshot"])) for line in one.lines(name)
                               if line["name"] in queries)


def test_two_days_agree_and_every_line_is_sound(daemon, tmp_path):
    if not PUBLIC.exists():
        pytest.skip("the public queries are not here")
    packs = make_packs()
    assert len(packs) >= 30
    root = make_host(tmp_path / "root")
    config = {"packs": packs, "decorators": {"load": ["SELECT version AS agent FROM osquery_info"]}}
    days = [daemon(config, f"--host_root={root}", "--schedule_splay_percent=101", "--watchdog_level=-1",
                   folder=tmp_path / name).start() for name in ("monday", "tuesday")]
    for day in days:
        wait_for(lambda: not never_ran(day), "every query to have run", 180)
        day.stop()
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
    first, second = (collections.Counter({key: 1 for key in said(day, "snapshots", steady)})
                     for day in days)
    assert first == second
    for name in results & steady:
        queries = {line["name"]: 1 for line in days[0].lines(query=name)}
        assert queries and replay([line for line in days[0].lines(query=name)])
