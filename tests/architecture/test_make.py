"""`make` inside a virtual environment that has no pip, as `python -m venv --without-pip` and uv make them."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WITHOUT = "#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n"
WITH = '#!/bin/sh\n[ "$3" = install ] || exit 0\nmkdir -p .uv/bin\ntouch .uv/bin/uv\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name, text in (("without", WITHOUT), ("with", WITH)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def made(folder: Path, *variables: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", "--no-print-directory", ".uv/bin/uv", *variables]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_python_without_pip__is_passed_over(folder: Path) -> None:
    done = made(folder, "PYTHON=./without", "SYSTEM_PYTHONS=./with")
    assert done.returncode == 0 and (folder / ".uv/bin/uv").exists(), done.stderr


def test_no_python_with_pip__is_said_with_the_remedy(folder: Path) -> None:
    done = made(folder, "PYTHON=./without", "SYSTEM_PYTHONS=")
    assert done.returncode == 2
    assert done.stderr.startswith("No Python with pip: name one (make PYTHON=/usr/bin/python3 ...), or install it")
