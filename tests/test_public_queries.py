# SPDX-License-Identifier: Apache-2.0
"""Queries that others published run: a collection kept beside the project, which is not part of it."""
import json
import pathlib
import re
import subprocess

import pytest

FILE = pathlib.Path(__file__).resolve().parents[2] / "shared" / "queries" / "public.jsonl"


def queries():
    if not FILE.exists():
        return []
    found = [json.loads(line) for line in FILE.read_text().splitlines()]
    return [pytest.param(query["sql"], id=f"{number}-{query['name']}")
            for number, query in enumerate(found, 1)]


@pytest.fixture(scope="session")
def tables(build):
    """What .tables lists: "  => name"."""
    done = subprocess.run([build / "osqueryi", ".tables"], capture_output=True, text=True, check=True)
    return set(done.stdout.replace("=>", " ").split())


def names(sql):
    """What stands where a table would, without what the query itself defines with WITH."""
    sql = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", sql, flags=re.S)
    own = {name.lower() for name in re.findall(r"(\w+)\s*(?:\([^()]*\)\s*)?\bas\s*\(", sql, re.I)}
    lists = re.findall(r"\b(?:from|join)\s+([\w\"`]+(?:(?:\s+(?:as\s+)?\w+)?\s*,\s*[\w\"`]+)*)", sql, re.I)
    found = {part.split()[0].strip('"`').lower() for words in lists for part in words.split(",")}
    return found - own


@pytest.mark.skipif(not FILE.exists(), reason="no ../shared/queries/public.jsonl here")
@pytest.mark.parametrize("sql", queries())
def test_it_runs(build, tables, sql):
    missing = sorted(names(sql) - tables)
    if missing:
        pytest.skip("no table " + ", ".join(missing))
    done = subprocess.run([build / "osqueryi", "--json", sql], capture_output=True, text=True,
                          errors="backslashreplace", stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0, f"{sql}\n{done.stderr}"
