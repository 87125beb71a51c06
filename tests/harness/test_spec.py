"""Series files: what they may say, and what is said of those that say something else."""

from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness import spec
from harness.errors import SpecError
from harness.spec import Checkpoint, DecodingSpec, Series, read_series, series_of

SHIPPED = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
DOCUMENTED = dedent(str(spec.__doc__).split("::\n")[1].split("\nPaths that")[0])


def reading(folder: Path, text: str) -> Series:
    """What a file of this text says; a first line is put before it that says its name."""
    path = folder / "run.yaml"
    path.write_text(f"name: run\n{text}")
    return read_series(path)


def one(fields: str) -> str:
    """A series of one checkpoint with these fields, which stand on line 3."""
    return f"checkpoints:\n  - {{name: a, model: 'hf:a', {fields}}}"


def test_the_documented_example_is_a_series(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(DOCUMENTED)
    series = read_series(tmp_path / "x.yaml")
    assert [(c.name, c.parent) for c in series.checkpoints] == [("base", None), ("iter1", "base")]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_example_is_a_series(path: Path) -> None:
    assert read_series(path).checkpoints


def test_what_a_file_leaves_out_has_plain_defaults(tmp_path: Path) -> None:
    series = reading(tmp_path, one(""))
    first = Checkpoint(name="a", model="hf:a", iteration=0)
    assert series == Series(name="run", checkpoints=[first])


def test_iterations_are_counted_from_parents_or_else_from_the_place(tmp_path: Path) -> None:
    text = """checkpoints:
  - {name: base, model: "hf:0"}
  - {name: dpo, model: "hf:1", parent: base}
  - {name: ipo, model: "hf:2", parent: base}
  - {name: ipo2, model: "hf:3", parent: ipo}
  - {name: other, model: "hf:4"}
  - {name: late, model: "hf:5", iteration: 9}
"""
    iterations = [one.iteration for one in reading(tmp_path, text).checkpoints]
    assert iterations == [0, 1, 1, 2, 4, 9]


def test_decoding_holds_only_what_was_said(tmp_path: Path) -> None:
    series = reading(tmp_path, "decoding: {temperature: 0.7}\n" + one(""))
    assert series.decoding.model_dump(exclude_none=True) == {"temperature": 0.7}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jugde: x\n" + one(""), ":2: there is no key 'jugde', did you mean 'judge'?"),
        (one("modle: x"), ":3: there is no key 'checkpoints.0.modle', did you mean 'model'?"),
        ("decoding: {top-p: 1}\n" + one(""), ":2: there is no key 'decoding.top-p', did you mean"),
        ("zzz: 1\n" + one(""), ":2: there is no key 'zzz'; keys here: name, judge, decoding"),
    ],
    ids=["series", "checkpoint", "decoding", "near to none"],
)
def test_an_unknown_key_gets_its_line_and_the_nearest_one(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SpecError) as raised:
        reading(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / 'run.yaml'}{said}")


def test_a_missing_key_gets_the_line_of_what_lacks_it(tmp_path: Path) -> None:
    text = "checkpoints:\n  - {name: a, model: m}\n  - {name: b}"
    with pytest.raises(SpecError, match=r"run\.yaml:4: the key 'checkpoints\.1\.model' is missing"):
        reading(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (one("method: 3"), r":3: 'checkpoints\.0\.method': input should be a valid str.*came 3"),
        (one("iteration: -1"), r":3: 'checkpoints\.0\.iteration': .* equal to 0, came -1"),
        (one("iteration: 1.5"), r":3: 'checkpoints\.0\.iteration': .* valid integer, came 1\.5"),
        (one("iteration: '1'"), r":3: 'checkpoints\.0\.iteration': .* valid integer, came '1'"),
        ("decoding: {temperature: 3}\n" + one(""), r":2: 'decoding\.temperature': .* came 3"),
        ("decoding: {top_p: 0}\n" + one(""), r":2: 'decoding\.top_p': .* came 0"),
        ("decoding: {max_tokens: 0}\n" + one(""), r":2: 'decoding\.max_tokens': .* came 0"),
        ("1: x\n" + one(""), r":2: '1': keys should be strings, came 1"),
        ("checkpoints: []", r":2: 'checkpoints': .* at least 1 item"),
        ("checkpoints: hf:a", r":2: 'checkpoints': .* valid list, came 'hf:a'"),
    ],
)
def test_a_wrong_value_is_shown_with_line_key_and_range(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        reading(tmp_path, text)


@pytest.mark.parametrize("name", ["''", "a/b", "a\\b", "'.'", "..", "../x", "x" * 121])
def test_a_name_that_is_no_folder_of_its_own_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match=r"yaml:3: 'checkpoints\.0\.name': expected 1 to 120 char"):
        reading(tmp_path, f"checkpoints:\n  - {{name: {name}, model: m}}")


