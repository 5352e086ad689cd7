# SPDX-License-Identifier: Apache-2.0
"""Every query means what it means over an ordinary table: random queries over tables of a recorded host
are answered as over copies of these tables, in which SQLite is on its own.

More of them: HOSTQL_SEEDS=1000:1050 HOSTQL_QUERIES=2000 ./dev test -k differential
"""
import json
import os
import random
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

TABLES = """
    acpi_tables apt_sources arp_cache block_devices cpu_info crontab deb_package_files dns_resolvers etc_hosts
    etc_protocols etc_services groups interface_addresses interface_details iptables kernel_info kernel_modules
    listening_ports load_average memory_map os_version pci_devices process_envs process_memory_map
    process_namespaces process_open_files process_open_pipes process_open_sockets processes routes shadow
    shared_memory sudoers system_controls ulimit_info user_groups users yum_sources
""".split()
# Columns that give other rows when they are constrained, or change with the time.
LEFT_OUT = {"pid_with_namespace", "include_remote", "elapsed_time", "process_open_sockets.pid"}

SEEDS = range(*map(int, os.environ.get("HOSTQL_SEEDS", "1:5").split(":")))
QUERIES = int(os.environ.get("HOSTQL_QUERIES", "1000"))

ODD = ["NULL", "''", "0", "1", "-1", "7", "'7'", "'007'", "7.0", "7.5", "'7.0'", "' 7'", "x''", "x'37'", "0x10",
       "'0x10'", "'abc'", "'%'", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
       "9223372036854774784.0", "-9223372036854775808.0", "1e300", "-1e300", "9e999", "'1e1'", "10", "'ROOT'",
       "'tcp '", "1 + 1", "abs(-22)", "CAST(22 AS TEXT)", "CAST('22' AS INTEGER)", "(SELECT 6)", "(SELECT NULL)"]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    root = tmp_path_factory.mktemp("host")
    for name in ["processes", *TABLES]:
        merge(ROOT / "tests" / "tables" / name / "root", root)
    # a process that has no such file, or garbage in it, is only seen where no column needs the file
    for process in (root / "proc").glob("[0-9]*"):
        for file in ("stat", "status"):
            if process.is_dir() and process.name not in ("1", "2", "12", "100", "101", "102", "103", "109"):
                shutil.copyfile(root / "proc/100" / file, process / file)
    with open(root / "etc/passwd", "a") as passwd:
        passwd.write("\n007:x:7:7:7:/7:07\nROOT:x:0:0:root:/root:/bin/sh\nroot:x:0:0:root:/root:/bin/sh\n")
    with open(root / "etc/group", "a") as group:
        group.write("\n7:x:7:root,007\n007:x:7:\nseven:x:0007:7\n")
    with open(root / "etc/services", "a") as services:
        services.write("\n7\t7/tcp\n007\t7/udp 7\necho\t7/tcp\necho\t7/tcp\nECHO\t7/TCP\n")
    return root


