"""YAML files: what is laid over what, and where a message points."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from harness.errors import SpecError
from harness.yaml_file import YamlFile, read_yaml

STRICT = ConfigDict(extra="forbid", strict=True)


class Cat(BaseModel):
    model_config = STRICT
    kind: Literal["cat"]
    lives: int = Field(default=9, alias="of-lives")


class Dog(BaseModel):
    model_config = STRICT
    kind: Literal["dog"]
    tricks: list[str] = []
    size: Annotated[tuple[float, float], Field(strict=False)] = (1.0, 1.0)


class House(BaseModel):
    model_config = STRICT
    street: str
    number: float
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]]
    gate: str | Annotated[tuple[str, ...], Field(strict=False)] = ""
    over: dict[str, Any] = {}


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


def reading(folder: Path, text: str) -> YamlFile:
    (folder / "x.yaml").write_text(text)
    return read_yaml(folder / "x.yaml")


def house(folder: Path, text: str) -> House:
    """A house of street, number, and a text that begins on line 3."""
    return reading(folder, f"street: a\nnumber: 1\n{text}").read_as(House, "look around")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pets: [{kind: cow}]", r":3: 'pets\.0\.kind': there is no 'cow'; known: cat, dog$"),
        ("pets: [{kind: dgo}]", r":3: .* no 'dgo', did you mean 'dog'\?; known: cat, dog$"),
        ("pets:\n- {}", r":4: the key 'pets\.0\.kind' is missing$"),
        (
            "pets:\n- kind: dog\n  trick: []",
            r":5: there .*0\.trick', did you mean 'tricks'\?; keys",
        ),
        ("pets: [{kind: dog, x: 1}]", r":3: there .*'pets\.0\.x'; keys here: kind, tricks, size$"),
        ("pets: [{kind: cat, lives: 1}]", r"did you mean 'of-lives'\?; keys here: kind, of-lives$"),
        ("pets: [{kind: dog, size: [1]}]", r":3: the key 'pets\.0\.size\.1' is missing$"),
        ("pets: []\ngate: 3", r":4: 'gate': input should be a valid string, came 3$"),
        ("pets: [3]", r":3: 'pets\.0': expected the keys kind, of-lives, tricks, size, came 3$"),
        ("pest: []", r":3: there is no key 'pest', did you mean 'pets'\?; keys here: street, num"),
    ],
)
def test_a_message_names_line_and_key_and_what_would_be_right(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        house(tmp_path, text)


def test_a_file_that_is_no_mapping_is_told_which_keys_it_needs(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"'street', 'number' and 'pets' in .* came 3; look around"):
        reading(tmp_path, "3").read_as(House, "look around")


@pytest.mark.parametrize(
    ("written", "meant"), [("5e-7", 5e-7), ("-1E+3", -1000.0), ("2.e2", 200.0), ("1.5e3", 1500.0)]
)
def test_numbers_need_no_point_before_their_exponent(
    tmp_path: Path, written: str, meant: float
) -> None:
    file = reading(tmp_path, f"street: a\nnumber: {written}\npets: []")
    assert file.read_as(House, "").number == meant


@pytest.mark.parametrize("written", ["1e-3x", "7e5-large", "1e2e3"])
def test_what_only_begins_as_a_number_is_text(tmp_path: Path, written: str) -> None:
    file = reading(tmp_path, f"street: {written}\nnumber: 1\npets: []")
    assert file.read_as(House, "").street == written


def over(file: YamlFile, *where: str) -> dict[str, Any]:
    """What a file says with a part of it laid over it."""
    return file.overlaid(*where).read_as(House, "").model_dump(exclude={"over"})


PETS = "pets: [{kind: cat}, {kind: dog, tricks: [sit, beg]}]\n"


@pytest.mark.parametrize(
    ("part", "same_as"),
    [
        ("{street: b}", "street: b\nnumber: 1\n" + PETS),
        (
            "{pets: [{of-lives: 7}]}",
            "street: a\nnumber: 1\n" + PETS.replace("cat", "cat, of-lives: 7"),
        ),
        (
            "{pets: [{}, {tricks: [run]}]}",
            "street: a\nnumber: 1\n" + PETS.replace("sit, beg", "run"),
        ),
        (
            "{pets: [{}, {}, {kind: dog}]}",
            "street: a\nnumber: 1\n" + PETS.replace("}]", "}, {kind: dog}]"),
        ),
        ("{gate: green}", "street: a\nnumber: 1\ngate: green\n" + PETS),
        ("{}", "street: a\nnumber: 1\n" + PETS),
    ],
    ids=["a value", "inside an entry", "a list of words", "an entry more", "a new key", "nothing"],
)
def test_a_part_is_laid_over_the_whole(tmp_path: Path, part: str, same_as: str) -> None:
    laid = reading(tmp_path, f"street: a\nnumber: 1\n{PETS}over: {{part: {part}}}")
    assert over(laid, "over", "part") == over(reading(tmp_path, same_as))


def test_a_list_of_more_than_mappings_takes_the_place_of_the_other(tmp_path: Path) -> None:
    file = reading(tmp_path, "gate: [{a: 1}]\npart: {gate: [{b: 2}, green]}")
    content = file.overlaid("part").read_as(Anything, "").model_dump()
    assert content["gate"] == [{"b": 2}, "green"]


def test_what_is_wrong_in_a_part_has_the_line_of_the_part(tmp_path: Path) -> None:
    text = f"street: a\nnumber: 1\n{PETS}over:\n  part:\n    pets:\n      - {{lvies: 3}}"
    with pytest.raises(SpecError, match=r"x\.yaml:7: there is no key 'pets\.0\.lvies'"):
        over(reading(tmp_path, text), "over", "part")


def test_what_is_wrong_elsewhere_keeps_its_line(tmp_path: Path) -> None:
    text = "street: a\nnumber: b\npets: []\nover:\n  part: {street: c}"
    with pytest.raises(SpecError, match=r"x\.yaml:2: 'number'"):
        over(reading(tmp_path, text), "over", "part")


def test_what_a_mapping_says_itself_is_stronger_than_its_anchor(tmp_path: Path) -> None:
    text = "pets:\n- &rex {kind: dog, tricks: [sit]}\n- <<: *rex\n  tricks: 3"
    with pytest.raises(SpecError, match=r"x\.yaml:6: 'pets\.1\.tricks'.* came 3$"):
        house(tmp_path, text)


def test_a_file_that_holds_itself_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"^expected a YAML file at .*, but [^\n]*$"):
        reading(tmp_path, "a: &a [*a]")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("hf:./x", "hf:{}/x"),
        ("../x", "{}/../x"),
        ("x/y", "x/y"),
        ("hf:/x", "hf:/x"),
        (".x", ".x"),
        ("", ""),
    ],
)
def test_only_paths_that_begin_with_a_dot_are_relative_to_the_file(
    tmp_path: Path, said: str, meant: str
) -> None:
    assert reading(tmp_path, "").anchor(said) == meant.format(tmp_path)


VALUES = st.recursive(
    st.integers() | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)


def laid(folder: Path, below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    file = reading(folder, yaml.safe_dump({**below, "part": above}))
    content = file.overlaid("part").read_as(Anything, "").model_dump()
    return {key: value for key, value in content.items() if key != "part"}


@pytest.fixture(scope="module")
def drafts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drafts")


@settings(max_examples=40)
@given(below=MAPPINGS, above=MAPPINGS)
def test_laid_over_twice_is_as_laid_over_once(
    drafts: Path, below: dict[str, Any], above: dict[str, Any]
) -> None:
    once = laid(drafts, below, above)
    assert laid(drafts, once, above) == once


@settings(max_examples=40)
@given(below=MAPPINGS, above=MAPPINGS)
def test_keys_are_those_of_both(drafts: Path, below: dict[str, Any], above: dict[str, Any]) -> None:
    assert laid(drafts, below, above).keys() == below.keys() | above.keys()


@settings(max_examples=40)
@given(below=MAPPINGS)
def test_nothing_and_itself_change_nothing(drafts: Path, below: dict[str, Any]) -> None:
    assert laid(drafts, below, {}) == laid(drafts, below, below) == below
