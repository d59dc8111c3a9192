"""Speaker notes: what to point at on each slide, and the question that usually comes. They hold for any run."""

from __future__ import annotations

OF_A_PAGE = "The page itself, with every control. Change something, then press **Slides** to see its figures large."
_GENERAL = "Say what the axes are, then what the colours are, then read the caption's number with its interval."

NOTES = {
    "worked": "Read one solution aloud, token by token. Then point at its last cell: the score is read there, after "
    "the solution has ended, and nothing is written for it. Likely question: does the model ever write that token? "
    "No, it is reserved; only its probability is read.",
    "start_comparison": "Start with accuracy: is LaSeR level with GRPO? Then AUROC within a problem: only this row "
    "says whether the score can choose among solutions. Likely question: could the base model do this already? Its "
    "marker is in the same row.",
    "traces_linked": "One row is one solution, one cell one token. Ask where the model changes its mind before you "
    "point at the star. Only the last cell was trained; the others come for free.",
    "traces_mean": "The same on average. Where the two bands part, the model begins to tell right from wrong.",
    "traces_ranking": "The question of this page in one line: at which moment could the model rank its own solutions? "
    "Ask for a guess first. Only the last point was trained.",
    "pair_texts": "Two solutions of one problem. Read aloud only what is marked. Is the first difference already the "
    "mistake, or does the mistake come later? Then compare the two scores.",
    "groups": "One row is one problem, one cell one of its solutions. Where all of a row have the same reward, "
    "every advantage is zero and the row teaches nothing. Look for the rows with both kinds.",
    "group_curves": "What was measured at each step of training. The dotted line, where there is one, is the step "
    "whose groups were just shown.",
    "score_histogram": "Two humps that hardly overlap mean a useful score; one hump means none. The dotted line is "
    "the paper's decision at 0.5. Likely question: why do scores exceed 1? The score is a scaled log-prob, not a "
    "probability.",
    "score_ecdf": "The wider the gap between the curves, the better the score. No bins, so nothing depends on them.",
    "score_violin": "Wide means many solutions. Compare where the two sides have their middle halves.",
    "score_length": "Ask whether the score only rewards length. Then read the correlation within a problem.",
    "score_steps": "Left is early in training, right is late. When do the two bands part?",
    "score_animation": "Before and after: the two kinds part as the score learns.",
    "score_signals": "The score is at the top, the signals that cost nothing below it. How far is it ahead?",
    "threshold_sweep": "From left to right: rejecting more also rejects correct solutions. Ask what a false accept "
    "and a false reject would cost in the audience's own application.",
    "threshold_roc": "Up is more correct solutions accepted, right is more incorrect ones accepted. The dotted line "
    "is a coin.",
    "threshold_pr": "How pure is what the score accepts, and how much of the correct ones does it find?",
    "reliability": "A score of 0.9 should be right nine times in ten: points on the diagonal. Look at the counts "
    "below before you interpret a point in the middle.",
    "voting_curve": "pass@N is the ceiling: some solution is right. The majority vote is what most people use today. "
    "The distance between them is what a score could win.",
    "voting_gain": "The same, minus the majority vote and paired by problem, so the interval is narrow. Above zero, "
    "weighting helps. Likely question: why at N = 2 already? With two answers the majority vote is a coin toss.",
    "vote": "One real vote. Ask who wins before you point at the stars.",
    "voting_settings": "The framed cell is the run's own setting. Where the colours hardly change, the constants need "
    "not be exact.",
    "voting_tokens": "Up is more accurate, left is cheaper. Stopping a vote that is decided saves tokens for nothing.",
    "comparison": "One row, one number. Overlapping intervals do not mean equal: these runs share their problems, and "
    "the paired differences are on the next slides.",
    "training": "Reward above, knowledge of the score below. When does each begin to rise?",
    "compare_paired": "Each row is a difference, paired by problem. Left of zero, the first run is worse.",
    "compare_votes": "The same differences for votes, as more solutions vote.",
    "compare_violins": "Where the scores of either run lie. Only a trained score has two humps.",
    "compare_animation": "Before and after training, on the same axes.",
    "claims": "Each marker is a mean over seeds; the grey bar is the paper's number. Name one claim that does not "
    "hold: it makes the others credible.",
    "learning": "Everything starts at chance, 0.5. The question is whether the score rises above the lines, which are "
    "rules that need no training. Likely question: why so late? Solutions must differ before a score can rank them.",
    "drift": "GRPO never trains z_c, and still its log-prob moves. An untrained score would rank by this drift.",
    "train_example": "What a run looks like. The shaded stretch trains the score without using it yet.",
    "theory_line": "Two lines, the exact score and the one that LaSeR uses. For a token that nobody writes they lie on "
    "top of each other.",
    "theory_neglected": "Right of the border are ordinary words: for them the shortcut costs as much as the reward.",
    "theory_noise": "How far a perfect score would be blurred if the reference were not constant.",
}


def of(key: str) -> str:
    """The notes of the figure with this key; general advice where it has none of its own.

    >>> of("voting_gain") != of("a figure of tomorrow") == _GENERAL
    True
    """
    return NOTES.get(key, _GENERAL)
