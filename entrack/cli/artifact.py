"""`entrack lock`, `pack` and `unpack`, and what `verify` does with packs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrack.cli import exit_codes
from entrack.cli.exit_codes import failures, leave, say
from entrack.cli.options import Accepted, Device, Json, Params, SpecPath, StoreFolder, params
from entrack.cli.runs import SUFFIX
from entrack.cli.units import bytes_given

if TYPE_CHECKING:
    from rich.console import RenderableType

    from entrack.artifact.archive import Archive
    from entrack.artifact.content import Content
    from entrack.artifact.lock import Lock, Moved
    from entrack.artifact.paper import PaperCheck
    from entrack.artifact.verify import Finding, PackVerification

STATUSES = {"differs": exit_codes.CLAIM_FAILED, "not tried": exit_codes.NOT_TRIED}
PLURALS = {"discovery": "discoveries"}
SHOWN = {"same": "✓ same", "within": "✓ within tolerance", "differs": "✗ DIFFERS", "not tried": "? not tried"}


def lock(
    spec: SpecPath,
    p: Params = None,
    store: StoreFolder = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="write nothing; say what moved since, with status 1 when something did")
    ] = False,
    device: Device = None,
    accept: Accepted = None,
    as_json: Json = False,
) -> None:
    """Write down what a spec is made of, beside it as SPEC.lock: its files, its models' files and revisions, the
    steps of its plan, versions."""
    with failures(as_json=as_json) as shown:
        from entrack import api
        from entrack.artifact import facts
        from entrack.artifact.lock import moved, path_of, read
        from entrack.files import put
        from entrack.run import repository_of

        old = read(path_of(spec)) if diff else None
        loaded = api.checked(api.read(spec), params(p))
        opened = api.open_store(api.store_folder(store), inspect=True)
        repository = repository_of(opened, accept, device)
        new = facts.lock_of(loaded.checked_spec, repository)
        if old is None:
            put(path_of(spec), new.text.encode())
            say(f"wrote {path_of(spec)}: {_locked(new, facts.declined_words(repository))}")
            return
        lines = moved(old, new)
        shown.give(_moved_json, _moved_text, lines)
        if lines:
            leave(exit_codes.CLAIM_FAILED)


def _locked(lock: Lock, declined: str) -> str:
    """What a lock holds; `declined` says which values are there and were not taken."""
    many = (lock.facts.get("root all") or lock.facts["root known"]).partition(" ")[0]
    if "root all" in lock.facts:
        return f"{len(lock.facts)} lines, with all {many} addresses of its steps"
    known = f"the {many} addresses of its steps that are known before a run"
    return f"{len(lock.facts)} lines, with {known}; {declined or 'run, then lock again for all'}"


def _moved_json(lines: tuple[Moved, ...]) -> list[dict[str, str | None]]:
    return [{"key": line.key, "old": line.old, "new": line.new} for line in lines]


def _moved_text(lines: tuple[Moved, ...]) -> str:
    from rich.markup import escape

    return escape("\n".join(map(str, lines)) or "nothing moved")


def pack(
    spec: SpecPath,
    p: Params = None,
    store: StoreFolder = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="where the pack goes (default: SPEC.etz)")
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="leave out who made it, and fail where anything in it would say so")
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="WORD", help="with --anonymous: a word that says nothing about you"),
    ] = None,
    max_size: Annotated[
        str, typer.Option("--max-size", metavar="BYTES", help="leave figures out rather than be larger")
    ] = "100M",
    device: Device = None,
    accept: Accepted = None,
) -> None:
    """Put a spec that has been run into one file, with all that its numbers rest on but the models' weights."""
    with failures():
        from entrack import api
        from entrack.artifact.pack import packed
        from entrack.files import put
        from entrack.run import repository_of

        loaded = api.checked(api.read(spec), params(p))
        opened = api.open_store(api.store_folder(store), inspect=True)
        repository = repository_of(opened, accept, device)
        most = bytes_given("--max-size", max_size)
        made = packed(loaded.checked_spec, repository, anonymous=anonymous, allowed=allow or (), most=most)
        place = put(out or spec.with_suffix(SUFFIX), made.data)
        say(f"wrote {place}: {len(made.members)} files, {len(made.data):,} bytes, content root {made.content_root}")
        if made.left_out:
            say(f"left out, to stay below {max_size}: {', '.join(made.left_out)}")


