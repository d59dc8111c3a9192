"""In CI a test that is skipped for want of a package fails the session; one that needs absent data does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import NEEDS_DATA

ROOT = Path(__file__).parents[1]
NO_PACKAGE = "import pytest\ndef test_one(): pytest.importorskip('no_such_package_anywhere')\n"
NO_MODULE = "import pytest\npytest.importorskip('no_such_package_anywhere')\ndef test_one(): pass\n"
NO_BROWSER = "import pytest\n@pytest.mark.skipif(True, reason='no Chromium')\ndef test_one(): pass\n"
NO_DATA = f"import pytest\ndef test_one(): pytest.skip('{NEEDS_DATA}: x.jsonl')\n"
XFAIL = "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_one(): assert False\n"


def session(tmp_path, source, ci):
    (tmp_path / "test_it.py").write_text(source)
    (tmp_path / "test_passes.py").write_text("def test_passes(): pass\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.skips", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


@pytest.mark.parametrize("source", [NO_PACKAGE, NO_MODULE, NO_BROWSER], ids=["package", "module", "browser"])
def test_a_skip_for_something_missing_fails_ci_alone(tmp_path, source):
    code, out = session(tmp_path, source, ci="true")
    assert code == 1
    assert "CI must not skip tests, and skipped 1" in out
    assert session(tmp_path, source, ci="")[0] == 0


def test_absent_data_is_allowed_and_counted(tmp_path):
    code, out = session(tmp_path, NO_DATA, ci="true")
    assert code == 0
    assert "Skipped for want of data, which CI allows: 1" in out


def test_an_expected_failure_is_no_skip(tmp_path):
    assert session(tmp_path, XFAIL, ci="true")[0] == 0