def merge(source, target):
    """Copies what the target lacks."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if os.path.lexists(copy):
            continue
        if path.is_symlink() or path.is_file():
            shutil.copyfile(path, copy, follow_symlinks=False)
        else:
            copy.mkdir()


class Shell:
    """Statements go in, rows come out; a marker stands behind each statement's rows."""

    def __init__(self, build, host):
        self.command = [build / "osqueryi", f"--host_root={host}", "--json"]

    def ask(self, statements):
        script = "".join(f"{one};\nSELECT '-' AS marker;\n" for one in statements)
        done = subprocess.run(self.command, input=script, capture_output=True, text=True, errors="replace",
                              env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TZ": "UTC"})
        assert done.returncode in (0, 1), f"{done.returncode}: {done.stderr[-4000:]}"
        decoder, answers, at, rows = json.JSONDecoder(strict=False), [], 0, None
        while (begin := re.compile(r"\s*").match(done.stdout, at).end()) < len(done.stdout):
            part, at = decoder.raw_decode(done.stdout, begin)
            if part == [{"marker": "-"}]:
                answers.append(rows)
                rows = None
            else:
                rows = [tuple(row.values()) for row in part]
        assert len(answers) == len(statements), done.stderr[-4000:]
        return answers


# SQLite 3.40 meets rows again when a virtual table's pair is looked up in a list below such a join.
SQLITE_ERRS = re.compile(r"(RIGHT|FULL) JOIN.*\(\w+\.\w+, \w+\.\w+\) IN \(", re.S)


class Column:
    def __init__(self, name, kind, collation, values):
        self.name, self.kind, self.collation, self.values = name, kind, collation, values


def load(shell, build):
    """The copies, and what is in them."""
    tables, make = {}, []
    for name in TABLES:
        words = subprocess.run([build / "osqueryi", f".schema {name}"], capture_output=True, text=True).stdout
        found = re.findall(r"`(\w+)` ([A-Z ]+?)( HIDDEN)?( COLLATE \w+)?(?=, |\))", words)
        found = [(column, kind, collate) for column, kind, _, collate in found if not {column, f"{name}.{column}"} & LEFT_OUT]
        columns = ", ".join(column for column, _, _ in found)
        make.append(f"CREATE TABLE copy_{name}({', '.join(f'{c} {k}{x}' for c, k, x in found)})")
        make.append(f"INSERT INTO copy_{name} SELECT {columns} FROM {name}")
        tables[name] = found
    asked = [(name, column) for name in TABLES for column, _, _ in tables[name]]
    answers = shell.ask(make + [f"SELECT DISTINCT quote({column}) v FROM copy_{name} LIMIT 40"
                                for name, column in asked])
    values = dict(zip(asked, answers[len(make):]))
    for name in TABLES:
        tables[name] = [Column(column, kind, collate.split()[-1] if collate else "",
                               [row[0] for row in values[name, column] if "\ufffd" not in row[0]])
                        for column, kind, collate in tables[name]]
        assert any(column.values for column in tables[name]), f"{name} has no rows"
    return make, tables


class Maker:
    """Makes queries; a table's name stands in braces."""

    def __init__(self, seed, tables):
        self.random, self.tables = random.Random(seed), tables
        self.ctes = 0

    def one(self, things):
        return self.random.choice(list(things))

    def chance(self, part):
        return self.random.random() < part

    def column(self, scope):
        alias, table = self.one(scope)
        return alias, self.one(self.tables[table][:4] if self.chance(.5) else self.tables[table])

    def value(self, column):
        if not column.values or self.chance(.3):
            return self.one(ODD)
        value = self.one(column.values)
        if self.chance(.2):
            value = self.one([f"({value})", f"'{value}'" if value[0].isdigit() else f"upper({value})",
                              f"{value}.0" if value.isdigit() else f"lower({value})", f"+{value}",
                              f"CAST({value} AS TEXT)", f"CAST({value} AS INTEGER)", f"({value} || '')",
                              f"(SELECT {value})"])
        return value

    def pattern(self, column):
        text = self.one(column.values or ["'a'"]).strip("'")
        at = self.random.randint(0, len(text))
        some = text[at:at + self.random.randint(0, 4)].replace("'", "")
        return some

    def term(self, scope, depth=0):
        alias, column = self.column(scope)
        left = f"{alias}.{column.name}"
        kind = self.random.randint(0, 22)
        collate = self.one(["", "", "", " COLLATE NOCASE", " COLLATE BINARY", " COLLATE RTRIM"])
        if kind < 6:
            operator = self.one(["=", "=", "=", "==", "<", "<=", ">", ">=", "<>", "IS", "IS NOT"])
            pair = [left, self.value(column)]
            if self.chance(.2):
                pair.reverse()
            return f"{pair[0]} {operator} {pair[1]}{collate}"
        if kind < 9:
            values = ", ".join(self.value(column) for _ in range(self.random.randint(0, 6)))
            return f"{left}{collate} {self.one(['', 'NOT '])}IN ({values})"
        if kind == 9:
            other, table = self.inner()
            inner = self.one(self.tables[table])
            return (f"{left} {self.one(['', 'NOT '])}IN (SELECT {other}.{inner.name} FROM {{{table}}} {other} "
                    f"WHERE {self.where([(other, table)], depth + 1)})")
        if kind == 10:
            return f"{left} {self.one(['', 'NOT '])}BETWEEN {self.value(column)} AND {self.value(column)}"
        if kind < 13:
            some = self.pattern(column)
            return self.one([f"{left} LIKE '{some}%'", f"{left} LIKE '%{some}'", f"{left} LIKE '{some}'",
                             f"{left} NOT LIKE '%{some}%'", f"{left} GLOB '{some}*'", f"{left} GLOB '*{some}'",
                             f"{left} LIKE '{some}!%' ESCAPE '!'", f"{left} LIKE NULL", f"{left} LIKE 7",
                             f"{left} NOT GLOB '*{some}*'", f"'{some}' LIKE {left}"])
        if kind == 13:
            return f"{left} {self.one(['IS NULL', 'IS NOT NULL', 'NOTNULL', 'ISNULL'])}"
        if kind == 14:
            other, second = self.column(scope)
            return f"({left}, {other}.{second.name}) = ({self.value(column)}, {self.value(second)})"
        if kind == 15:
            other, second = self.column(scope)
            inner, table = self.inner()
            pair = ", ".join(f"{inner}.{self.one(self.tables[table]).name}" for _ in range(2))
            if self.chance(.6):
                table = dict(scope)[alias]
                pair = f"{inner}.{column.name}, {inner}.{self.one(self.tables[table]).name}"
                if other == alias:
                    pair = f"{inner}.{column.name}, {inner}.{second.name}"
            return f"({left}, {other}.{second.name}) IN (SELECT {pair} FROM {{{table}}} {inner})"
        if kind == 16:
            return f"({left}, {self.value(column)}) {self.one(['<', '>=', '='])} ({self.value(column)}, 7)"
        if kind == 17 and depth < 2:
            other, table = self.inner()
            return (f"{self.one(['', 'NOT '])}EXISTS (SELECT 1 FROM {{{table}}} {other} WHERE "
                    f"{self.join([(alias, dict(scope)[alias])], other, table)} AND "
                    f"{self.where([(other, table)], depth + 1)})")
        if kind == 18 and depth < 2:
            other, table = self.inner()
            return (f"{left} {self.one(['=', '<', 'IS'])} (SELECT {self.one(['max', 'min', 'count'])}("
                    f"{other}.{self.one(self.tables[table]).name}) FROM {{{table}}} {other} WHERE "
                    f"{self.join([(alias, dict(scope)[alias])], other, table)})")
        if kind == 19:
            other, second = self.column(scope)
            return f"{left} {self.one(['=', '<', '<>', 'IS'])} {other}.{second.name}{collate}"
        if kind == 20:
            return self.one([f"{left} + 0 = {self.value(column)}", f"{left} || '' = {self.value(column)}",
                             f"+{left} = {self.value(column)}", f"length({left}) > {self.random.randint(0, 9)}",
                             f"coalesce({left}, 7) = {self.value(column)}", f"{left}", f"NOT {left}"])
        if kind == 21:
            return f"CASE WHEN {left} = {self.value(column)} THEN 1 ELSE {left} > {self.value(column)} END"
        return self.one(["1", "0", "NULL", "1 = 1", "random() IS NULL"])

    def where(self, scope, depth=0):
        kind = self.random.randint(0, 9)
        if depth > 2 or kind < 4:
            return self.term(scope, depth)
        terms = [self.where(scope, depth + 1) for _ in range(self.random.randint(2, 3))]
        if kind < 6:
            return " AND ".join(f"({term})" for term in terms)
        if kind < 9:
            return " OR ".join(f"({term})" for term in terms)
        return f"NOT ({terms[0]})"

    def inner(self):
        self.ctes += 1
        return f"i{self.ctes}", self.one(self.tables)

    def join(self, scope, alias, table):
        """What joins a table with one in scope: columns of the same name, of the same type, or any."""
        other, first = self.one(scope)
        shared = [column for column in self.tables[table]
                  if column.name in {one.name for one in self.tables[first]}]
        alike = [(a, b) for a in self.tables[first] for b in self.tables[table] if a.kind == b.kind]
        if shared and self.chance(.6):
            name = self.one(shared).name
            return f"{other}.{name} = {alias}.{name}"
        if alike and self.chance(.6):
            a, b = self.one(alike)
            return f"{other}.{a.name} {self.one(['=', '=', 'IS'])} {alias}.{b.name}"
        return (f"{other}.{self.one(self.tables[first]).name} {self.one(['=', '=', 'IS'])} "
                f"{alias}.{self.one(self.tables[table]).name}")

    def source(self, tables):
        """A FROM clause, and what it brings into scope."""
        first = self.one(self.tables)
        scope, text = [("a", first)], f"{{{first}}} a"
        for alias in "bc"[:tables - 1]:
            table = self.one([first, *self.tables, *self.tables])
            kind = self.one(["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "CROSS JOIN", "RIGHT JOIN", "FULL JOIN"])
            condition = self.join(scope, alias, table)
            if self.chance(.3):
                condition += f" AND {self.term([*scope, (alias, table)], 2)}"
            text += f" {kind} {{{table}}} {alias} ON {condition}"
            scope.append((alias, table))
        return text, scope

    def outputs(self, scope, n):
        chosen = [self.column(scope) for _ in range(n)]
        return [f"{alias}.{column.name}" for alias, column in chosen]

    def limit(self):
        number = self.one(["0", "1", "2", "5", "-1", "1000", "9223372036854775807", "1 + 1", "(SELECT 3)"])
        if self.chance(.5):
            number += f" OFFSET {self.one(['0', '1', '3', '-1', '100', '9223372036854775807', '2 - 1'])}"
        return f" LIMIT {number}"

    def query(self):
        """How the answers compare, and the query."""
        text, scope = self.source(self.one([1, 1, 1, 2, 2, 3]))
        columns = self.outputs(scope, self.random.randint(1, 3))
        quoted = ", ".join(f"quote({column}) AS c{i}" for i, column in enumerate(columns))
        where = f" WHERE {self.where(scope)}" if self.chance(.85) else ""
        kind = self.random.randint(0, 13)
        if kind < 4:
            return "set", f"SELECT {quoted} FROM {text}{where}"
        if kind == 4:
            return "count", f"SELECT {quoted} FROM {text}{where if self.chance(.5) else ''}{self.limit()}"
        if kind < 7:
            orders = ", ".join(f"{column}{self.one(['', ' DESC', ' ASC', ' DESC NULLS LAST'])}"
                               for column in columns)
            limit = self.limit() if self.chance(.7) else ""
            where = where if self.chance(.5) else ""
            return "list", f"SELECT {quoted} FROM {text}{where} ORDER BY {orders}{limit}"
        if kind == 7:
            plain = ", ".join(f"{column} AS c{i}" for i, column in enumerate(columns))
            return "fold", f"SELECT DISTINCT {plain} FROM {text}{where if self.chance(.5) else ''}"
        if kind == 8:
            having = f" HAVING count(*) > {self.random.randint(0, 2)}" if self.chance(.5) else ""
            return "fold", (f"SELECT {columns[0]} AS c0, count(*) AS c1, count(DISTINCT {columns[-1]}) AS c2, "
                            f"min({columns[-1]}) AS c3, max({columns[0]}) AS c4 FROM {text}{where} "
                            f"GROUP BY {columns[0]}{having}")
        if kind == 9:
            return "set", f"SELECT count(*) AS c0, count({columns[0]}) AS c1 FROM {text}{where}"
        if kind == 10:
            parts = []
            for _ in range(self.random.randint(2, 3)):
                source, inner = self.source(1)
                condition = f" WHERE {self.where(inner, 1)}" if self.chance(.7) else ""
                parts.append(f"SELECT quote({self.outputs(inner, 1)[0]}) AS c0 FROM {source}{condition}")
            operator = self.one([" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT "])
            limit = self.limit() if self.chance(.3) else ""
            return "count" if limit else "set", operator.join(parts) + limit
        if kind == 11:
            plain = ", ".join(f"{column} AS c{i}" for i, column in enumerate(columns))
            end = f" WHERE c0 {self.one(['=', '>', 'IS NOT'])} {self.one(ODD)}" if self.chance(.5) else ""
            return "set", (f"WITH w AS {self.one(['', 'MATERIALIZED ', 'NOT MATERIALIZED '])}"
                           f"(SELECT {plain} FROM {text}{where}) SELECT quote(c0) AS c0 FROM w{end}")
        if kind == 12:
            return "set", (f"SELECT quote({columns[0]}) AS c0, count(*) OVER (PARTITION BY {columns[0]}) AS c1, "
                           f"rank() OVER (ORDER BY {columns[-1]}) AS c2 FROM {text}{where}")
        alias, table = self.inner()
        return "set", (f"SELECT {quoted}, (SELECT count(*) FROM {{{table}}} {alias} WHERE "
                       f"{self.join(scope, alias, table)}) AS c9 FROM {text}{where}")


def comparable(how, rows):
    if rows is None:
        return None
    if how == "count":
        return len(rows)
    if how in ("fold", "list"):  # which of two texts that the collation calls equal is left open
        rows = [tuple(str(value).lower() for value in row) for row in rows]
    return rows if how == "list" else sorted(rows, key=str)


@pytest.mark.parametrize("seed", SEEDS)
def test_differential(build, host, seed):
    shell = Shell(build, host)
    make, tables = load(shell, build)
    maker = Maker(seed, tables)
    queries = [query for query in (maker.query() for _ in range(QUERIES)) if not SQLITE_ERRS.search(query[1])]
    ours = {name: name for name in TABLES}
    theirs = {name: f"copy_{name}" for name in TABLES}
    both = [query.format(**names) for _, query in queries for names in (ours, theirs)]
    answers = shell.ask(make + both)[len(make):]
    wrong = [(both[2 * i], comparable(how, answers[2 * i]), comparable(how, answers[2 * i + 1]))
             for i, (how, _) in enumerate(queries)
             if comparable(how, answers[2 * i]) != comparable(how, answers[2 * i + 1])]
    answered = sum(rows is not None for rows in answers)
    assert answered > len(answers) * .9
    for query, got, expected in sorted(wrong, key=lambda one: len(one[0]))[:10]:
        print(f"{query}\n  got {str(got)[:300]}\n  not {str(expected)[:300]}")
    assert not wrong, f"{len(wrong)} of {len(queries)} queries were answered wrongly"