@pytest.mark.parametrize(
    "text",
    ["a: [", "name: 2024-02-30", "name: 0b_", "a: *nobody", "\tname: a", "? {a: b}: c\n: ["],
)
def test_what_is_no_yaml_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(SpecError, match=r"expected a YAML file at .*x\.yaml, but [^\n]*$"):
        read_series(tmp_path / "x.yaml")


@pytest.mark.parametrize("content", [None, b"name: caf\xe9"], ids=["absent", "no UTF-8"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(SpecError, match=r"expected a YAML file at .*x\.yaml"):
        read_series(tmp_path / "x.yaml")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "- a\n", "just words"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(SpecError, match=r"expected 'name' and 'checkpoints' in .*README"):
        read_series(tmp_path / "x.yaml")


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    text = "checkpoints:\n  - {name: a, model: m}\n  - {name: a, model: n}"
    with pytest.raises(SpecError, match=r"run\.yaml: .*'a' comes twice"):
        reading(tmp_path, text)


def test_a_further_sample_is_called_by_no_other_checkpoints_name(tmp_path: Path) -> None:
    text = "checkpoints:\n  - {name: a, model: m, samples: 3}\n  - {name: a-sample3, model: n}"
    with pytest.raises(SpecError, match="'a-sample3' comes twice"):
        reading(tmp_path, text)


def test_samples_are_called_after_their_checkpoint(tmp_path: Path) -> None:
    (one,) = reading(tmp_path, "checkpoints: [{name: a, model: m, samples: 3}]").checkpoints
    assert [one.called(k) for k in range(one.samples)] == ["a", "a-sample2", "a-sample3"]


def test_a_parent_stands_before_its_child(tmp_path: Path) -> None:
    text = "checkpoints:\n  - {name: b, model: m, parent: a}\n  - {name: a, model: n}"
    with pytest.raises(SpecError, match=r"the parent of 'b' to stand before it, 'a' does not"):
        reading(tmp_path, text)


def test_an_unknown_parent_gets_the_nearest_one(tmp_path: Path) -> None:
    text = "checkpoints:\n  - {name: iter1, model: m}\n  - {name: b, model: n, parent: itre1}"
    with pytest.raises(SpecError, match=r"'itre1' does not, did you mean 'iter1'\?"):
        reading(tmp_path, text)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("hf:./x", "hf:{folder}/x"),
        ("replay:../y.json", "replay:{folder}/../y.json"),
        ("hf:/models/x", "hf:/models/x"),
        ("hf:org/name", "hf:org/name"),
        ("http://host:1/v1#name", "http://host:1/v1#name"),
        ("replay:asset:set/x.json", "replay:asset:set/x.json"),
    ],
)
def test_only_paths_that_begin_with_a_dot_are_relative_to_the_file(
    tmp_path: Path, said: str, meant: str
) -> None:
    (checkpoint,) = reading(tmp_path, f"checkpoints: [{{name: a, model: '{said}'}}]").checkpoints
    assert checkpoint.model == meant.format(folder=tmp_path)


