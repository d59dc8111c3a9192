"""LaSeR on TRL's GRPOTrainer: the same equations, with what TRL brings (Accelerate, FSDP, DeepSpeed, vLLM, PEFT).

    pip install 'laser-explorer[trl]'

TRL has no public hooks for this, so four of its private methods are overridden; their signatures are checked when this
module is imported, and the version is pinned. What happens where:

- ``_get_per_token_logps_and_entropies``: z_c is appended after each completion's last token, in one more column whose
  log-prob is log pi(z_c | x, y, <eos>); causal attention keeps it from changing anything before it.
- ``_calculate_rewards``: the verifier's rewards are kept for the score loss.
- ``_generate_and_score_completions``: scores and rewards of the whole batch become class weights and integrated
  advantages, before TRL shuffles the rows.
- ``_compute_loss``: adds alpha times the score loss, from the forward pass that TRL runs anyway.

The scores in the advantages take one forward pass without gradients before the shuffle: the one cost beyond the extra
column.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase, TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, TrainOutput, get_last_checkpoint

from laser_core import algorithm
from laser_core.errors import InputError
from laser_core.policy import choose_z_token
from laser_core.runfolder import step_metrics

try:
    import trl
    from trl import GRPOConfig, GRPOTrainer
except ImportError as error:
    raise ImportError("TRL is not installed: pip install 'laser-explorer[trl]'") from error

_HOOKS = {
    "_get_per_token_logps_and_entropies": ["self", "model", "input_ids", "attention_mask", "logits_to_keep"],
    "_calculate_rewards": ["self", "inputs", "prompts", "completions", "completion_ids_list"],
    "_generate_and_score_completions": ["self", "inputs"],
    "_compute_loss": ["self", "model", "inputs"],
}
for _name, _expected in _HOOKS.items():
    _found = list(inspect.signature(getattr(GRPOTrainer, _name, lambda: None)).parameters)
    if _found[: len(_expected)] != _expected:
        raise ImportError(
            f"laser_core was written for TRL 1.16, but GRPOTrainer.{_name} of TRL {trl.__version__} takes "
            f"({', '.join(_found)}): pip install 'trl>=1.16,<1.17'"
        )


C_REF_FILE = "laser.json"  # in a checkpoint's folder: the measured c_ref


def _option(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass
class LaSeRConfig(GRPOConfig):
    """TRL's GRPO settings and LaSeR's; the defaults are the paper's. TRL's ``beta`` (policy KL) is not ``beta_v``.

    Raises
    ------
    InputError
        If a setting cannot work with LaSeR.
    """

    beta_v: float = _option(0.1, "scale of the score, reward units per nat")
    alpha: float = _option(0.1, "weight of the score loss")
    tau: float = _option(0.1, "share of the score in the integrated advantage")
    std_threshold: float = _option(0.1, "least standard deviation of a group's scores to use them (T)")
    z_token: str = _option("", "verdict token z_c; empty: a token the model ships unused")
    c_ref: float | None = _option(
        None, "reference log-prob of z_c, nats; None: measured on the first batch, and kept in the checkpoints"
    )
    class_weighting: bool = _option(True, "give both classes the same total weight in the score loss")
    reasoning_warmup: int = _option(200, "optimiser steps with the policy loss alone, at first")
    self_reward_warmup: int = _option(200, "optimiser steps that train the score without using it, after that")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, ok, remedy in (
            ("temperature", self.temperature == 1.0, "the score is log pi(z_c) of the untempered policy: keep 1.0"),
            ("beta_v", self.beta_v > 0, "give a positive number"),
            ("tau", 0 <= self.tau <= 1, "give a share between 0 and 1"),
            ("scale_rewards", self.scale_rewards in ("group", True), "the paper normalises by group: keep group"),
        ):
            if not ok:
                raise InputError(f"{getattr(self, name)!r} is not allowed", field=name, remedy=remedy)

    def phase(self, step: int) -> str:
        """The paper's schedule: what an optimiser step, counted from 0, trains. One of grpo, score, laser."""
        if step < self.reasoning_warmup:
            return "grpo"
        return "score" if step < self.reasoning_warmup + self.self_reward_warmup else "laser"


