# SPDX-License-Identifier: Apache-2.0
"""What is written is true: pages are what the tables say, commands that are named exist, links lead somewhere."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")] \
    + sorted((ROOT / "docs").rglob("*.md"))


def test_pages_of_tables_are_what_the_tables_say(build):
    done = subprocess.run([ROOT / "tools/make-docs", build, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_commands_of_the_readme_exist():
    names = re.findall(r"^\./dev (\w+)", (ROOT / "README.md").read_text(), re.M)
    assert names[:2] == ["run", "test"]
    usage = subprocess.run([ROOT / "dev", "help"], capture_output=True, text=True).stdout
    assert all(re.search(rf"^\t{name}\b", usage, re.M) for name in names)


def test_queries_of_the_documents_run(build):
    for page in (ROOT / "README.md", ROOT / "docs/guide.md"):
        for sql in re.findall(r"osquery> (SELECT.*?;)", page.read_text(), re.S):
            sql = sql.replace("\n    ...>", " ")
            done = subprocess.run([build / "osqueryi", "--json", sql], capture_output=True, text=True)
            assert done.returncode == 0, f"{sql}: {done.stderr}"
