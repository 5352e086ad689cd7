# SPDX-License-Identifier: Apache-2.0
"""All tables obey the contract: their schema, their words, their examples, and what no table may do."""
import collections
import json
import os
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent / "src" / "tables"

FILES = sorted(path for path in SOURCE.rglob("*.c") if not path.with_suffix(".h").exists())
NAMES = [path.stem for path in FILES]


def schema():
    tables, aliases = collections.OrderedDict(), {}
    for line in (HERE / "compat/schema.tsv").read_text().splitlines():
        fields = line.split("\t")
        if line.startswith("#"):
            continue
        if len(fields) == 2:
            aliases[fields[0]] = fields[1].split(",")
        else:
            tables.setdefault(fields[0], []).append(fields[1:])
    return tables, aliases


TABLES, ALIASES = schema()


def declaration(name, described):
    """What CREATE TABLE says, from the facts. Hidden columns of our own may follow those: SELECT * stays."""
    own = described[name]["columns"][len(TABLES[name]):]
    assert all(column["options"] == ["hidden"] for column in own)
    columns = TABLES[name] + [[column["name"], column["type"], "hidden", "", ""] for column in own]
    lines, key = [], []
    has_index = any("index" in options.split(",") for _, _, options, _, _ in columns)
    has_additional = any("additional" in options.split(",") for _, _, options, _, _ in columns)
    for column, kind, options, collation, _ in columns:
        hidden = " HIDDEN" if "hidden" in options.split(",") else ""
        if collation:
            collation = " COLLATE " + ("NOCASE" if collation == "nocase" else collation)
        lines.append(f"`{column}` {kind}{hidden}{collation}")
        if not has_index or {"index", "additional"} & set(options.split(",")):
            key.append(f"`{column}`")
    for column, kind, _, _, alias in columns:
        for name_ in filter(None, alias.split(",")):
            lines.append(f"`{name_}` {kind} HIDDEN")
    if has_index or has_additional:
        return f"({', '.join(lines)}, PRIMARY KEY ({', '.join(key)})) WITHOUT ROWID"
    return f"({', '.join(lines)})"


@pytest.fixture(scope="session")
def described(build):
    """What the tables say of themselves."""
    done = subprocess.run([build / "osqueryi", "--json", ".describe"], capture_output=True, check=True)
    return {table["name"]: table for table in json.loads(done.stdout)}