def test_judgments_and_the_judge_are_relative_to_the_file_too(tmp_path: Path) -> None:
    series = reading(tmp_path, "judge: 'hf:./judge'\n" + one("judgments: ./z.json"))
    assert series.judge == f"hf:{tmp_path}/judge"
    assert series.checkpoints[0].judgments == f"{tmp_path}/z.json"


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (["hf:org/base", "hf:./runs/iter1/"], ["base", "iter1"]),
        (["openai:gpt-4.1"], ["gpt-4.1"]),
        (["gpt-4.1"], ["gpt-4.1"]),
        (["http://host:1/v1#name"], ["name"]),
        (["http://host:1/v1#org/llama"], ["llama"]),
        (["replay:asset:set/x.json"], ["x.json"]),
        (["hf:a/final", "hf:b/final"], ["hf:a_final", "hf:b_final"]),
    ],
)
def test_models_of_the_command_line_are_called_by_their_last_part_if_that_tells_them_apart(
    models: list[str], names: list[str]
) -> None:
    series = series_of(models)
    assert [c.name for c in series.checkpoints] == names
    assert [c.model for c in series.checkpoints] == models


def test_a_series_of_the_command_line_is_called_after_its_first_model() -> None:
    assert series_of(["hf:base", "hf:iter1"]).name == "base"


def test_models_deep_in_folders_are_told_apart() -> None:
    deep = "deep/" * 40
    names = [c.name for c in series_of([f"hf:/{deep}1/final", f"hf:/{deep}2/final"]).checkpoints]
    assert len(set(names)) == 2


def test_the_same_model_twice_is_refused() -> None:
    with pytest.raises(SpecError, match="'hf:a' comes twice"):
        series_of(["hf:a", "hf:a"])


@pytest.mark.parametrize("model", ["", "hf:/", "hf:.", "hf:.."])
def test_a_model_that_gives_no_name_is_refused(model: str) -> None:
    with pytest.raises(SpecError, match="put it into a series file"):
        series_of([model])


KEYS = [*Series.model_fields, *Checkpoint.model_fields, *DecodingSpec.model_fields]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just(date(2024, 2, 9))
KEY = st.sampled_from(KEYS) | TEXT | st.integers()
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=4)
)
NEAR = st.fixed_dictionaries(
    {"name": TEXT, "checkpoints": st.lists(st.dictionaries(KEY, LEAF, max_size=4), max_size=3)},
    optional={"decoding": VALUE, "judge": LEAF},
)


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("series") / "x.yaml"


@given(content=st.dictionaries(KEY, VALUE, max_size=5) | NEAR)
def test_any_mapping_is_a_series_or_one_clear_line(draft: Path, content: dict[str, Any]) -> None:
    draft.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert str(draft) in refusal(draft)


@given(text=TEXT | st.text("[]{}:,-?&*!|>%@`#'\"\n ab01._", max_size=30))
def test_any_text_is_a_series_or_one_clear_line(draft: Path, text: str) -> None:
    draft.write_text(text, encoding="utf-8", newline="")
    assert str(draft) in refusal(draft)


def refusal(path: Path) -> str:
    """What is said against a file; its own path when there is nothing to say."""
    try:
        read_series(path)
    except SpecError as error:
        return str(error)
    return str(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("checkpoints: []\ncheckpoints: []\n", ":3: expected each key once, 'checkpoints' comes"),
        (one("model: 'hf:b'"), ":3: expected each key once, 'model' comes twice"),
    ],
)
def test_a_repeated_key_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        reading(tmp_path, text)


def test_credentials_in_an_address_are_no_part_of_a_name() -> None:
    series = series_of(["http://u:secret@h/v1#m", "http://u:secret@i/v1#m"])
    assert [one.name for one in series.checkpoints] == ["http:__h_v1#m", "http:__i_v1#m"]


def test_judges_that_are_folders_are_found_from_anywhere(tmp_path: Path) -> None:
    one = "{name: a, model: 'hf:./a', trained_by_judge: 'hf:./j', best_of: {n: 2, judge: 'hf:./j'}}"
    (tmp_path / "s.yaml").write_text(f"name: s\njudge: 'hf:./j'\ncheckpoints: [{one}]\n")
    series = read_series(tmp_path / "s.yaml")
    (found,) = series.checkpoints
    assert found.best_of is not None
    assert found.trained_by_judge == found.best_of.judge == series.judge == f"hf:{tmp_path}/j"
