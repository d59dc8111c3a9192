"""The Data page shows what a person would check, and lists the verdicts that our verifier contradicts."""

import json

from tests.app.test_pages import said, start, upload, visit


def test_the_data_page_shows_who_gave_the_verdicts_and_whether_they_hold(bundled_runs):
    rows = [
        {"problem_id": "a", "sample": i, "response": f"x={i}#{i}", "reference_answer": "2", "correct": i < 3}
        for i in range(4)
    ]
    rows.append({"problem_id": "b", "sample": 0, "response": "x=2#2", "reference_answer": "2"})
    data = "\n".join(map(json.dumps, rows)).encode()
    app = visit(upload(start(), "mine.jsonl", data), "data")
    text = said(app).replace("\\", "")
    assert "problems: 2; solutions of each: min 1, median 2.5, max 4" in text
    assert "solutions with a verdict: 100.0% (4 from the file, 1 from our verifier)" in text
    assert "agree: 50.0% of 4" in text
    listed = next(table.value for table in app.dataframe if "the file says" in table.value.columns)
    assert listed["sample"].tolist() == [0, 1]
    assert listed["the file says"].tolist() == ["correct", "correct"]
    assert not app.exception
