"""Runs the tests and prints a line for each: `ok NAME`, `not ok NAME: reason`, `skip NAME: reason`.

    python run.py [arguments of pytest]
"""

import pathlib
import sys

import pytest


class Lines:
    def pytest_runtest_logreport(self, report):
        if report.failed:
            text = report.longreprtext.strip()
            self.show(report.nodeid, text)
        elif report.skipped:
            print(f"skip {report.nodeid}: {report.longrepr}", flush=True)
        elif report.when == "call":
            print(f"ok {report.nodeid}", flush=True)

    def pytest_collectreport(self, report):
        if report.failed:
            self.show(report.nodeid or "collection", report.longreprtext)

    def show(self, name, text):
        print(f"not ok {name}: {text.splitlines()[-1] if text else 'failed'}", flush=True)
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    here = str(pathlib.Path(__file__).resolve().parent)
    sys.exit(pytest.main(["-p", "no:terminal", "-p", "no:cacheprovider", *(sys.argv[1:] or [here])], plugins=[Lines()]))
