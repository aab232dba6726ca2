"""From a TOML file to a `Suite`: every key is known, or the error says which one was meant."""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.contract import Config
from bench.errors import UserError, unknown_name
from bench.suites.declared import Setting, Suite
from bench.suites.published import MEASURES, TAGS, Claim, Paper, Published

FOLDER = Path(__file__).parent
_CONFIG = tuple(f.name for f in dataclasses.fields(Config))
_SETTING = tuple(name for name in _CONFIG if name != "seed")
_VARIED = tuple(name for name in _SETTING if name not in ("architecture", "objective"))
_NESTED = ("scale", "paper", "claims")
_OF_ALL_SCALES = ("name", "default_scale", *_NESTED)


def suites() -> dict[str, Suite]:
    """All declared suites by name, each at its default scale. Raises UserError for a file that is wrong."""
    return {path.stem: _at_scale(_read(path), "") for path in sorted(FOLDER.glob("*.toml"))}


def find_suite(name: str, scale: str = "") -> Suite:
    """The suite called `name` at one of its scales, the default one where `scale` is empty.

    Raises UserError with the closest names for a suite or scale that is not there.
    """
    known = [path.stem for path in FOLDER.glob("*.toml")]
    if name not in known:
        raise unknown_name("suite", name, known)
    return _at_scale(_read(FOLDER / f"{name}.toml"), scale)


def _at_scale(suite: Suite, scale: str) -> Suite:
    if scale and not suite.scale:
        raise UserError(
            f"suite {suite.name!r} has no scales",
            why="it is declared for one size of text alone",
            remedy="leave --scale out; --dataset, --epochs, --dim and --seeds vary any suite",
        )
    wanted = scale or suite.default_scale
    if wanted and wanted not in suite.scale:
        raise unknown_name(f"scale of suite {suite.name!r}", wanted, suite.scale)
    changes = suite.scale.get(wanted, {})
    return dataclasses.replace(suite, **{key: _merged(getattr(suite, key), changes[key]) for key in changes})


def _merged(declared: Any, changed: Any) -> Any:
    return {**declared, **changed} if isinstance(declared, Mapping) else changed


def _read(path: Path) -> Suite:
    file, data = path.name, tomllib.loads(path.read_text("utf-8"))
    known = _names(Suite, "name")
    _check_keys(f"key in {file}", data, known, required=("description", "dataset", "implementations"))
    values = _values(data, file)
    values["scale"] = {name: _scale(name, changes, file) for name, changes in data.get("scale", {}).items()}
    if "paper" in data:
        values["paper"] = _paper(data["paper"], file)
    values["claims"] = tuple(_claim(one, file) for one in data.get("claims", []))
    suite = Suite(name=path.stem, **values)
    if suite.scale and suite.default_scale not in suite.scale:
        raise unknown_name(f"default_scale in {file}", suite.default_scale, suite.scale)
    return suite


def _scale(name: str, changes: Mapping[str, Any], file: str) -> dict[str, Any]:
    known = [key for key in _names(Suite) if key not in _OF_ALL_SCALES]
    _check_keys(f"key of scale {name} in {file}", changes, known)
    return _values(changes, file)


def _values(data: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The keys that a suite and a scale may both have, checked; lists as tuples."""
    for group, allowed in (("config", _CONFIG), ("vary", _VARIED)):
        _check_keys(f"{group} key in {file}", data.get(group, {}), allowed)
    for key, values in {**data.get("vary", {}), "threads": data.get("threads", [1])}.items():
        if not isinstance(values, list) or not values:
            raise UserError(
                f"{key} in {file} is {values!r}",
                why="what varies needs a list with at least one value",
                remedy=f"write {key} = [1, 2], or for one value of the configuration use [config]",
            )
    plain = {key: value for key, value in data.items() if key not in _NESTED}
    if "setting" in data:
        plain["setting"] = [_setting(one, file) for one in data["setting"]]
    return {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}


def _setting(data: Mapping[str, Any], file: str) -> Setting:
    _check_keys(f"setting key in {file}", data, (*_SETTING, "name", "implementations"))
    config = {key: value for key, value in data.items() if key in _SETTING}
    return Setting(config, data.get("name", ""), tuple(data.get("implementations", ())))


def _paper(data: Mapping[str, Any], file: str) -> Paper:
    _check_keys(f"paper key in {file}", data, _names(Paper), required=_names(Paper, "cells"))
    cells = tuple(_published(one, file) for one in data.get("cells", []))
    return Paper(**{**data, "deviations": tuple(data["deviations"]), "cells": cells})


def _published(data: Mapping[str, Any], file: str) -> Published:
    required = ("setting", "figures", "tag")
    _check_keys(f"cell key in {file}", data, _names(Published), required=required)
    _check_keys(f"setting key of a cell in {file}", data["setting"], _SETTING)
    _check_keys(f"measure in {file}", data["figures"], MEASURES)
    _check_tag(data["tag"], file)
    return Published(**data)


def _claim(data: Mapping[str, Any], file: str) -> Claim:
    required = ("says", "measure", "of", "to", "tag")
    _check_keys(f"claim key in {file}", data, _names(Claim, "neutral"), required=required)
    for side in ("of", "to"):
        _check_keys(f"setting key of a claim in {file}", data[side], _SETTING)
    named = {data["measure"], data.get("against", data["measure"])}
    _check_keys(f"measure in {file}", named, MEASURES)
    _check_tag(data["tag"], file)
    claim = Claim(**data)
    if claim.figure == claim.neutral:
        raise UserError(
            f"a claim in {file} has figure = {claim.figure:g}",
            why="that means no effect, which no interval can show",
            remedy="leave the claim out, or claim the order of two others",
        )
    return claim


def _check_tag(tag: str, file: str) -> None:
    if tag not in TAGS:
        raise unknown_name(f"tag in {file}", tag, TAGS)


def _names(kind: type[Any], *but: str) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind) if f.name not in but)


def _check_keys(kind: str, data: Iterable[str], known: Iterable[str], required: Iterable[str] = ()) -> None:
    """Raises UserError for a key that is not known, with the closest ones, and for one that is missing."""
    for key in sorted(set(data) - set(known)):
        raise unknown_name(kind, key, known)
    for key in required:
        if key not in data:
            raise UserError(f"missing {kind}: {key!r}", remedy=f"needed are {', '.join(required)}")
