"""The TRL trainer against our own training step: same rows, same loss, same gradient.

Skipped where TRL is absent, which fails CI.
"""

import pytest
import torch

from laser_core import algorithm

trl = pytest.importorskip("trl", reason="TRL is an optional extra: pip install 'laser-explorer[trl]'")
datasets = pytest.importorskip("datasets")


@pytest.fixture
def trainer(tiny_folder, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from laser_core.integrations.trl import LaSeRConfig, LaSeRTrainer

    def verifier(completions, **columns):
        return [float(i % 3 == 0) for i in range(len(completions))]

    arguments = LaSeRConfig(
        output_dir=str(tmp_path),
        use_cpu=True,
        bf16=False,
        report_to=[],
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=30,
        loss_type="dapo",
        max_steps=2,
        learning_rate=1e-3,
        c_ref=-9.0,
        alpha=0.5,
        tau=0.4,
        std_threshold=0.0,
        reasoning_warmup=0,
        self_reward_warmup=0,
        save_strategy="no",
        disable_tqdm=True,
    )
    return LaSeRTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32),
        reward_funcs=verifier,
        args=arguments,
        train_dataset=datasets.Dataset.from_dict({"prompt": ["5*x+7=52?", "12*x+1=1000?"] * 8}),
        processing_class=AutoTokenizer.from_pretrained(tiny_folder),
    )


def test_loss_and_gradient_are_our_own_steps(trainer, tiny_folder):
    from laser_core.policy import load_policy
    from laser_core.scoring import Solutions, score_solutions

    policy = load_policy(str(tiny_folder))
    policy.model.load_state_dict(trainer.model.state_dict())
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1
    rows = [{"prompt": p} for p in ["5*x+7=52?"] * 4 + ["12*x+1=1000?"] * 4]
    output = trainer._generate_and_score_completions(rows)
    lengths = output["completion_mask"].sum(1).tolist()
    responses = [ids[:n] for ids, n in zip(output["completion_ids"].tolist(), lengths, strict=True)]
    assert any(r[-1] == policy.eos_id for r in responses)
    prompts = [policy.encode_prompt(row["prompt"]) for row in rows]
    solutions = Solutions.pack(prompts, responses, policy)
    now = score_solutions(policy, solutions)
    scored = solutions.ended
    reward = torch.tensor([float(i % 3 == 0) for i in range(8)])
    score = algorithm.last_token_score(now.z_logprob, beta_v=0.1, c_ref=-9.0)
    advantage = algorithm.integrated_advantages(reward, score.detach(), scored, 4, tau=0.4, std_threshold=0.0)
    assert torch.allclose(output["advantages"], advantage, atol=1e-3)
    policy_loss = algorithm.policy_loss(
        now.logprob, now.logprob.detach(), advantage, now.mask, clip_low=0.2, clip_high=0.2, n_tokens=sum(lengths)
    )
    weight = algorithm.class_weights(reward, scored)
    loss = policy_loss + 0.5 * algorithm.score_loss(score, reward, weight, n_scored=int(scored.sum()))
    loss.backward()
    theirs = trainer._compute_loss(trainer.model, output)
    theirs.backward()
    assert theirs.item() == pytest.approx(loss.item(), abs=1e-4)
    expected = {n: p.grad for n, p in policy.model.named_parameters()}
    for name, parameter in trainer.model.named_parameters():
        assert torch.allclose(parameter.grad, expected[name], atol=2e-4, rtol=1e-3), name


def test_it_trains_and_logs_the_scores(trainer):
    trainer.train()
    logged = {key for entry in trainer.state.log_history for key in entry}
    assert {"laser/score_loss", "reward", "frac_reward_zero_std"} <= logged


def test_settings_that_cannot_work_are_refused(tmp_path):
    from laser_core.errors import InputError
    from laser_core.integrations.trl import LaSeRConfig

    with pytest.raises(InputError, match="temperature"):
        LaSeRConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, temperature=0.7)