def run(build, *words, **options):
    return subprocess.run([build / "osqueryi", *words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, errors="backslashreplace", timeout=300, **options)


def test_every_file_is_a_table_that_the_program_has(described):
    assert sorted(described) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_schema(build, described, name):
    if name not in TABLES:
        pytest.skip("a table of our own")
    shown = [line for line in run(build, f".schema {name}").stdout.splitlines()
             if line.startswith(f"CREATE TABLE {name}(")]
    own = shown[0][len(f"CREATE TABLE {name}"):].rstrip(";")
    assert own == declaration(name, described)


@pytest.mark.parametrize("name", NAMES)
def test_options_and_alias(described, name):
    if name not in TABLES:
        pytest.skip("a table of our own")
    table = described[name]
    assert [table["alias"]] == ALIASES.get(name, [""])
    for column, (fact, _, options, _, _) in zip(table["columns"], TABLES[name]):
        expected = {word for word in options.split(",") if word and word != "no_pkey"}
        assert column["name"] == fact and set(column["options"]) == expected, fact


@pytest.mark.parametrize("name", NAMES)
def test_words(described, name):
    table = described[name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert table["about"].endswith(".")
    assert table["examples"], "a table has an example"
    for column in table["columns"]:
        assert column["about"].endswith(".") and column["about"][0].isupper() or \
            column["about"][0].isdigit() or column["about"].endswith("."), column["name"]
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column["name"])
    names = [column["name"] for column in table["columns"]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_fixture(name):
    if name.endswith("_events") and name != "osquery_events":
        pytest.skip("rows of event tables are recorded, not read from a root: test_events.py replays them")
    assert list((HERE / "tables" / name).glob("*.sql"))


def examples():
    for path in FILES:
        block = re.search(r"EXAMPLES\((.*?)\),\n", path.read_text(), re.S)
        if block:
            yield path.stem


@pytest.mark.parametrize("name", list(examples()))
def test_examples_run(build, described, name):
    for example in described[name]["examples"]:
        done = run(build, "--json", example)
        assert done.returncode == 0, f"{example}: {done.stderr}"
        json.loads(done.stdout)


def select_all(described, name, extra=""):
    """A query of all rows, with what the required columns need."""
    required = [column["name"] for column in described[name]["columns"]
                if "required" in column["options"]]
    where = ""
    if required:
        values = {"path": "LIKE '/usr/share/%'", "directory": "= '/usr/share'"}
        where = f" WHERE {required[0]} {values.get(required[0], '= 1')}"
    return f"SELECT * FROM {name}{where}{extra}"


@pytest.mark.parametrize("name", NAMES)
def test_values_have_the_declared_types(build, described, name):
    columns = described[name]["columns"]
    checks = []
    for column in columns:
        kinds = {"TEXT": "('text')", "DOUBLE": "('real', 'null')"}.get(column["type"],
                                                                     "('integer', 'null')")
        checks.append(f"sum(typeof(`{column['name']}`) NOT IN {kinds}) AS `{column['name']}`")
    query = select_all(described, name).replace("*", ", ".join(checks), 1)
    rows = json.loads(run(build, "--json", query).stdout)
    wrong = [key for row in rows for key, value in row.items() if value not in ("", "0")]
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_an_unprivileged_user_gets_an_answer_or_a_reason(build, described, name, root_only):
    def drop():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    done = run(build, "--json", select_all(described, name, " LIMIT 2000"), preexec_fn=drop,
               env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    assert done.returncode >= 0, f"died of signal {-done.returncode}"
    if done.returncode == 0:
        json.loads(done.stdout)
    else:
        assert done.stderr.startswith("Error: ") or "Error: " in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_required_column_is_demanded(build, described, name):
    if not any("required" in column["options"] for column in described[name]["columns"]):
        pytest.skip("no column is required")
    done = run(build, f"SELECT * FROM {name}")
    assert done.returncode == 19
    assert f"Table {name} was queried without a required column in the WHERE clause" in done.stderr


# Tables whose rows change while one looks at them.
RESTLESS = {"processes", "process_open_files", "process_open_sockets", "process_open_pipes",
            "process_memory_map", "process_envs", "process_namespaces", "listening_ports", "uptime",
            "time", "load_average", "cpu_time", "memory_info", "interface_details", "shared_memory",
            "osquery_info", "mounts", "system_controls", "cpu_info", "arp_cache", "kernel_modules"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RESTLESS])
def test_the_same_query_twice_is_stable(build, described, name):
    query = select_all(described, name)
    assert run(build, "--json", query).stdout == run(build, "--json", query).stdout


@pytest.mark.parametrize("name", NAMES)
def test_one_row_costs_no_more_than_all(build, described, name, sanitized):
    """LIMIT 1 reads no more files than the whole table: it stops."""
    profile = run(build, f".profile {select_all(described, name, ' LIMIT 1')}").stdout
    rows = re.search(rf"table: {name}, \d+ scans, (\d+) rows", profile)
    assert not rows or int(rows.group(1)) <= 1 or "generate" in \
        next(path for path in FILES if path.stem == name).read_text()


@pytest.mark.parametrize("name", [name for name in NAMES if name in ALIASES])
def test_an_alias_answers_every_column(build, described, name):
    columns = ", ".join(f"`{column['name']}`" for column in described[name]["columns"])
    for alias in ALIASES[name]:
        query = select_all(described, name).replace("*", columns, 1).replace(f"FROM {name}",
                                                                            f"FROM {alias}")
        assert run(build, "--json", query).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_cancelled(build, described, name):
    """A query that asks the table again and again without an end ends when its time is over."""
    columns = ", ".join(f"max(length(t.`{column['name']}`))" for column in described[name]["columns"])
    query = select_all(described, name).replace("*", columns, 1).replace(
        f"FROM {name}", f"FROM n CROSS JOIN {name} t")
    done = run(build, "--query_wall_limit=100", "WITH RECURSIVE n(i) AS "
               f"(SELECT 1 UNION ALL SELECT i + 1 FROM n) {query}")
    assert done.returncode == 9 and "the query took longer than its 100 ms" in done.stderr
