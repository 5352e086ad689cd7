# SPDX-License-Identifier: Apache-2.0
"""Tables answer from recorded roots what was recorded."""
import pytest

import fixture


@pytest.mark.parametrize("case", fixture.cases(), ids=str)
def test_fixture(build, case, tmp_path):
    try:
        actual = fixture.answer(build, case, tmp_path)
    except fixture.Skip as reason:
        pytest.skip(str(reason))
    assert actual == (fixture.FOLDER / case).with_suffix(".out").read_text()
