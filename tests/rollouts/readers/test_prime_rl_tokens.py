"""prime-rl's token exports: log-probs and entropies without text."""

from __future__ import annotations

from laser_core.rollouts import read
from tests.rollouts.readers.files import columns, fixture, lines, records_of


def test_sampled_tokens_with_their_log_probs():
    result = fixture("prime_rl_tokens.jsonl")
    assert (result.format, result.refused) == ("prime-rl-tokens", ())
    assert columns(result, "step", "sample", "n_tokens", "tokens", "token_logprobs", "entropy") == [
        [3] * 3,
        [0, 1, 0],  # by the prompt's token ids
        [2, 3, 2],
        [["<5>", "<9>"], ["<6>", "<7>", "<9>"], ["<8>", "<9>"]],
        [[-0.5, -0.25], [-0.5, -0.25, -0.125], [-0.5, -0.25]],
        [[1.0, 0.5], [1.0, 0.5, 0.25], [1.0, 0.5]],
    ]
    assert columns(result, "signal.advantage", "signal.mismatch_kl") == [[0.5, -0.5, 0.0], [0.375, 0.25, 0.375]]
    assert columns(result, "response", "answer") == [[""] * 3, [None] * 3]  # the number of a token is no answer
    assert not result.rollouts.has("correct")


def test_prompts_alone_and_ragged_columns_are_refused():
    good = records_of("prime_rl_tokens.jsonl")[0]
    ragged, unsampled = good | {"entropy": [1.0]}, good | {"loss_mask": [False] * 4}
    result = read(lines(good, ragged, unsampled, good | {"token_ids": None}), fill=False)
    assert [(r.line, r.field) for r in result.refused] == [(2, "entropy"), (3, "loss_mask"), (4, "loss_mask")]