class LaSeRTrainer(GRPOTrainer):
    """GRPOTrainer with LaSeR's score loss and integrated advantages.

    Parameters
    ----------
    *args, **kwargs
        As of GRPOTrainer, with a :class:`LaSeRConfig` and exactly one reward function: the verifier, which returns 1 or
        0.

    Raises
    ------
    InputError
        If there is another number of reward functions, no tokenizer, or no token that is usable as z_c.
    """

    args: LaSeRConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not isinstance(self.args, LaSeRConfig):
            raise InputError("LaSeRTrainer needs a LaSeRConfig", field="args")
        if len(self.reward_funcs) != 1:
            raise InputError(
                f"{len(self.reward_funcs)} reward functions", field="reward_funcs", remedy="give one, the verifier"
            )
        tokenizer = getattr(self.processing_class, "tokenizer", self.processing_class)
        if not isinstance(tokenizer, PreTrainedTokenizerBase):
            raise InputError("there is no tokenizer", field="processing_class", remedy="give the model's tokenizer")
        self.z_token, self.z_id = choose_z_token(tokenizer, self.args.z_token)
        self.c_ref = self.args.c_ref
        self.add_callback(_KeepCRef(self))
        self._z_logprob = torch.empty(0)  # of the latest forward pass
        self._rewards = torch.empty(0)  # of the latest generation, over all processes

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **kwargs: Any) -> TrainOutput:
        """TRL's; a resumed run takes a measured c_ref from its checkpoint."""
        if self.c_ref is None and resume_from_checkpoint:
            folder = resume_from_checkpoint
            if not isinstance(folder, str):
                folder = get_last_checkpoint(self.args.output_dir)
            if folder is not None and (stored := Path(folder) / C_REF_FILE).is_file():
                self.c_ref = float(json.loads(stored.read_text(encoding="utf-8"))["c_ref"])
        return super().train(resume_from_checkpoint, *args, **kwargs)

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Tensor, attention_mask: Tensor, logits_to_keep: int, *args: Any, **kwargs: Any
    ) -> tuple:
        """TRL's, and ``_z_logprob`` of shape (B,), read in one more column."""
        mask = attention_mask[:, -logits_to_keep:]
        length = mask.sum(1)  # (B,), completions are right-padded
        at = (input_ids.shape[1] - logits_to_keep + length).unsqueeze(1)  # (B, 1), the place after the last token
        blank = torch.zeros_like(input_ids[:, :1])
        longer_ids = torch.cat([input_ids, blank], dim=1).scatter(1, at, self.z_id)
        longer_mask = torch.cat([attention_mask, torch.zeros_like(attention_mask[:, :1])], dim=1).scatter(1, at, 1)
        logps, entropies, aux_loss = super()._get_per_token_logps_and_entropies(
            model, longer_ids, longer_mask, logits_to_keep + 1, *args, **kwargs
        )
        self._z_logprob = logps.gather(1, length.unsqueeze(1)).squeeze(1)  # (B, T + 1) -> (B,)
        return logps[:, :-1], None if entropies is None else entropies[:, :-1], aux_loss

    def _calculate_rewards(self, inputs: list, prompts: list, completions: list, completion_ids_list: list) -> Tensor:
        """TRL's; keeps the verifier's rewards, of all processes."""
        rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        self._rewards = rewards[:, 0]
        if not ((self._rewards == 0) | (self._rewards == 1)).all():
            raise InputError(
                "the verifier returned a reward other than 0 and 1", field="reward_funcs", remedy="return 1.0 or 0.0"
            )
        return rewards

    def _generate_and_score_completions(self, inputs: list) -> dict:
        """TRL's, with integrated advantages, and with each row's reward and class weight."""
        output = super()._generate_and_score_completions(inputs)
        completion, mask = output["completion_ids"], output["completion_mask"]
        with torch.no_grad():
            self._get_per_token_logps_and_entropies(
                self.model,
                torch.cat([output["prompt_ids"], completion], dim=1),
                torch.cat([output["prompt_mask"], mask], dim=1),
                completion.shape[1],
                self.args.per_device_train_batch_size,
            )
        scored = ends_with(completion, mask, self.eos_token_ids)

        # Groups may span processes: statistics are taken over all of them, rows are this one's.
        gather = self.accelerator.gather
        reward, z_logprob, all_scored = self._rewards.float(), gather(self._z_logprob).float(), gather(scored)
        if self.c_ref is None:
            self.c_ref = self._measured_c_ref(z_logprob[all_scored])
        score = algorithm.last_token_score(z_logprob, beta_v=self.args.beta_v, c_ref=self.c_ref)
        weight = algorithm.class_weights(reward, all_scored) if self.args.class_weighting else all_scored.float()
        start = self.accelerator.process_index * len(completion)
        mine = slice(start, start + len(completion))
        training = self._is_training()
        group_size = self.num_generations if training else self.num_generations_eval
        assert group_size is not None  # GRPOTrainer has set both
        if training and self.args.phase(self.state.global_step) == "laser":
            blended = algorithm.integrated_advantages(
                reward, score, all_scored, group_size, tau=self.args.tau, std_threshold=self.args.std_threshold
            )
            output["advantages"] = blended[mine].to(output["advantages"].dtype)
        output |= {"verifier_reward": reward[mine], "class_weight": weight[mine], "n_scored": all_scored.sum()}
        metrics = self._metrics["train" if training else "eval"]
        found = step_metrics.score_summary(score, reward, all_scored, group_size, loss=float("nan"))
        for name, value in found.items():
            if value == value:  # not NaN: a class is missing
                metrics[name].append(value)
        return output

    def _is_training(self) -> bool:
        assert self.model is not None
        return self.model.training

    def _measured_c_ref(self, z_logprob: Tensor) -> float:
        if self.state.global_step:
            raise InputError(
                "a resumed run cannot measure c_ref: the model has changed",
                field="c_ref",
                remedy="give the first run's, which it logged as laser/c_ref",
            )
        if not len(z_logprob):
            raise InputError(
                "every completion of the first batch is truncated, so c_ref cannot be measured",
                field="max_completion_length",
                remedy="raise it, or set c_ref",
            )
        c_ref = z_logprob.double().mean().item()
        self._metrics["train"]["laser/c_ref"].append(c_ref)
        return c_ref

    def _compute_loss(self, model: Any, inputs: dict) -> Tensor:
        """TRL's GRPO loss plus alpha times the score loss."""
        loss = super()._compute_loss(model, inputs)
        training = self._is_training()
        assert self.c_ref is not None  # given, or measured on the first batch
        score = algorithm.last_token_score(self._z_logprob, beta_v=self.args.beta_v, c_ref=self.c_ref)
        total = algorithm.score_loss(score, inputs["verifier_reward"], inputs["class_weight"], n_scored=1)
        # One batch of generations is spread over processes (whose gradients are averaged), optimiser steps and
        # accumulation: the parts of one optimiser step must add up to its mean.
        share = inputs["n_scored"].clamp(min=1) / self.accelerator.num_processes
        accumulation = 1
        if training:
            assert self.args.steps_per_generation is not None  # GRPOConfig has set it
            accumulation = self.current_gradient_accumulation_steps
            share = share * accumulation / self.args.steps_per_generation
        score_loss = total / share
        # The parts of an optimiser step add up to its mean, while the log averages them.
        self._metrics["train" if training else "eval"]["laser/score_loss"].append(
            self.accelerator.gather(score_loss.detach()).mean().item() * accumulation
        )
        if self.args.phase(self.state.global_step) == "grpo":
            return loss
        return loss + self.args.alpha * score_loss


