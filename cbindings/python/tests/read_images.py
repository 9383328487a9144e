"""Reads every golden image through the accessors of ringcast.fb.

    python read_images.py GOLDEN

GOLDEN is the folder codec/golden; the package is installed. Prints "ok NAME" or "not ok NAME: reason" for
each struct and exits with 1 if one was not read as it was written.
"""

import importlib
import pathlib
import sys


def pascal(name):
    """Turns a field's name into that of its accessor."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def accessor(name):
    """Returns a new accessor for the struct of that name."""
    return getattr(importlib.import_module("ringcast.fb." + name), name)()


class Images:
    def __init__(self, golden):
        self.folder = golden / "testdata"
        lines = (golden / "nested_generated.txt").read_text().splitlines()
        self.nested = dict(line.split() for line in lines)

    def names(self):
        return sorted(path.stem for path in self.folder.glob("*.bin"))

    def read(self, name, path):
        """Returns the value of one field of the image, by its path."""
        here = accessor(name)
        here.Init((self.folder / (name + ".bin")).read_bytes(), 0)
        *outer, last = path.split(".")
        for field in outer:
            inner = self.nested[name + "." + field]
            here = getattr(here, pascal(field))(accessor(inner))
            name = inner
        return getattr(here, pascal(last))()

    def check(self, name):
        """Returns what is wrong with the image, or None."""
        for line in (self.folder / (name + ".txt")).read_text().splitlines():
            path, want = line.split()
            got = self.read(name, path)
            if got != int(want):
                return f"{path} = {got}, want {want}"
        return None


def main(golden):
    images = Images(pathlib.Path(golden))
    failed = False
    for name in images.names():
        try:
            wrong = images.check(name)
        except Exception as e:  # a missing accessor is a result, not an end
            wrong = repr(e)
        print(f"not ok {name}: {wrong}" if wrong else f"ok {name}")
        failed = failed or wrong is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
