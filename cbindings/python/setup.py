"""Builds the extension. The C library's sources lie beside this folder in a checkout, and in
csrc in a source distribution, which has to build anywhere."""

import pathlib
import shutil

from setuptools import setup
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent


class SourceDistribution(sdist):
    """Takes the C library along."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        library, target = HERE / "csrc", pathlib.Path(base_dir) / "csrc"
        if not library.is_dir():
            library = HERE.parent
        for pattern in ("src/*.[ch]", "include/ringcast.h", "include/ringcast/*.h"):
            for file in sorted(library.glob(pattern)):
                to = target / file.relative_to(library)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, to)


setup(cffi_modules=["build_native.py:ffibuilder"], cmdclass={"sdist": SourceDistribution})
