"""The pack for machines that index research: `ro-crate-metadata.json`, an RO-Crate 1.1 with the Process Run, Workflow
Run (0.5) and Workflow (1.0) profiles, whose run is the run of the spec.

https://w3id.org/ro/crate/1.1, https://w3id.org/ro/wfrun/workflow/0.5
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from entrack.artifact.identity import lock_name
from entrack.artifact.lock import Lock, texts_in
from entrack.artifact.names import CITATION, CRATE, LICENCE, NUMBERS, README, REPORT, RESULTS
from entrack.results import Results

PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate"),
)
_AUTHORS = re.compile(r"\s*(?:[,;]|\band\b)\s*")
KINDS = {
    ".cff": "text/yaml",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".lock": "text/plain",
    ".md": "text/markdown",
    ".svg": "image/svg+xml",
    ".tex": "application/x-tex",
}

Entity = dict[str, Any]


def crate(
    spec: str,
    about: Mapping[str, str],
    lock: Lock,
    results: Results,
    names: Collection[str],
    date: str,
) -> bytes:
    """The metadata of a pack with these members, published on a day."""
    graph = [
        _descriptor(),
        _root(spec, about, results, names, date),
        *(
            {"@id": id, "@type": "CreativeWork", "name": name, "version": id.rpartition("/")[2]}
            for id, name in PROFILES
        ),
        _workflow(spec, results),
        _language(lock),
        _entrack(lock),
        _run(spec, results, names, lock),
        *_files(spec, names),
        *_folders(names),
        *_models(lock),
        *_authors(about),
    ]
    whole = {"@context": "https://w3id.org/ro/crate/1.1/context"}
    return (json.dumps({**whole, "@graph": graph}, indent=1) + "\n").encode()


def _ref(name: str) -> Entity:
    """A member as the metadata name it."""
    return {"@id": quote(name)}


def _descriptor() -> Entity:
    return {
        "@id": CRATE,
        "@type": "CreativeWork",
        "conformsTo": [{"@id": "https://w3id.org/ro/crate/1.1"}, {"@id": PROFILES[2][0]}],
        "about": {"@id": "./"},
    }


def _root(spec: str, about: Mapping[str, str], results: Results, names: Collection[str], date: str) -> Entity:
    held = sum(claim.passed for claim in results.claims)
    return {
        "@id": "./",
        "@type": "Dataset",
        "conformsTo": [{"@id": id} for id, _ in PROFILES],
        "name": results.title or spec,
        "description": f"A spec of an experiment on language models with all that its numbers rest on; {held} of "
        f"{len(results.claims)} claims hold",
        "datePublished": date,
        "license": {"@id": LICENCE} if LICENCE in names else "not stated",
        "mainEntity": _ref(f"spec/{spec}"),
        "hasPart": list(map(_ref, (f"spec/{spec}", *_file_names(spec, names), *_folder_names(names)))),
        "mentions": [{"@id": "#run"}],
        **({"author": [{"@id": author["@id"]} for author in _authors(about)]} if "authors" in about else {}),
        **({"citation": about["cite"]} if "cite" in about else {}),
    }


def _workflow(spec: str, results: Results) -> Entity:
    return {
        **_ref(f"spec/{spec}"),
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": results.title or spec,
        "programmingLanguage": {"@id": "#language"},
    }


def _language(lock: Lock) -> Entity:
    version = lock.facts["language"]
    return {
        "@id": "#language",
        "@type": "ComputerLanguage",
        "name": "entrack",
        "alternateName": "the language of entrack specs",
        "identifier": {"@id": "https://pypi.org/project/entrack/"},
        "url": {"@id": "https://pypi.org/project/entrack/"},
        "version": version,
    }


def _entrack(lock: Lock) -> Entity:
    stack = {
        key.removeprefix("version "): value for key, value in sorted(lock.facts.items()) if key.startswith("version ")
    }
    return {
        "@id": "#entrack",
        "@type": "SoftwareApplication",
        "name": "entrack",
        "url": "https://pypi.org/project/entrack/",
        "softwareVersion": stack["entrack"],
        "softwareRequirements": [f"{name} {version}" for name, version in stack.items() if name != "entrack"],
    }


def _run(spec: str, results: Results, names: Collection[str], lock: Lock) -> Entity:
    made = [name for name in (RESULTS, *_folder_names(names)) if name != "spec/"]
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"entrack run {spec}",
        "instrument": _ref(f"spec/{spec}"),
        "object": [*map(_ref, _data(spec, names)), *({"@id": entity["@id"]} for entity in _models(lock))],
        "result": [{"@id": name} for name in made],
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        "description": results.provenance.tolerance,
    }


def _files(spec: str, names: Collection[str]) -> Iterator[Entity]:
    for name in _file_names(spec, names):
        kind = KINDS.get(name[name.rfind(".") :] if "." in name else "")
        yield {
            **_ref(name),
            "@type": "File",
            "name": name.rpartition("/")[2],
            **({"encodingFormat": kind} if kind else {}),
        }


def _folders(names: Collection[str]) -> Iterator[Entity]:
    words = {
        "figures/": "The figures that the spec asks for",
        "outcomes/": "What each model said to each prompt, step by step; safetensors",
        "tables/": "The results as tables",
    }
    for name in _folder_names(names):
        yield {"@id": name, "@type": "Dataset", "name": name.rstrip("/"), "description": words[name]}


def _models(lock: Lock) -> Iterator[Entity]:
    for key, value in sorted(lock.facts.items()):
        words = key.split(" ")
        if words[0] != "model" or len(words) != 2:
            continue
        kind, (name,) = value.partition(" ")[0], texts_in(value)
        licence = lock.facts.get(f"{key} licence")
        yield {
            "@id": f"#model-{words[1]}",
            "@type": "CreativeWork",
            "name": f"{words[1]}: {kind}({json.dumps(name)})",
            **({"url": f"https://huggingface.co/{name}", "version": value[-40:]} if kind == "hub" else {}),
            **({"license": json.loads(licence)} if licence else {}),
        }


def _authors(about: Mapping[str, str]) -> Iterator[Entity]:
    names = filter(None, _AUTHORS.split(about.get("authors", "")))
    yield from ({"@id": f"#author-{place}", "@type": "Person", "name": name} for place, name in enumerate(names, 1))


def _file_names(spec: str, names: Collection[str]) -> list[str]:
    known = {README, RESULTS, REPORT, NUMBERS, CITATION, LICENCE, lock_name(spec)} & set(names)
    return sorted(known | set(_data(spec, names)))


def _data(spec: str, names: Collection[str]) -> list[str]:
    """What the spec reads beside itself."""
    own = {f"spec/{spec}", lock_name(spec)}
    return sorted(name for name in names if name.startswith("spec/") and name not in own)


def _folder_names(names: Collection[str]) -> list[str]:
    return sorted(folder for folder in ("figures/", "outcomes/", "tables/") if any(map(_below(folder), names)))


def _below(folder: str) -> Any:
    return lambda name: name.startswith(folder)
