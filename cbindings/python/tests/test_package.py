"""The package as users get it: a source distribution and a wheel, away from the checkout."""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

from conftest import PATIENCE, checkout

PACKAGE = checkout() / "cbindings/python"


def run(*args, cwd, **env):
    done = subprocess.run(
        [sys.executable, *map(str, args)],
        cwd=cwd,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=10 * PATIENCE,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_source_distribution_and_wheel(tmp_path, directory):
    """Builds both from a copy; the wheel from the source distribution alone."""
    copy = tmp_path / "copy" / "cbindings"
    for part in ("src", "include", "python"):
        shutil.copytree(checkout() / "cbindings" / part, copy / part, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    out = tmp_path / "out"
    run("-m", "build", "--no-isolation", "--outdir", out, copy / "python", cwd=tmp_path)
    (source,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    with tarfile.open(source) as t:
        names = {"/".join(pathlib.PurePath(n).parts[1:]) for n in t.getnames()}
    for wanted in ("csrc/src/ring.h", "csrc/src/domain.c", "csrc/include/ringcast.h", "csrc/include/ringcast/layout.h", "native/message.c", "build_native.py"):
        assert wanted in names, wanted
    with zipfile.ZipFile(wheel) as z:
        inside = set(z.namelist())
    assert {"ringcast/py.typed", "ringcast/_native.pyi", "ringcast/__init__.py", "ringcast/fb/SlotHeader.py"} <= inside
    assert [n for n in inside if n.endswith(".so")] and not [n for n in inside if n.startswith(("csrc", "tests"))]
    shutil.rmtree(copy)
    place = tmp_path / "place"
    run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--target", place, wheel, cwd=tmp_path)
    text = "import ringcast; d = ringcast.Domain(); s = d.subscribe('t'); d.publisher('t').publish(b'x'); print(ringcast.__file__, bytes(s.next(60)))"
    said = run("-c", text, cwd=tmp_path, PYTHONPATH=str(place), RINGCAST_SHM_DIR=directory)
    assert str(place) in said and "b'x'" in said


def test_nothing_but_its_own_names_is_visible():
    """The C library inside must not meet another one in the same process."""
    import ringcast._native

    out = subprocess.run(["nm", "-D", "--defined-only", ringcast._native.__file__], capture_output=True, text=True, check=True).stdout
    names = [line.split()[-1] for line in out.splitlines()]
    assert [n for n in names if not n.startswith("rc_")] == ["PyInit__native"] or names == ["PyInit__native"], names
