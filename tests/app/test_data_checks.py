"""The Data page shows what a person would check, and lists the verdicts that our verifier contradicts."""

import json

from tests.app.test_pages import finding, said, start, upload, visit


def test_the_data_page_shows_who_gave_the_verdicts_and_whether_they_hold(bundled_runs):
    rows = [
        {"problem_id": "a", "sample": i, "response": f"x={i}#{i}", "reference_answer": "2", "correct": i < 3}
        for i in range(4)
    ]
    rows.append({"problem_id": "b", "sample": 0, "response": "x=2#2", "reference_answer": "2"})
    data = "\n".join(map(json.dumps, rows)).encode()
    app = visit(upload(start(), "mine.jsonl", data), "data")
    text = said(app).replace("\\", "")
    assert "problems: 2; solutions per problem: min 1, median 2.5, max 4" in text
    assert "solutions with a verdict: 100.0% (4 from the file, 1 from our verifier)" in text
    assert "agreement of the file's verdicts with our verifier: 50.0% of 4" in text
    listed = next(table.value for table in app.dataframe if "the file says" in table.value.columns)
    assert listed["sample"].tolist() == [0, 1]
    assert listed["the file says"].tolist() == ["correct", "correct"]
    assert not app.exception


def test_the_mapping_form_takes_list_columns_and_nested_ones(bundled_runs):
    rows = [{"doc": {"q": f"{n} + 1?"}, "gen": [f"#{n + 1}", f"#{n}"], "ok": [True, False]} for n in range(6)]
    app = visit(upload(start(), "lists.jsonl", "\n".join(map(json.dumps, rows)).encode()), "data")
    labels = [box.label.replace("\\", "") for box in app.selectbox if box.key.startswith("mapping-")]
    assert labels == ["doc.q", "gen", "ok"]
    for number, field in enumerate(("problem", "response", "correct")):
        app.selectbox(key=f"mapping-0-{number}").select(field)
    next(button for button in app.button if button.label == "Read the file").click().run()
    assert not app.exception
    assert not app.error
    assert "12 solutions" in finding(app)
    assert "problems: 6; solutions per problem: min 2, median 2, max 2" in said(app).replace("\\", "")


def test_two_uploads_that_count_from_0_are_compared_only_where_they_ask_the_same(bundled_runs):
    """Two tasks' logs number their documents alike; one file after another, as a person uploads them."""

    def log(problems, said):
        rows = [
            {"doc_id": i, "doc": {"question": text}, "target": "2", "resps": [[said]], "filtered_resps": [said]}
            for i, text in enumerate(problems)
        ]
        return "\n".join(json.dumps(row | {"exact_match": 1.0}) for row in rows).encode()

    app = upload(start(), "one.jsonl", log(["a?", "b?"], "#2"))
    app = upload(app, "two.jsonl", log(["a?", "c?"], "#3"))
    sources = app.session_state["uploaded_sources"].values()
    first, second = (set(source.rollouts.text("problem_id")) for source in sources)
    assert first & second == {"0"}
    assert first == {"0", "1"}
