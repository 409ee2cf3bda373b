"""`entrack models`: the built-in models, their location, shape and description; families; what a GGUF file tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrack.cli.exit_codes import failures, say
from entrack.cli.options import Json

if TYPE_CHECKING:  # rich is not imported at start-up
    from rich.console import RenderableType

Families = Annotated[bool, typer.Option("--families", help="list the families of models instead, and what is refused")]
models = typer.Typer(
    help="Models that come with entrack, families of models, and GGUF files.", invoke_without_command=True
)


@models.callback()
def list_models(context: typer.Context, families: Families = False, as_json: Json = False) -> None:
    """List the built-in models: folder, shape, and what is known of each."""
    if context.invoked_subcommand is not None:
        return
    with failures(as_json=as_json) as shown:
        if families:
            from entrack.cli.families import families_table, known_families

            shown.give(dict, families_table, known_families())
        else:
            shown.give(list, models_table, known_models())


@models.command()
def unpack(gguf: Annotated[Path, typer.Argument(metavar="FILE.gguf", show_default=False)]) -> None:
    """Write config.json and tokenizer.json beside a GGUF file, as it tells them; a spec can then name it with
    gguf("...")."""
    with failures():
        from entrack.engine.gguf import unpack as unpack_gguf

        for path in unpack_gguf(gguf):
            say(f"wrote {path}")


def known_models() -> list[dict[str, Any]]:
    """One entry a model: name, how a spec names it, folder, shape, and its training record's summary."""
    from entrack.models.locate import builtin_names

    return [_known(name) for name in builtin_names()]


def models_table(known: list[dict[str, Any]]) -> RenderableType:
    """The same for a person."""
    from entrack.cli.table import table

    made = table("in a spec", "shape", "known of it", "folder")
    for entry in known:
        shape = (
            f"{entry['layers']} layers x {entry['heads']} heads x {entry['d_head']}, "
            f"{entry['parameters'] or '?'} parameters"
        )
        made.add_row(entry["spec"], shape, entry["summary"], entry["folder"])
    return made


def _known(name: str) -> dict[str, Any]:
    from entrack.models.locate import BUILTIN, Named, facts_of, locate, read_json

    source = locate(Named("builtin", name), BUILTIN)
    facts = facts_of(source)
    record = read_json(source.folder / "training.json")
    return {
        "name": name,
        "spec": source.description,
        "folder": str(source.folder),
        "family": facts.family,
        "layers": facts.layers,
        "heads": facts.heads,
        "key_value_heads": facts.key_value_heads,
        "d_model": facts.d_model,
        "d_head": facts.d_head,
        "vocabulary": facts.vocabulary,
        "parameters": record.get("parameters"),
        "summary": record.get("summary", ""),
        "accuracy_by_boxes": record.get("accuracy_by_boxes"),
    }
