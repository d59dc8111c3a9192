"""What the room will see: ``python -m teaching.cue_card`` goes round the guided tour and prints each answer of today.

The numbers depend on the rollouts that are shown, so the guides hold none; print this card before you go on stage.
``--run GRPO`` goes round on another of the app's runs.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass

from streamlit.testing.v1 import AppTest

from laser_core.bundled import shipped

MATERIAL = re.compile(r":material/\w+:\s*")


@dataclass(frozen=True)
class Card:
    """One step of the tour, as it is on the screen.

    Attributes
    ----------
    title, question : str
        Markdown.
    options : tuple of str
        The predictions to choose from.
    answer : str
        What "Reveal" shows.
    """

    title: str
    question: str
    options: tuple[str, ...]
    answer: str


def clicked(app: AppTest, label: str) -> AppTest:
    """The app after a click on the first button of that label.

    Raises
    ------
    LookupError
        If there is none.
    """
    button = next((button for button in app.button if button.label == label), None)
    if button is None:
        raise LookupError(f"no button “{label}”, but {sorted({button.label for button in app.button})}")
    app = button.click().run()
    if app.exception:
        raise RuntimeError(f"after “{label}” the page shows: {app.exception[0].value}")
    return app


def cards(run: str = "") -> list[Card]:
    """Go round the tour without predicting.

    Parameters
    ----------
    run : str
        The title of a run in the sidebar; the one that the app opens with if empty.
    """
    app = AppTest.from_file(str(shipped("app") / "main.py"), default_timeout=300)
    if run:
        app.query_params["run"] = run
    app = clicked(app.run(), "Guided tour")
    found: list[Card] = []
    while any(button.label == "Reveal" for button in app.button):
        (question,) = (radio for radio in app.radio if radio.key == "tour_guess")
        title = next(text.value for text in app.markdown if re.match(r"# \d+ of \d+ ", text.value))
        app = clicked(app, "Reveal")
        said = [box.value for kind in (app.info, app.success, app.warning) for box in kind]
        found.append(Card(title.lstrip("# "), question.label, tuple(question.options), MATERIAL.sub("", said[0])))
        app = clicked(app, "Next" if any(button.label == "Next" for button in app.button) else "What have we learned?")
    return found


def printed(card: Card) -> str:
    """A card as lines of text."""
    return f"{card.title}\n  Ask: {card.question}\n  Offer: {' / '.join(card.options)}\n  They see: {card.answer}\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m teaching.cue_card", description=__doc__.split("\n\n")[0])
    parser.add_argument("--run", default="", help="a run's title in the sidebar")
    for each in cards(parser.parse_args().run):
        print(printed(each))
