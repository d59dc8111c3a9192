"""Every setting of a training run in one frozen dataclass, read from and written to TOML; unknown keys are refused."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from laser_core.errors import InputError
from laser_core.models.prompt import PromptSettings

METHODS = ("grpo", "laser")
SUPERVISED = ("sft", "fit")  # the methods of `laser sft` and `laser fit`, which sample nothing to learn from
REFERENCES = ("constant", "exact")
SCORE_FORMS = ("mse", "bce")
REWARD_SOURCES = ("verifier", "score")
RECOMPUTE = ("auto", "on", "off")
TRACKERS = ("tensorboard", "wandb", "trackio")


def setting(default: Any, help: str, *, symbol: str = "", unit: str = "") -> Any:
    """A dataclass field with its meaning, its symbol in the paper and its unit."""
    return field(default=default, metadata={"help": help, "symbol": symbol, "unit": unit})


@dataclass(frozen=True)
class LaserConfig:
    """Settings of a run. The defaults are the preset ``mini``; :meth:`published` has the paper's.

    Raises
    ------
    InputError
        From the constructor, naming the field, if a value cannot work.
    """

    # What is trained, on what
    method: str = setting("laser", "grpo (verifier reward only) or laser; sft and fit are those commands' own")
    model: str = setting("bundled:base", "start from this Hugging Face folder or name, or a bundled model")
    task: str = setting("linear", "the problems: a generated family, a local file, or a Hugging Face dataset")
    prompt_template: str = setting("", "text around {problem} and {instruction}; empty: the usual one of such a model")
    prompt_system: str = setting("", "system message")
    prompt_examples: str = setting("", "worked problems to show first: a task with solutions (gsm8k) or a file")
    prompt_shots: int = setting(4, "how many of them")
    prompt_chat: str = setting("auto", "use the model's chat template: auto (if it has one), on or off")
    answer_format: str = setting("auto", "how solutions state the answer: boxed (the default), hash (####) or none")
    seed: int = setting(0, "seeds the problems drawn, the sampling and the evaluation")

    # LaSeR
    beta_v: float = setting(0.1, "scale of the score", symbol="beta_v", unit="reward / nat")
    alpha: float = setting(0.1, "weight of the score loss", symbol="alpha")
    tau: float = setting(0.1, "share of the score in the integrated advantage", symbol="tau")
    std_threshold: float = setting(0.1, "least standard deviation of a problem's scores to use them", symbol="T")
    z_token: str = setting("", "verdict token; empty: the model's first reserved token", symbol="z_c")
    z_tokens: tuple[str, ...] = setting((), "several verdict tokens, log-probs averaged; empty: z_token alone")
    c_ref: float | None = setting(None, "reference log-prob; unset: measured at the start", symbol="c_ref", unit="nats")
    reference: str = setting("constant", "subtract the constant c_ref, or each solution's exact log pi_ref(z_c)")
    score_form: str = setting("mse", "mse (LaSeR's score loss) or bce (cross-entropy on two verdict tokens)")
    z_wrong_token: str = setting("", "bce: token for an incorrect solution; empty: the next reserved one", symbol="z_i")
    integrate_advantages: bool = setting(True, "after the warm-ups, blend the score into the advantage")
    reward_source: str = setting("verifier", "score: the only reward after the warm-ups is the score (it collapses)")
    class_weighting: bool = setting(True, "give both classes the same total weight in the score loss", symbol="w")
    reasoning_warmup: int = setting(4, "steps with the policy loss alone, at first", unit="steps")
    self_reward_warmup: int = setting(41, "steps that train the score without using it, after that", unit="steps")

    # Rollouts
    prompts_per_step: int = setting(64, "problems a step", symbol="G")
    rollouts_per_prompt: int = setting(8, "solutions a problem", symbol="K")
    max_new_tokens: int = setting(60, "length limit of a solution", unit="tokens")

    # Optimisation
    steps: int = setting(80, "training steps")
    lr: float = setting(5e-4, "peak learning rate of AdamW")
    lr_warmup: int = setting(10, "steps of linear warm-up of the learning rate", unit="steps")
    lr_decay: float = setting(0.3, "share of the run, at its end, in which the learning rate falls linearly to zero")
    weight_decay: float = setting(0.0, "AdamW's")
    adam_beta2: float = setting(0.99, "AdamW's second beta; the first is 0.9")
    max_grad_norm: float = setting(1.0, "gradient clipping")
    clip_low: float = setting(0.2, "lower clip of the probability ratio", symbol="epsilon")
    clip_high: float = setting(0.2, "upper clip of the probability ratio", symbol="epsilon")
    updates_per_step: int = setting(1, "optimiser updates on each step's rollouts")
    micro_batch_tokens: int = setting(
        4096, "most tokens in one forward pass, fewer where memory is short; 0: as many as it holds", unit="tokens"
    )
    recompute: str = setting("auto", "compute layers again in the backward pass: on, off, or auto (if memory is short)")
    device: str = setting("auto", "auto (a GPU if there is one), cpu, cuda, cuda:1, mps")
    dtype: str = setting(
        "auto", "auto, bfloat16 (on a CPU in products alone; the optimiser's numbers are always float32) or float32"
    )
    lora_rank: int = setting(0, "train a LoRA adapter of this rank instead of the weights; 0: all weights")
    lora_alpha: float = setting(32.0, "the adapter's output is scaled by lora_alpha / lora_rank")

    # laser fit
    fit_weights: str = setting("top", "which layers learn the score: top (the last ones, over cached states) or all")
    fit_layers: int = setting(8, "top: how many layers")
    fit_held_out: float = setting(0.2, "share of the problems that are held out, by a hash of their text")

    # Evaluation and safety
    eval_every: int = setting(0, "steps between evaluations on the validation split; 0: never", unit="steps")
    eval_problems: int = setting(500, "held-out problems in the final evaluation")
    eval_samples: int = setting(16, "solutions of each of them")
    keep_rollouts: bool = setting(False, "write every step's rollouts to training/STEP.parquet")
    checkpoint_every: int = setting(50, "steps between checkpoints; 0: only at the end", unit="steps")
    trackers: tuple[str, ...] = setting((), "send events to any of tensorboard, wandb, trackio")

    def __post_init__(self) -> None:
        def need(ok: bool, name: str, rule: str) -> None:
            if not ok:
                raise InputError(f"{getattr(self, name)!r} is not allowed", field=name, remedy=rule)

        need(self.method in (*METHODS, *SUPERVISED), "method", f"choose one of {', '.join(METHODS)}")
        for name, allowed in (
            ("reference", REFERENCES),
            ("score_form", SCORE_FORMS),
            ("reward_source", REWARD_SOURCES),
            ("fit_weights", ("top", "all")),
        ):
            need(getattr(self, name) in allowed, name, f"choose one of {', '.join(allowed)}")
        need(len(set(self.z_tokens)) == len(self.z_tokens), "z_tokens", "name each token once")
        need(set(self.trackers) <= set(TRACKERS), "trackers", f"choose among {', '.join(TRACKERS)}")
        need(not (self.z_token and self.z_tokens), "z_tokens", "give z_token or z_tokens, not both")
        another = not self.z_wrong_token or self.z_wrong_token not in (self.z_token, *self.z_tokens)
        need(another, "z_wrong_token", "give another token than z_c")
        need(self.dtype in ("auto", "bfloat16", "float32"), "dtype", "choose auto, bfloat16 or float32")
        need(self.recompute in RECOMPUTE, "recompute", f"choose one of {', '.join(RECOMPUTE)}")
        need(bool(self.device), "device", "give auto, cpu, cuda or mps")
        need(self.rollouts_per_prompt >= 2, "rollouts_per_prompt", "a group needs at least 2 solutions")
        for name in ("beta_v", "lr", "lora_alpha"):
            need(getattr(self, name) > 0, name, "give a positive number")
        for name in ("prompts_per_step", "max_new_tokens", "steps", "updates_per_step"):
            need(getattr(self, name) >= 1, name, "give at least 1")
        for name in (
            "alpha",
            "std_threshold",
            "reasoning_warmup",
            "self_reward_warmup",
            "eval_every",
            "seed",
            "micro_batch_tokens",
            "lora_rank",
        ):
            need(getattr(self, name) >= 0, name, "give 0 or more")
        need(0 <= self.adam_beta2 < 1, "adam_beta2", "give a number from 0 to below 1")
        need(0 < self.fit_held_out < 1, "fit_held_out", "give a share between 0 and 1")
        for name in ("tau", "lr_decay"):
            need(0 <= getattr(self, name) <= 1, name, "give a share between 0 and 1")
        self.prompt_settings()
        need(self.eval_problems >= 0, "eval_problems", "give 0 or more")
        need(self.eval_samples >= 1, "eval_samples", "give at least 1")
        need(self.checkpoint_every >= 0, "checkpoint_every", "give 0 or more")

    def prompt_settings(self) -> PromptSettings:
        """The settings of the prompt."""
        names = ("template", "system", "examples", "shots", "chat")
        return PromptSettings(**{n: getattr(self, f"prompt_{n}") for n in names}, answer_format=self.answer_format)

    def phase(self, step: int) -> str:
        """The paper's schedule: what a step, counted from 0, trains. One of grpo, score, laser.

        Examples
        --------
        >>> config = LaserConfig(reasoning_warmup=2, self_reward_warmup=1)
        >>> [config.phase(step) for step in range(4)]
        ['grpo', 'grpo', 'score', 'laser']
        """
        if self.method == "grpo" or step < self.reasoning_warmup:
            return "grpo"
        return "score" if step < self.reasoning_warmup + self.self_reward_warmup else "laser"

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, then constant, then linear decay to zero over the last ``lr_decay`` of the run."""
        warm = min(1.0, (step + 1) / max(self.lr_warmup, 1))
        decay_steps = self.lr_decay * self.steps
        left = min(1.0, (self.steps - step) / decay_steps) if decay_steps else 1.0
        return self.lr * min(warm, left)

    @classmethod
    def published(cls, **changes: Any) -> LaserConfig:
        """The paper's settings for large models (section 4.1 and appendix of arXiv 2510.14943)."""
        paper = {
            "alpha": 0.1,
            "prompts_per_step": 128,
            "max_new_tokens": 8192,
            "micro_batch_tokens": 0,
            "lr": 1e-6,
            "lr_decay": 0.0,
            "weight_decay": 0.01,  # this and the next are verl's, which the official scripts leave as they are
            "adam_beta2": 0.999,
            "reasoning_warmup": 200,
            "self_reward_warmup": 200,
            "steps": 1000,
        }
        return cls(**(paper | changes))

    def replace(self, **changes: Any) -> LaserConfig:
        """A copy with some fields changed; unknown names raise InputError."""
        check_names(changes)
        return dataclasses.replace(self, **changes)

    def to_toml(self) -> str:
        """Every set field as TOML, with its help as a comment."""
        lines = []
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if value is None:
                continue
            note = ", ".join(part for part in (f.metadata["symbol"], f.metadata["unit"]) if part)
            comment = f.metadata["help"] + (f" ({note})" if note else "")
            lines.append(f"{f.name} = {_toml_value(value)}  # {comment}")
        return "\n".join(lines) + "\n"

    @classmethod
    def from_toml(cls, path: str | Path) -> LaserConfig:
        """Read a file written by :meth:`to_toml` or by hand.

        Raises
        ------
        InputError
            Naming the file and the field.
        """
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})", file=path, remedy="check the path") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(
                f"not valid TOML: {error}", file=path, remedy="write one `field = value` per line"
            ) from None
        if values.get("temperature") == 1:  # version 0.1.0 wrote it, with this one legal value
            del values["temperature"]
        return cls(**{name: parse_value(name, value, file=path) for name, value in values.items()})


