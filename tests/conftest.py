# SPDX-License-Identifier: Apache-2.0
"""What all tests share: the build they test, and the closing line."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

# recorded hosts are data, and their links may lead anywhere
collect_ignore = ["tables"]


def pytest_addoption(parser):
    parser.addoption("--build", default="build", help="the build folder to test")


@pytest.fixture(scope="session")
def build(request):
    return (ROOT / request.config.getoption("--build")).resolve()


@pytest.fixture(scope="session")
def sanitized(build):
    return "sanitized" in build.name


@pytest.fixture(scope="session")
def ask(build):
    """Runs SQL and gives its rows as a list of dicts of strings."""
    import json

    def run(sql, *flags, check=True, **options):
        done = subprocess.run([f"{build}/osqueryi", "--json", *flags, sql], capture_output=True,
                              stdin=subprocess.DEVNULL, **options)
        if check:
            assert done.returncode == 0, done.stderr.decode()
            return json.loads(done.stdout)
        return done

    return run


@pytest.fixture
def root_only():
    if os.geteuid() != 0:
        pytest.skip("needs root")
