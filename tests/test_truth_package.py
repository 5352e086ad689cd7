# SPDX-License-Identifier: Apache-2.0
"""Packages are those that dpkg, apt, Python and npm name themselves."""
import importlib.metadata
import json
import os
import pathlib
import shutil
import subprocess

import pytest


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True,
                          errors="surrogateescape").stdout


def need(tool):
    if not shutil.which(tool):
        pytest.skip(f"no {tool}")


FIELDS = {"name": "Package", "version": "Version", "source": "Source", "size": "Installed-Size",
          "arch": "Architecture", "status": "Status", "maintainer": "Maintainer", "section": "Section",
          "priority": "Priority"}


def dpkg_packages(*options):
    form = "\t".join("${%s}" % field for field in FIELDS.values()) + "\n"
    lines = output("dpkg-query", *options, "-W", "-f", form).splitlines()
    rows = [dict(zip(FIELDS, line.split("\t"))) for line in lines]
    return [row for row in rows if not row["status"].endswith("not-installed")]


def in_order(rows):
    return sorted(rows, key=lambda row: (row["name"], row["arch"]))


def test_deb_packages_are_those_of_dpkg_query(ask):
    need("dpkg-query")
    expected = dpkg_packages()
    assert expected
    for row in expected:
        version = row["version"]
        row["revision"] = version.rsplit("-", 1)[1] if "-" in version else ""
    columns = ", ".join([*FIELDS, "revision"])
    assert in_order(ask(f"SELECT {columns} FROM deb_packages")) == in_order(expected)


def test_deb_packages_of_an_unfinished_dpkg(ask, tmp_path):
    need("dpkg-query")
    def stanza(name, status, arch="amd64", version="1"):
        return (f"Package: {name}\nStatus: {status}\nArchitecture: {arch}\nVersion: {version}\n"
                "Maintainer: x <x@example.org>\nDescription: x\n\n")
    (tmp_path / "updates").mkdir()
    (tmp_path / "info").mkdir()
    (tmp_path / "info" / "format").write_text("1\n")
    (tmp_path / "triggers").mkdir()
    (tmp_path / "status").write_text(
        stanza("changed", "install ok unpacked") + stanza("kept", "install ok installed") +
        stanza("removed", "install ok installed") + stanza("purged", "deinstall ok config-files"))
    (tmp_path / "updates" / "0000").write_text(stanza("changed", "install ok half-configured"))
    (tmp_path / "updates" / "0001").write_text(stanza("changed", "install ok installed", version="2"))
    (tmp_path / "updates" / "0002").write_text(stanza("removed", "purge ok not-installed"))
    (tmp_path / "updates" / "0003").write_text(stanza("added", "install ok installed", "all"))
    (tmp_path / "updates" / "0004").write_text("Package: purged\nStatus: purge ok not-installed\n\n")
    expected = [{key: row[key] for key in ("name", "arch", "version", "status")}
                for row in dpkg_packages(f"--admindir={tmp_path}")]
    assert len(expected) == 3
    assert in_order(ask(f"SELECT name, arch, version, status FROM deb_packages WHERE admindir = '{tmp_path}'"
                        )) == in_order(expected)


def test_deb_package_files_are_those_of_dpkg_query(ask):
    need("dpkg-query")
    installed = {row["name"] for row in dpkg_packages() if row["status"] == "install ok installed"}
    some = sorted(installed & {"dpkg", "bash", "libc6", "coreutils", "tzdata", "python3-minimal"})
    assert some
    for name in some:
        # lines that do not begin with a '/' tell of diversions
        expected = {line for line in output("dpkg-query", "-L", name).splitlines() if line[:1] == "/"}
        rows = ask(f"SELECT path FROM deb_package_files WHERE package = '{name}'")
        assert {row["path"] for row in rows} == expected


def test_apt_sources_are_those_of_apt(ask):
    need("apt-get")
    lines = output("apt-get", "indextargets", "--format", "$(REPO_URI)\t$(RELEASE)\t$(ORIGIN)\t$(CODENAME)",
                   "Created-By: Packages").splitlines()
    targets = {tuple(line.split("\t")) for line in lines}
    lists = pathlib.Path("/var/lib/apt/lists")
    if not targets or not list(lists.glob("*Release")):
        pytest.skip("apt knows no repository, or never fetched one")
    rows = ask("SELECT base_uri, name, release, maintainer FROM apt_sources")
    assert {(row["base_uri"].rstrip("/") + "/", row["name"].split(" ")[1], row["maintainer"], row["release"])
            for row in rows} == {target for target in targets if target[3]}


def python_folders():
    return [path for path in sorted({*pathlib.Path("/usr/lib").glob("python3/dist-packages"),
                                     *pathlib.Path("/usr/local/lib").glob("python3*/dist-packages"),
                                     *pathlib.Path("/usr/lib").glob("python3*/site-packages")})
            if path.is_dir() and any(path.iterdir())]


def test_python_packages_are_those_of_importlib(ask):
    folders = python_folders()
    if not folders:
        pytest.skip("no packages of Python")
    for folder in folders:
        expected = sorted((each.metadata["Name"], each.version, (each.metadata["Summary"] or "").split("\n")[0])
                          for each in importlib.metadata.distributions(path=[str(folder)])
                          if each.metadata["Name"])
        rows = ask(f"SELECT name, version, summary FROM python_packages WHERE directory = '{folder}'")
        assert sorted((row["name"], row["version"], row["summary"]) for row in rows) == expected


def walk(tree, found):
    for name, each in tree.get("dependencies", {}).items():
        if "version" in each:
            found.add((name, each["version"]))
        walk(each, found)
    return found


def test_npm_packages_contain_those_of_npm(ask):
    need("npm")
    prefix = output("npm", "root", "--global").strip()
    site = os.path.dirname(prefix)
    done = subprocess.run(["npm", "ls", "--global", "--json", "--all"], capture_output=True, text=True)
    expected = walk(json.loads(done.stdout), set())
    rows = ask(f"SELECT name, version FROM npm_packages WHERE directory = '{site}'")
    assert expected and expected <= {(row["name"], row["version"]) for row in rows}
