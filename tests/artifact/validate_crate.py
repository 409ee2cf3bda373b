"""Holds the metadata of packs against the profiles that they name, with roc-validator. Run by the Python of an
environment that has it and rocrate (`make crates`), never by the tests' own.

No network is asked: the context of RO-Crate 1.1 comes from rocrate's own copy, which is put where the validator looks.
The copy calls terms of bioschemas.org by an address that the profiles do not know.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

PROFILES = ("ro-crate-1.1", "process-run-crate-0.5", "workflow-ro-crate-1.0", "workflow-run-crate-0.5")
CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def seed(cache: Path) -> None:
    """Answer the one question that the validator has for the network."""
    import rocrate
    from requests.adapters import HTTPAdapter
    from requests_cache import CachedSession
    from urllib3 import HTTPResponse

    copy = (Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text(encoding="utf-8")
    text = copy.replace("bioschemas.org/terms/", "bioschemas.org/").encode()

    class Here(HTTPAdapter):
        def send(self, request: Any, *_: Any, **__: Any) -> Any:
            headers = {"Content-Type": "application/ld+json"}
            raw = HTTPResponse(BytesIO(text), headers, 200, preload_content=False, request_url=request.url)
            return self.build_response(request, raw)

    with CachedSession(cache_name=str(cache), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Here())
        session.get(CONTEXT)


def problems(pack: Path, profile: str, cache: Path) -> list[str]:
    """What a profile requires and a pack does not have."""
    from rocrate_validator import services
    from rocrate_validator.models import Severity, ValidationSettings

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(pack) as archive:
            archive.extractall(folder)
        settings = ValidationSettings(
            rocrate_uri=folder,
            profile_identifier=profile,
            requirement_severity=Severity.REQUIRED,
            offline=True,
            cache_path=cache,
        )
        result = services.validate(settings)
    return [f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()]


def main(packs: list[str]) -> int:
    """0: all packs are what they say."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        seed(cache)
        for pack in packs:
            for profile in PROFILES:
                found = problems(Path(pack), profile, cache)
                failed += bool(found)
                print(f"{Path(pack).name}, {profile}: {'; '.join(found) or 'valid'}")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
