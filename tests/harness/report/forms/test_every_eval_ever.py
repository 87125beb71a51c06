"""Records of Every Eval Ever: what its schema asks for, in the types that it asks for."""

import json
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from harness.report.forms import every_eval_ever
from tests.stories import story


def records(tmp_path: Path, **changed: Any) -> list[dict[str, Any]]:
    told = replace(story(), **changed)
    return [json.loads(p.read_text()) for p in every_eval_ever.write(told, tmp_path, 1700000000.0)]


def test_a_record_has_all_that_the_schema_requires(tmp_path: Path) -> None:
    record = records(tmp_path)[3]
    assert (record["schema_version"], every_eval_ever.VERSION) == ("0.3.0", "0.3.0")
    assert record["evaluation_id"] == "sppo-mistral/iter3/1700000000.0"
    assert record["retrieved_timestamp"] == "1700000000.0"
    assert record["source_metadata"] == {
        "source_name": "sppo-mistral",
        "source_type": "evaluation_run",
        "source_organization_name": "unknown",
        "evaluator_relationship": "other",
    }
    assert record["eval_library"]["name"] == "iterbench"
    assert record["eval_library"]["version"]


def test_the_checkpoint_is_told_with_its_origin_in_strings(tmp_path: Path) -> None:
    assert records(tmp_path)[3]["model_info"] == {
        "name": "iter3",
        "id": "iter3",
        "additional_details": {
            "deployment_type": "unknown",
            "model_availability": "unknown",
            "iteration": "3",
            "parent": "iter2",
            "method": "sppo",
            "trained_by_judge": "pairrm",
        },
    }


def test_a_result_is_a_proportion_with_its_uncertainty(tmp_path: Path) -> None:
    first = records(tmp_path)[3]["evaluation_results"][0]
    assert first["evaluation_result_id"] == "alpaca_eval@2.0/gpt-4-1106-preview/lc_win_rate"
    assert first["score_details"] == {
        "score": 0.35,
        "details": {"coverage": "0.9750", "unread": "1", "flags": "length grew by 41 %"},
        "uncertainty": {
            "standard_error": {"value": 0.02},
            "confidence_interval": {"lower": 0.31, "upper": 0.39, "confidence_level": 0.95},
            "num_samples": 39,
        },
    }
    assert first["metric_config"]["metric_unit"] == "proportion"


def test_ends_are_given_where_the_unit_has_some(tmp_path: Path) -> None:
    found = {
        result["metric_config"]["metric_unit"]: result["metric_config"]
        for result in records(tmp_path)[0]["evaluation_results"]
    }
    ends = {unit: (config["min_score"], config["max_score"]) for unit, config in found.items()}
    assert ends == {"proportion": (0, 1), "characters": (0, "Infinity"), "points": (None, None)}


def test_a_judge_is_named_and_its_template_told_by_digest(tmp_path: Path) -> None:
    scoring = records(tmp_path)[0]["evaluation_results"][0]["metric_config"]["llm_scoring"]
    assert scoring["judges"][0]["model_info"]["name"] == "gpt-4-1106-preview"
    assert scoring["input_prompt"].endswith("0123456789abcdef")


def test_an_exact_judge_is_no_model(tmp_path: Path) -> None:
    tracks = [track._replace(judge="exact") for track in story().tracks]
    result = records(tmp_path, tracks=tracks)[0]["evaluation_results"][0]
    assert "llm_scoring" not in result["metric_config"]


def test_withheld_scores_are_left_out_and_so_is_who_has_no_other(tmp_path: Path) -> None:
    entries = [
        replace(e, scores=[replace(s, value=None) for s in e.scores]) for e in story().entries
    ]
    assert (
        records(tmp_path, entries=[*entries[:4], *story().entries[4:]])[0]["model_info"]["id"]
        == "iter1"
    )


def test_a_checkout_that_is_not_installed_has_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("harness.report.forms.every_eval_ever.version", absent)
    assert records(tmp_path)[0]["eval_library"]["version"] == "unknown"


def test_without_a_time_it_is_now(tmp_path: Path) -> None:
    path = every_eval_ever.write(story(), tmp_path)[0]
    assert float(json.loads(path.read_text())["retrieved_timestamp"]) > 1.7e9
