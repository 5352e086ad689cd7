# SPDX-License-Identifier: Apache-2.0
"""Every TEST of tests/unit/*_test.c."""
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def claims():
    for path in sorted((HERE / "unit").glob("*_test.c")):
        for name in re.findall(r"^TEST\((\w+)\)", path.read_text(), re.M):
            yield pytest.param(path.stem, name, id=f"{path.stem}:{name}")


@pytest.mark.parametrize("program, claim", claims())
def test_unit(build, program, claim):
    done = subprocess.run([build / program, claim], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and f"ok {claim}" in done.stdout, done.stdout + done.stderr
