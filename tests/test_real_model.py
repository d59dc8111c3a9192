"""The real model's evidence: the rule's verdicts on rollouts of known skill, and a page that says what is shipped."""

import doctest
import importlib
import json

import pytest

from laser_core import bundled
from laser_core.bundled import ROOT
from laser_core.home import DATA_VARIABLE
from laser_core.rollouts import write_parquet
from tests.factories import make_rollouts


@pytest.fixture(scope="module", autouse=True)
def beside_the_scripts():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield


@pytest.fixture(scope="module")
def script():
    return importlib.import_module("real_model")


def fitted(skill, seed=0):
    return make_rollouts(n_problems=60, n_samples=16, skill=skill, seed=seed, truncated_share=0.0)


def test_a_score_that_knows_holds_and_one_that_does_not_is_told(script):
    able, blind = script.Judged.of(fitted(2.0)), script.Judged.of(fitted(0.0))
    verdicts = script.claims([able, able])
    assert list(verdicts.values()) == ["holds", "holds", "holds"]
    assert able.within.value > 0.9
    assert {"signal.mean_logprob", "signal.shortness"} & set(able.free)
    assert not {"signal.linear_probe", "free signals combined"} & set(able.free)
    assert script.claims([blind, blind])["AUROC within a problem at least 0.70"] == "does not hold"
    # one seed alone, or two that differ, decide nothing
    assert set(script.claims([able]).values()) == {"undecided"}
    assert script.claims([able, blind])["AUROC within a problem at least 0.70"] == "undecided"


def test_finished_runs_are_shipped_and_shown(script, tmp_path, monkeypatch):
    runs, root, page = tmp_path / "runs", tmp_path / "sample_data", tmp_path / "page.md"
    (runs / "fit-0").mkdir(parents=True)
    write_parquet(fitted(0.0, seed=1), runs / "base.parquet")
    write_parquet(fitted(2.0, seed=1), runs / "fit-0" / "rollouts.parquet")
    (runs / "fit-0" / "events.jsonl").write_text('{"step": 0}\n')
    page.write_text(f"before\n{script.BEGIN}old\n{script.END}after\n")
    script.ship(runs, root)
    script.write(page, root)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "60 held-out problems x 16 solutions" in text
    assert "| last-token score, AUROC within a problem | 0.9" in text
    monkeypatch.setattr(bundled, "ROOT", root)
    found = {run.name: run for run in bundled.real_runs()}
    assert list(found) == ["real-fitted-0", "real-base"]
    assert found["real-fitted-0"].events is not None
    assert found["real-base"].events is None


def test_runs_trained_by_reward_are_judged_from_their_folder(script, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n" + "old\n".join(script.BY_REWARD) + "after\n")
    write_parquet(fitted(0.0, seed=1), tmp_path / "base.parquet")
    for name, skill in (("grpo", 2.0), ("laser", 2.0), ("fit", 2.0)):
        for seed in (0, 1):
            (tmp_path / f"{name}-{seed}").mkdir()
            file = "rollouts.parquet" if name == "fit" else "held.parquet"
            write_parquet(fitted(skill, seed=1), tmp_path / f"{name}-{seed}" / file)
    script.write_by_reward(tmp_path, page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "- LaSeR's accuracy no more than 0.02 below GRPO's: **" in text
    assert text.count("| LaSeR minus GRPO | 0.0") == 1
    assert "### LaSeR's own score\n\n- AUROC within a problem at least 0.70: **holds**" in text
    assert "### The score fitted to GRPO's solutions" in text


def test_what_is_judged_is_neither_learnt_from_nor_shown_worked(tmp_path, monkeypatch):
    problems = importlib.import_module("real_problems")
    result = doctest.testmod(problems)
    assert result.attempted
    assert not result.failed
    rows = [{"id": i, "problem": f"{i} pens and {2 * i + 1} pens?", "answer": str(3 * i + 1)} for i in range(2, 300)]
    (tmp_path / "svamp.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    problems.main()
    held, learn, worked = (
        [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        for name in ("held", "learn", "worked")
    )
    assert len(held) + len(learn) + len(worked) == len(rows)
    assert len({row["problem"] for row in (*held, *learn, *worked)}) == len(rows)
    assert 0.15 < len(held) / len(rows) < 0.33
    assert worked[0]["solution"].endswith(f"= {worked[0]['answer']}")
    problems.main(worked=False)
    assert (tmp_path / "worked.jsonl").read_text() == ""
    assert len((tmp_path / "learn.jsonl").read_text().splitlines()) == len(rows) - len(held)


def test_the_page_says_what_the_shipped_rollouts_say(script, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(script.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    script.write(page)
    assert page.read_text(encoding="utf-8") == script.PAGE.read_text(encoding="utf-8")


def test_what_is_shipped_of_the_real_model_is_small():
    assert sum(path.stat().st_size for path in (ROOT / "real").rglob("*") if path.is_file()) < 15 * 2**20