def unpack(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="a SPEC.etz", show_default=False)],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="a new folder", show_default=False)],
) -> None:
    """Put all files of a pack into a new folder. A spec changed there runs with `entrack run SPEC --from PACK`."""
    with failures():
        from entrack.artifact.archive import opened
        from entrack.artifact.content import put_inside
        from entrack.artifact.verify import hold_to_manifest

        with closing(opened(pack)) as archive:
            hold_to_manifest(archive)
            folder.mkdir(parents=True)
            for name in archive.names:
                put_inside(folder, name, archive.read(name))
        say(f"wrote {len(archive.names)} files into {folder}")


def verify_pack(path: Path, level: int, minutes: float | None, options: Mapping[str, Any], *, as_json: bool) -> None:
    """Hold a pack against itself, from level 2 on against the models, and a paper against it where one is named."""
    with failures(as_json=as_json) as shown:
        import json

        from entrack.address import file_digest
        from entrack.artifact.archive import opened
        from entrack.artifact.receipt import receipt
        from entrack.artifact.tex import paper_read
        from entrack.artifact.verify import verified
        from entrack.cli.paper import paper_checked
        from entrack.files import put

        text = None if options["paper"] is None else paper_read(options["paper"])
        with closing(opened(path)) as archive:

            def further(found: PackVerification, content: Content) -> PackVerification:
                return _against_models(found, content, archive, level, minutes, options)

            found = verified(archive, file_digest(path), further if level > 1 else None)
            sound = found.verdict != "differs"
            paper = paper_checked(text, archive) if text is not None and sound else None
        if text is not None and not sound:
            say("the paper was not held against a pack that differs")
        if paper is None:
            shown.give(receipt, _verified_text, found)
        else:
            shown.give(_with_paper_json, _with_paper_text, found, paper)
        if options["receipt"] is not None:
            put(options["receipt"], (json.dumps(receipt(found), indent=1) + "\n").encode())
        if paper is not None and (paper.wrong or (options["strict"] and (paper.from_nowhere or paper.unread))):
            leave(exit_codes.CLAIM_FAILED)
        if found.verdict in STATUSES:
            leave(STATUSES[found.verdict])


def _with_paper_json(found: PackVerification, paper: PaperCheck) -> dict[str, Any]:
    from entrack.artifact.receipt import receipt
    from entrack.cli.paper import paper_json

    return {**receipt(found), "paper": paper_json(paper)}


def _with_paper_text(found: PackVerification, paper: PaperCheck) -> RenderableType:
    from rich.console import Group

    from entrack.cli.paper import paper_text

    return Group(_verified_text(found), "", paper_text(paper))


def _against_models(
    found: PackVerification,
    content: Content,
    archive: Archive,
    level: int,
    minutes: float | None,
    options: Mapping[str, Any],
) -> PackVerification:
    """Levels 2 and 3 of a pack that is whole."""
    from entrack.artifact.recompute import computed_again, with_tried
    from entrack.artifact.run_pack import with_models
    from entrack.cli.progress import ProgressBar
    from entrack.events import one_at_a_time
    from entrack.plan.executor_kind import ExecutorKind
    from entrack.run import employed_here, repository_of
    from entrack.workers.room import workers_given

    spec = with_models(content, {}, options["models"] or archive.path.parent).checked_spec
    kind = ExecutorKind.of(reference=options["reference"])
    many = workers_given(options["workers"], options["device"], options["gpus_per_worker"])
    repository = repository_of(
        content.store,
        "any",
        options["device"],
        options["threads"],
        options["memory"],
        gpus_per_worker=options["gpus_per_worker"],
        workers=many,
    )
    with ProgressBar() as bar:
        employ = employed_here(many, kind)
        tried = computed_again(content, spec, repository, kind, minutes, one_at_a_time(bar), employ)
    return with_tried(found, tried, level)


def _verified_text(found: PackVerification) -> str:
    """A line for each claim, then what is not the same, then how much is."""
    from collections import Counter

    from rich.markup import escape

    from entrack.diagnostics.escape import clip

    claims = [f"{SHOWN[one.verdict]} {clip(one.name, 200)}{_because(one)}" for one in found.claims]
    others = [one for one in found.findings if one.kind != "claim"]
    wrong = [
        f"{one.verdict}: {one.kind} {clip(one.name, 200)}{_because(one)}" for one in others if one.verdict != "same"
    ]
    counted = Counter(one.kind for one in others if one.verdict == "same")
    same = ", ".join(
        f"{many} {kind if many == 1 else PLURALS.get(kind, f'{kind}s')}" for kind, many in sorted(counted.items())
    )
    ends = [f"the same: {same}" if same else "", f"content root {found.content_root}"]
    return escape("\n".join([*claims, *wrong, *filter(None, ends)]))


def _because(found: Finding) -> str:
    from entrack.diagnostics.escape import clip

    return f": {clip(found.why, 300)}" if found.why else ""
