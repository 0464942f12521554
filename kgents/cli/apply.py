"""`kgents apply -f`: objects from files, for who has no kubectl."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kgents.api import yaml_files
from kgents.api.errors import KgentsError, UsageError
from kgents.cli import options
from kgents.cli.session import open_session

_ENDINGS = frozenset({".yaml", ".yml", ".json"})


def apply(
    filename: Annotated[list[str], typer.Option("-f", "--filename", help="A file, a folder, or - for stdin.")],
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """Apply objects from YAML or JSON files, by server-side apply.

    Nothing is applied when any of the files cannot be read.

    Example: kgents apply -f scholar.yaml
    """
    objects = [obj for name in filename for obj in load(name)]
    if not objects:
        raise UsageError("There is nothing to apply", why=f"{', '.join(filename)} holds no object")
    session = open_session(context, namespace)
    for obj in objects:  # one by one, so that what went well before a failure is said
        for row in session.write("cluster.apply", {"objects": [obj]}).rows():
            typer.echo(f"{str(row.get('kind')).lower()}/{row.get('name')} applied")


def load(name: str) -> list[dict[str, Any]]:
    """The objects of a file, of all files in a folder, or of stdin. Raises KgentsError for what cannot be read."""
    if name == "-":
        return _parse("stdin", sys.stdin.read())
    path = Path(name)
    files = sorted(one for one in path.iterdir() if one.suffix in _ENDINGS) if path.is_dir() else [path]
    try:
        return [obj for file in files for obj in _parse(str(file), file.read_text())]
    except UnicodeDecodeError as error:
        raise KgentsError(f"{name} cannot be read", why="it is no text") from error


def _parse(name: str, text: str) -> list[dict[str, Any]]:
    import yaml

    try:
        documents = [document for document in yaml_files.documents(text) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise KgentsError(f"{name} is no valid YAML", why=f"{error.problem}{where}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise KgentsError(f"{name} is no valid YAML", why=str(error)) from error
    return [obj for document in documents for obj in _objects(name, document)]


def _objects(name: str, document: Any) -> list[dict[str, Any]]:
    if not isinstance(document, dict):
        raise KgentsError(f"{name} holds something that is no object", why="a mapping with apiVersion and kind is one")
    for part in ("apiVersion", "kind"):
        if not isinstance(document.get(part), str):
            raise KgentsError(f"{name} holds an object without {part}", fix=f"Add its {part}")
    if document["kind"] == "List" and isinstance(document.get("items"), list):
        return [obj for item in document["items"] for obj in _objects(name, item)]
    if not isinstance((document.get("metadata") or {}).get("name"), str):
        raise KgentsError(f"{name} holds a {document['kind']} without a name", fix="Add metadata.name")
    return [document]