class _KeepCRef(TrainerCallback):
    """Writes c_ref into every checkpoint: the model of a resumed run is no longer the one it was measured on."""

    def __init__(self, trainer: LaSeRTrainer) -> None:
        self._trainer = trainer

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write beside the checkpoint that has just been saved."""
        folder = Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
        if state.is_world_process_zero and folder.is_dir():
            text = json.dumps({"c_ref": self._trainer.c_ref})
            (folder / C_REF_FILE).write_text(text, encoding="utf-8")


def ends_with(completion: Tensor, mask: Tensor, tokens: Sequence[int]) -> Tensor:
    """Whether each right-padded completion's last token is one of these.

    Parameters
    ----------
    completion : int64 Tensor of shape (B, T)
    mask : int64 Tensor of shape (B, T)
        1 at the completion's tokens.
    tokens : sequence of int
        The ids that end a completion; a model may have several.

    Returns
    -------
    bool Tensor of shape (B,)

    Examples
    --------
    >>> completion = torch.tensor([[5, 9, 0], [5, 6, 7], [9, 0, 0]])
    >>> mask = torch.tensor([[1, 1, 0], [1, 1, 1], [0, 0, 0]])
    >>> ends_with(completion, mask, [9]).tolist(), ends_with(completion, mask, [9, 7]).tolist()
    ([True, False, False], [True, True, False])
    """
    length = mask.sum(1)
    last = completion.gather(1, (length - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
    return torch.isin(last, torch.tensor(list(tokens), device=last.device)) & (length > 0)
