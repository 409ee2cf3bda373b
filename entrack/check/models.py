"""Rules for models: how one is named, and, where its files are on this machine, what its config.json says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os.path import relpath

from attrs import evolve

from entrack.check.resolved import Model
from entrack.check.scope import Scope
from entrack.check.unreadable import Unreadable
from entrack.diagnostics.suggest import Suggestion, did_you_mean, nearest
from entrack.families.base import ATTENTIONS
from entrack.model_config import BadConfig
from entrack.models.key import DTYPES, ModelSource
from entrack.models.locate import ModelMissing, Named, attention_of, builtin_names, facts_of, stand_in
from entrack.syntax import ast

OPTIONS: Mapping[str, tuple[str, ...]] = {"dtype": DTYPES, "attention": ATTENTIONS, "revision": ()}
SOURCES = ("hub", "local", "gguf", "builtin")
HUBS = (
    "huggingface",
    "hf",
    "transformers",
    "from_pretrained",
    "HookedTransformer",
    "AutoModel",
    "load",
    "model",
    "pretrained",
)
HUB_NAME = re.compile(r"(?!.*(?:--|\.\.|\.git$))[A-Za-z0-9](?:[\w.-]{0,94}\w)?/\w(?:[\w.-]{0,94}\w)?", re.ASCII)
"""What the hub takes as a name."""
REVISION = re.compile(r"[\w./-]{1,128}", re.ASCII)


def check_models(scope: Scope, items: list[ast.Item]) -> None:
    """Resolve every model of the program, in the order of the text, into `scope.models`."""
    for item in items:
        if isinstance(item, ast.Model) and scope.names.get(item.name) is item:
            named = _named(scope, item)
            if named is None:
                scope.broken.add(item.name)
            else:
                scope.models[item.name] = _found(scope, item, scope.supplied.named(item.name, named))


def _named(scope: Scope, item: ast.Model) -> Named | None:
    base = _base(scope, item.base)
    if base is None or item.adapter is None:
        return base
    if base.adapter is not None:
        scope.report(
            "E503",
            "a model has one adapter",
            item.adapter.span,
            "a second one",
            "name the base model without its adapter",
        )
        return None
    adapter = _adapter(scope, item.adapter)
    return None if adapter is None else evolve(base, adapter=adapter)


def _base(scope: Scope, base: ast.Expression) -> Named | None:
    match base:
        case ast.Reference(name, ()):
            found = scope.find(name, base.span, "model")
            if found is None:
                return None
            if name not in scope.models:
                if name not in scope.broken:
                    scope.report(
                        "E504",
                        f"`{name}` is declared further down",
                        base.span,
                        help="declare a model before the models made from it",
                    )
                return None
            return scope.models[name].named
        case ast.Call():
            return _call(scope, base)
    scope.report(
        "E501",
        "a model is made from where its weights are",
        base.span,
        "this names no weights",
        'write, for example, `builtin("boxes-base")`',
    )
    return None


def _call(scope: Scope, call: ast.Call) -> Named | None:
    if call.name not in SOURCES:
        help = 'write `hub("owner/name")`' if call.name in HUBS else did_you_mean(call.name, SOURCES)
        scope.report("E501", f"no weights come from `{call.name}`", call.name_span, "not known", help)
        return None
    name = _one_string(scope, call)
    if name is None or not _name_fits(scope, call, name):
        return None
    if call.name in ("local", "gguf"):
        name = _below_root(scope, name, call)
    options = {}
    for option in call.named:
        value = _option(scope, option)
        if value is None:
            return None
        options[option.name] = value
    return Named(call.name, name, options.get("revision"), options.get("dtype", "float32"), options.get("attention"))


def _one_string(scope: Scope, call: ast.Call) -> str | None:
    if len(call.positional) == 1 and isinstance(call.positional[0], ast.String):
        return call.positional[0].value
    scope.report("E502", f"`{call.name}` takes one text", call.span, help=f'write `{call.name}("...")`')
    return None


def _name_fits(scope: Scope, call: ast.Call, name: str) -> bool:
    span = call.positional[0].span
    if call.name == "hub" and not HUB_NAME.fullmatch(name):
        scope.report(
            "E502",
            "a model on the hub is named owner/name",
            span,
            help='write, for example, `hub("huggyllama/llama-7b")`',
        )
        return False
    if call.name == "builtin" and name not in builtin_names():
        near = nearest(name, builtin_names())
        others = f'{did_you_mean(name, builtin_names())}; other models are `local("folder")` or `hub("owner/name")`'
        scope.report(
            "E505",
            f"there is no built-in model called `{name}`",
            span,
            "not known",
            Suggestion.of(f"did you mean `{near}`?" if near else others, name, builtin_names()),
        )
        return False
    if call.name in ("local", "gguf"):
        try:
            scope.files.resolve(name, span)
        except Unreadable as trouble:
            scope.add(trouble.problem)
            return False
    return True


def _below_root(scope: Scope, name: str, call: ast.Call) -> str:
    """The path as seen from the folder of the spec that is run."""
    return relpath(scope.files.resolve(name, call.span), scope.files.root)


def _option(scope: Scope, option: ast.Named) -> str | None:
    if option.name not in OPTIONS:
        help = (
            "choose it when it runs: `entrack run --device cuda`"
            if option.name == "device"
            else did_you_mean(option.name, OPTIONS)
        )
        scope.report("E502", f"a model has no option `{option.name}`", option.span, "not known", help)
        return None
    allowed = OPTIONS[option.name]
    value = (
        option.value.name
        if isinstance(option.value, ast.Reference)
        else option.value.value
        if isinstance(option.value, ast.String)
        else ""
    )
    if (allowed and value not in allowed) or (not allowed and not REVISION.fullmatch(value)):
        scope.report(
            "E502",
            f"`{option.name}` cannot be this",
            option.value.span,
            "",
            Suggestion.of(
                f"one of {', '.join(allowed)}" if allowed else "a revision is a commit, branch or tag, in quotes",
                value,
                allowed,
            ),
        )
        return None
    return value


def _adapter(scope: Scope, call: ast.Call) -> tuple[str, str] | None:
    if call.name != "lora":
        scope.report(
            "E503",
            f"`{call.name}` is no adapter",
            call.name_span,
            "",
            Suggestion.of('write `+ lora("owner/name")` or `+ lora("folder")`', call.name, ("lora",)),
        )
        return None
    name = _one_string(scope, call)
    if name is None:
        return None
    try:
        if scope.files.resolve(name, call.span).is_dir():
            return "local", _below_root(scope, name, call)
    except Unreadable:
        pass
    if HUB_NAME.fullmatch(name):
        return "hub", name
    scope.report(
        "E503",
        f"there is no adapter folder `{name}`",
        call.span,
        help="name a folder beside the spec, or owner/name on the hub",
    )
    return None


def _located(scope: Scope, model: str, named: Named) -> ModelSource:
    try:
        return scope.supplied.located(model, named, scope.files.root)
    except ModelMissing:
        if scope.stand_in is None:
            raise
        return stand_in(named, scope.stand_in)


def _found(scope: Scope, item: ast.Model, named: Named) -> Model:
    """The model with what can be known of it now. That its files are not here is no error of the spec."""
    try:
        source = _located(scope, item.name, named)
    except ModelMissing as missing:
        if named.kind in ("local", "gguf"):
            scope.report(
                "W501",
                f"the model is not here: {missing}",
                item.base.span,
                "looked for now",
                "it is needed by `run`, not by `check`",
            )
        return Model(item.name, named, None, None, item.name_span)
    try:
        facts = facts_of(source)
    except (BadConfig, ModelMissing) as bad:
        return _unusable(scope, item, named, source, bad, "name a model of a known family")
    try:
        attention_of(named, facts)
    except BadConfig as bad:
        return _unusable(scope, item, named, source, bad, "leave `attention` out")
    return Model(item.name, named, source, facts, item.name_span)


def _unusable(scope: Scope, item: ast.Model, named: Named, source: ModelSource, why: Exception, help: str) -> Model:
    scope.report("E506", f"the model cannot be used: {why}", item.base.span, help=help)
    scope.broken.add(item.name)
    return Model(item.name, named, source, None, item.name_span)
