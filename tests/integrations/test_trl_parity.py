"""The TRL trainer against our own training step: same rows, same loss, same gradient.

Skipped where TRL is absent, which fails CI.
"""

import pytest
import torch

from laser_core import algorithm

trl = pytest.importorskip("trl", reason="TRL is an optional extra: pip install 'laser-explorer[trl]'")
datasets = pytest.importorskip("datasets")


def make_trainer(tiny_folder, out, *, eos=None, **settings):
    """A trainer on the tiny model; ``eos`` are the ids that its generation settings declare as ends."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from laser_core.integrations.trl import LaSeRConfig, LaSeRTrainer

    def verifier(completions, **columns):
        return [float(i % 3 == 0) for i in range(len(completions))]

    defaults = {
        "output_dir": str(out),
        "use_cpu": True,
        "bf16": False,
        "report_to": [],
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 30,
        "loss_type": "dapo",
        "max_steps": 2,
        "learning_rate": 1e-3,
        "c_ref": -9.0,
        "alpha": 0.5,
        "tau": 0.4,
        "std_threshold": 0.0,
        "reasoning_warmup": 0,
        "self_reward_warmup": 0,
        "save_strategy": "no",
        "logging_steps": 1,
        "disable_tqdm": True,
    }
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    if eos is not None:
        model.generation_config.eos_token_id = eos
    return LaSeRTrainer(
        model=model,
        reward_funcs=verifier,
        args=LaSeRConfig(**(defaults | settings)),
        train_dataset=datasets.Dataset.from_dict({"prompt": ["5*x+7=52?", "12*x+1=1000?"] * 8}),
        processing_class=AutoTokenizer.from_pretrained(tiny_folder),
    )


@pytest.fixture
def trainer(tiny_folder, tmp_path):
    return make_trainer(tiny_folder, tmp_path)


def logged(trainer, name):
    """The values of one metric, in order."""
    return [entry[name] for entry in trainer.state.log_history if name in entry]


ROWS = [{"prompt": p} for p in ["5*x+7=52?"] * 4 + ["12*x+1=1000?"] * 4]


def test_loss_and_gradient_are_our_own_steps(trainer, tiny_folder):
    from laser_core.policy import load_policy
    from laser_core.scoring import Solutions, score_solutions

    policy = load_policy(str(tiny_folder))
    policy.model.load_state_dict(trainer.model.state_dict())
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1
    output = trainer._generate_and_score_completions(ROWS)
    lengths = output["completion_mask"].sum(1).tolist()
    responses = [ids[:n] for ids, n in zip(output["completion_ids"].tolist(), lengths, strict=True)]
    assert any(r[-1] == policy.eos_id for r in responses)
    prompts = [policy.encode_prompt(row["prompt"]) for row in ROWS]
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
    names = {key for entry in trainer.state.log_history for key in entry}
    assert {"laser/score_loss", "reward", "frac_reward_zero_std"} <= names


def test_the_logged_score_loss_does_not_depend_on_accumulation(trainer):
    """Two halves of 4 rows: the average of what they log is the mean over all 8 rows."""
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1
    output = trainer._generate_and_score_completions(ROWS)
    log = trainer._metrics["train"]["laser/score_loss"]
    with torch.no_grad():
        trainer._compute_loss(trainer.model, output)
        (whole,) = log
        log.clear()
        trainer.current_gradient_accumulation_steps = trainer.args.steps_per_generation = 2
        for half in (slice(0, 4), slice(4, 8)):
            trainer._compute_loss(
                trainer.model, {k: v[half] if torch.is_tensor(v) and v.ndim else v for k, v in output.items()}
            )
    assert whole > 0
    assert sum(log) / len(log) == pytest.approx(whole, rel=1e-4)


def test_a_completion_that_ends_with_a_second_eos_is_scored(tiny_folder, tmp_path):
    from laser_core.policy import load_policy

    first = load_policy(str(tiny_folder)).eos_id
    second = load_policy(str(tiny_folder)).tokenizer.convert_tokens_to_ids("5")
    trainer = make_trainer(tiny_folder, tmp_path, eos=[first, second])
    trainer.model.train()
    output = trainer._generate_and_score_completions(ROWS)
    last = [ids[n - 1] for ids, n in zip(output["completion_ids"], output["completion_mask"].sum(1), strict=True)]
    ends = [int(token) for token in last]
    assert second in ends
    assert output["n_scored"] == sum(token in (first, second) for token in ends)


def test_the_score_loss_is_outside_the_evaluation_loss_while_only_the_policy_trains(tiny_folder, tmp_path):
    trainer = make_trainer(tiny_folder, tmp_path, reasoning_warmup=5)
    trainer.model.eval()
    output = trainer._generate_and_score_completions(ROWS)
    losses = []
    for alpha in (0.5, 50.0):
        trainer.args.alpha = alpha
        with torch.no_grad():
            losses.append(trainer._compute_loss(trainer.model, output).item())
    assert losses[0] == losses[1]


SOME_END = {"eos": list(range(10, 20)), "c_ref": None}  # so many ids end a completion that a first batch has some


def test_a_measured_c_ref_is_in_the_checkpoint(tiny_folder, tmp_path):
    first = make_trainer(tiny_folder, tmp_path, **SOME_END, save_strategy="steps", save_steps=1, max_steps=1)
    first.train()
    measured = first.c_ref
    assert measured == pytest.approx(logged(first, "laser/c_ref")[0])
    again = make_trainer(tiny_folder, tmp_path, **SOME_END, save_strategy="no", max_steps=2)
    again.train(resume_from_checkpoint=True)
    assert again.state.global_step == 2
    assert again.c_ref == measured


def test_a_given_c_ref_outranks_the_checkpoints(tiny_folder, tmp_path):
    make_trainer(tiny_folder, tmp_path, **SOME_END, save_strategy="steps", save_steps=1, max_steps=1).train()
    again = make_trainer(tiny_folder, tmp_path, c_ref=-7.5)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))
    assert again.c_ref == -7.5


def test_settings_that_cannot_work_are_refused(tmp_path):
    from laser_core.errors import InputError
    from laser_core.integrations.trl import LaSeRConfig

    with pytest.raises(InputError, match="temperature"):
        LaSeRConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, temperature=0.7)
