"""What the accessors of ringcast.fb show of every golden image."""

import importlib
import pathlib
from typing import Any, Dict

import ringcast


def pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def accessor(name: str) -> Any:
    return getattr(importlib.import_module("ringcast.fb." + name), name)()


def read(image: bytes, name: str, path: str, nested: Dict[str, str]) -> int:
    here = accessor(name)
    here.Init(image, 0)
    *outer, last = path.split(".")
    for field in outer:
        name = nested[name + "." + field]
        here = getattr(here, pascal(field))(accessor(name))
    return int(getattr(here, pascal(last))())


def images(_: ringcast.Domain, golden: str) -> None:
    folder = pathlib.Path(golden)
    nested = dict(line.split() for line in (folder / "nested_generated.txt").read_text().splitlines())
    for fields in sorted((folder / "testdata").glob("*.txt")):  # which fields there are; not their values
        image = fields.with_suffix(".bin").read_bytes()
        for path in (line.split()[0] for line in fields.read_text().splitlines()):
            print(f"{fields.stem}.{path} {read(image, fields.stem, path, nested)}")
