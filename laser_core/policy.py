"""Load a causal LM as a policy, and choose and check its verdict token z_c."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import transformers.utils.logging as hf_logging
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from laser_core.bundled import PREFIX, model_path
from laser_core.errors import InputError
from laser_core.fast import architectures
from laser_core.fast.batches import SHARE, Batches, free_memory
from laser_core.fast.choice import Lean
from laser_core.fast.devices import CPU
from laser_core.fast.precision import cast, output_logits
from laser_core.fast.sizes import ModelSize
from laser_core.models import lora
from laser_core.models.endings import end_ids
from laser_core.models.gguf import safetensors_folder
from laser_core.models.names import is_gguf
from laser_core.models.notes import ModelNotes, read_notes
from laser_core.models.prompt import TOY_VOCABULARY, Prompt, PromptSettings, make_prompt
from laser_core.models.verdict_token import NAMED, choose_z_token, unused_tokens, with_verdict_token
from laser_core.tasks.worked import load_worked

__all__ = ["Policy", "choose_z_token", "load_policy", "unused_tokens", "with_prompt"]

hf_logging.disable_progress_bar()  # the command line draws its own

# On a CPU, plain attention is measured twice as fast as the fused kernel, which models otherwise get, up to this size.
SMALL = 2**24  # parameters


@dataclass(frozen=True)
class Policy:
    """A causal LM, its tokenizer, and the verdict token whose log-prob becomes the score.

    Attributes
    ----------
    name : str
        What it was loaded from.
    model : PreTrainedModel
        From transformers.
    tokenizer : PreTrainedTokenizerBase
        From transformers.
    z_token : str
        The verdict token z_c.
    z_id : int
        Its id.
    more_z_ids : tuple of int
        Further tokens whose log-probs are averaged with z_c's; none in the paper.
    z_wrong_id : int, optional
        Id of z_i, the verdict token for an incorrect solution; the cross-entropy ablation alone has one.
    lean : Lean
        Where the lean forward pass may stand in for the model's own.
    end_ids : tuple of int
        All tokens that end a solution, the one that closes a given text first; empty: the tokenizer's own alone.
    prompt : Prompt, optional
        How a problem is asked; None: as its tokenizer suggests (:func:`~laser_core.models.prompt.make_prompt`).
    z_kind : str
        Why z_token was chosen, one of :data:`~laser_core.models.verdict_token.KINDS`.
    c_ref : float, optional
        The reference constant that the model was trained with, in nats, where its folder notes it.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    z_token: str
    z_id: int
    more_z_ids: tuple[int, ...] = ()
    z_wrong_id: int | None = None
    lean: Lean = Lean()
    end_ids: tuple[int, ...] = ()
    prompt: Prompt | None = None
    z_kind: str = NAMED
    c_ref: float | None = None

    def z_logprob(self, logprobs: torch.Tensor) -> torch.Tensor:
        """log pi(z_c) of shape (...), from log-probs of shape (..., V); the mean over several verdict tokens."""
        if not self.more_z_ids:
            return logprobs[..., self.z_id]
        return logprobs[..., [self.z_id, *self.more_z_ids]].mean(-1)

    @property
    def eos_id(self) -> int:
        """The token that closes a solution given as text."""
        return self.end_ids[0] if self.end_ids else self.tokenizer.eos_token_id

    def ends(self, token: torch.Tensor) -> torch.Tensor:
        """Which of these tokens end a solution: bool of the same shape."""
        if len(self.end_ids) < 2:
            return token == self.eos_id
        return torch.isin(token, torch.tensor(self.end_ids, device=token.device))

    @property
    def pad_id(self) -> int:
        """The token that pads rows; attention never sees it."""
        pad = self.tokenizer.pad_token_id
        return self.eos_id if pad is None else pad

    @property
    def usual_length(self) -> int:
        """The length limit of a solution, in tokens, where nobody names one."""
        return 40 if len(self.tokenizer) < TOY_VOCABULARY else 256

    @property
    def asks(self) -> Prompt:
        """How a problem is asked: the prompt given, or the one that the tokenizer suggests."""
        return self.prompt or make_prompt(self.tokenizer)

    def encode_prompt(self, problem: str) -> list[int]:
        """Token ids of a problem as the model gets it."""
        return self.asks.encode(self.tokenizer, problem)

    def notes(self, c_ref: float) -> ModelNotes:
        """What a model's folder notes of it: how it is asked and, of a single verdict token, which it is and c_ref."""
        single = not self.more_z_ids and self.z_wrong_id is None
        return ModelNotes(self.asks, self.z_token if single else None, c_ref if single else None)

    @property
    def head(self) -> torch.nn.Linear:
        """The output layer."""
        return self.model.get_output_embeddings()

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """The output layer's logits, always in float32: near -23 nats bfloat16 resolves no better than 1/8 nat."""
        return output_logits(hidden, self.head)

    def cast(self, dtype: torch.dtype) -> Policy:
        """A copy of the policy with its weights in ``dtype``, to sample from; on a CPU twice as fast as autocast."""
        return replace(self, model=cast(self.model, dtype))

    def batches(
        self,
        dtype: torch.dtype,
        *,
        to_train: bool = False,
        recompute: bool = False,
        say: Callable[[str], None] | None = None,
    ) -> Batches:
        """How much to compute at once with this model, from the memory that is free now.

        Parameters
        ----------
        dtype : torch.dtype
            Of the matrix products.
        to_train : bool
            Whether gradients and an optimiser will take memory, too.
        recompute : bool
            Whether the backward pass computes layers again.
        say : callable, optional
            Is told when a batch had to be halved.
        """
        size, device = ModelSize.of(self.model), self.model.device
        parts = size.training(self.model.dtype.itemsize)
        later = sum(parts.values()) - parts["weights"] if to_train else 0
        able = architectures.supports(self.model)
        return Batches(
            size,
            dtype,
            device,
            budget=int(SHARE * (free_memory(device) - later)),
            lean_sampling=able and self.lean.sampling,
            lean_training=able and self.lean.training,
            recompute=recompute,
            copied=self.model.dtype != dtype,
            say=say,
        )

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of a response, without its special tokens."""
        text = self.tokenizer.decode(list(tokens), skip_special_tokens=True)
        assert isinstance(text, str)  # one sequence of tokens, one text
        return text


def load_policy(
    name: str,
    *,
    z_token: str = "",
    prompt: Prompt | None = None,
    device: torch.device = CPU,
    dtype: torch.dtype = torch.float32,
) -> Policy:
    """Load a causal LM by Hugging Face name, local folder, ``.gguf`` file, ``smollm2-135m`` or ``bundled:base``.

    Only safetensors weights are loaded (a GGUF file is converted once), and code shipped with a model is never run. The
    folder of a LoRA adapter stands for the model that it names, with the adapter merged into its weights.

    Parameters
    ----------
    name : str
        Hugging Face name, folder, ``.gguf`` file, a name of :data:`laser_core.models.names.PACKAGED`, or ``bundled:``
        and a name.
    z_token : str
        The verdict token; empty: the one the model was trained with, where its folder notes it, else one that it ships
        unused, or a new one where it ships none.
    prompt : Prompt, optional
        How a problem is asked; by default as the model was trained, where its folder says so, else as its tokenizer
        suggests.
    device : torch.device
        Where its weights go.
    dtype : torch.dtype
        Their precision there (:func:`~laser_core.fast.devices.weights_dtype`).

    Returns
    -------
    Policy

    Raises
    ------
    InputError
        If the model cannot be loaded, or the token cannot serve as z_c.
    """
    path = folder_of(name)
    model, tokenizer = _weights_and_tokenizer(name, path, dtype)
    if tokenizer.eos_token_id is None:
        raise InputError("its tokenizer has no end-of-sequence token", file=name, field="model", remedy="set eos_token")
    if device.type == "cpu" and model.num_parameters() < SMALL:
        model.set_attn_implementation("eager")
    ends = end_ids(model, tokenizer)
    notes = read_notes(path)
    verdict = with_verdict_token(model, tokenizer, z_token or notes.z_token or "", ends)
    model.to(device)  # type: ignore[arg-type]  # transformers' decorator hides the signature
    model.eval()
    return Policy(
        name,
        model,
        tokenizer,
        verdict.token,
        verdict.z_id,
        end_ids=ends,
        prompt=prompt or notes.prompt or make_prompt(tokenizer),
        z_kind=verdict.kind,
        c_ref=notes.c_ref if verdict.token == notes.z_token else None,
    )


def folder_of(name: str) -> str:
    """Where a model's files are: the folder of a bundled one or of a GGUF file's safetensors; else the name itself."""
    return str(safetensors_folder(name)) if is_gguf(name) else model_path(name)


def _weights_and_tokenizer(
    name: str, path: str, dtype: torch.dtype, above: tuple[str, ...] = ()
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model as it lies in a folder or on the hub; an adapter's is its model's, with the adapter merged.

    ``above`` are the adapters that asked for it.
    """
    if (name.startswith(PREFIX) or path.startswith((".", "/"))) and not Path(path).is_dir():
        raise InputError("there is no such model folder", file=path, field="model", remedy="check the path")
    base = lora.base_of(path)
    if base is not None:
        if path in above:
            raise InputError(
                "the adapter belongs to itself", file=path, field="base_model_name_or_path", remedy="name its model"
            )
        # Merged in float32, whatever the precision to compute in: one rounding rather than two.
        model, tokenizer = _weights_and_tokenizer(base, folder_of(base), torch.float32, (*above, path))
        merged = lora.merged(model, path)
        merged.to(dtype)  # type: ignore[arg-type]  # transformers' decorator hides the signature
        return merged, _tokenizer(name, path) if _has_tokenizer(path) else tokenizer
    try:
        model = AutoModelForCausalLM.from_pretrained(path, trust_remote_code=False, use_safetensors=True, dtype=dtype)
    except (OSError, ValueError, ImportError) as error:
        raise _not_loadable(name, error) from None
    return model, _tokenizer(name, path)


def _has_tokenizer(path: str) -> bool:
    return (Path(path) / "tokenizer_config.json").is_file()


def _tokenizer(name: str, path: str) -> PreTrainedTokenizerBase:
    try:
        return AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        raise _not_loadable(name, error) from None


def _not_loadable(name: str, error: Exception) -> InputError:
    first = str(error).strip().splitlines()[0]
    return InputError(
        f"not a model that can be loaded ({first})",
        file=name,
        field="model",
        remedy="give a folder with config.json, tokenizer.json and model.safetensors, or a Hugging Face name",
    )


def with_prompt(policy: Policy, settings: PromptSettings) -> Policy:
    """The policy with the prompt that the settings ask for; unchanged where they are the defaults.

    Raises
    ------
    InputError
        If the model cannot be asked so, or the examples cannot be read.
    """
    if settings == PromptSettings():
        return policy
    worked = load_worked(settings.examples)[: settings.shots] if settings.examples else ()
    examples = [(example.problem.text, example.text(settings.answers)) for example in worked]
    return replace(policy, prompt=make_prompt(policy.tokenizer, settings, examples))