def check_names(names: Any, *, file: object = None) -> None:
    """Raise InputError for a name that is not a field of :class:`LaserConfig`, suggesting the nearest one."""
    import difflib

    known = [f.name for f in dataclasses.fields(LaserConfig)]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else "`laser train --help` lists the fields"
            if name == "temperature":
                remedy = "leave it out: training samples at temperature 1, where the score is defined"
            raise InputError("there is no such setting", file=file, field=name, remedy=remedy)


def parse_value(name: str, value: Any, *, file: object = None) -> Any:
    """Convert a value from TOML or the command line to the type of its field.

    Examples
    --------
    >>> parse_value("steps", "20"), parse_value("class_weighting", "false"), parse_value("lr", "5e-5")
    (20, False, 5e-05)

    A list is a TOML array, or separated by commas:

    >>> parse_value("z_tokens", "<|reserved_0|>,<|reserved_1|>")
    ('<|reserved_0|>', '<|reserved_1|>')
    """
    check_names([name], file=file)
    kind = {f.name: f.type for f in dataclasses.fields(LaserConfig)}[name]
    try:
        if kind == "bool":
            return {"true": True, "false": False}[str(value).lower()]
        if kind == "int":
            if isinstance(value, bool) or float(value) != int(float(value)):
                raise ValueError
            return int(float(value))
        if kind.startswith("float"):
            if isinstance(value, bool):
                raise ValueError
            return float(value)
        if kind.startswith("tuple"):
            parts = value.split(",") if isinstance(value, str) else list(value)
            if not all(isinstance(part, str) for part in parts):
                raise ValueError
            return tuple(part.strip() for part in parts if part.strip())
        return str(value)
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{value!r} is not a {'list of tokens' if kind.startswith('tuple') else kind.split(' ')[0]}",
            file=file,
            field=name,
        ) from None


def _toml_value(value: Any) -> str:
    """A value as TOML on one line, so that a comment can follow it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    return tomli_w.dumps({"x": value}).strip().removeprefix("x = ")
