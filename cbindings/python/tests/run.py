"""Runs the tests and prints a line for each: `ok NAME`, `not ok NAME: reason`, `skip NAME: reason`.

    python run.py [arguments of pytest]
"""

import os
import pathlib
import sys

import pytest


# pytest's own words go to the standard error, and so does what tests print.
LINES = os.fdopen(os.dup(1), "w", buffering=1)


class Lines:
    def pytest_runtest_logreport(self, report):
        if report.failed:
            text = report.longreprtext.strip()
            self.show(report.nodeid, text)
        elif report.skipped:
            print(f"skip {report.nodeid}: {report.longrepr}", file=LINES)
        elif report.when == "call":
            print(f"ok {report.nodeid}", file=LINES)

    def pytest_collectreport(self, report):
        if report.failed:
            self.show(report.nodeid or "collection", report.longreprtext)

    def show(self, name, text):
        print(f"not ok {name}: {text.splitlines()[-1] if text else 'failed'}", file=LINES)


if __name__ == "__main__":
    here = str(pathlib.Path(__file__).resolve().parent)
    sys.stdout = sys.stderr
    code = pytest.main(["-q", "-p", "no:cacheprovider", *(sys.argv[1:] or [here])], plugins=[Lines()])
    LINES.close()
    sys.exit(code)
