"""One decoding run: a batch of prompts, from the first code to the last.

The arithmetic is that of Hugging Face's generation loop with the arguments of IndexTTS-2, token for
token. The loop is our own, so that prompts can be batched, leave the batch when they have finished,
and each use its own random numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from adapters.indextts2.noise import Noise
from adapters.indextts2.t2s.beam_search import BeamSearch, Codes
from adapters.indextts2.t2s.kv_cache import KeyValueCache
from adapters.indextts2.t2s.language_model import LanguageModel
from adapters.indextts2.t2s.prompt import PromptBatch
from adapters.indextts2.t2s.steps.buckets import Buckets
from adapters.indextts2.t2s.steps.runner import StepRunner
from adapters.indextts2.t2s.transformer import Transformer, causal_bias


@dataclass(slots=True, kw_only=True, eq=False)
class DecodingRun:
    """Decodes a batch whose rows are prompts at first, and fewer rows as prompts finish.

    ``results`` holds the codes of each prompt that has finished, by its index. All other numbers of
    the run are on the device; the host reads them when it polls.
    """

    language_model: LanguageModel
    transformer: Transformer
    noise: Noise
    search: BeamSearch
    cache: KeyValueCache
    buckets: Buckets
    runner: StepRunner
    poll_every: int
    results: dict[int, Codes] = field(default_factory=dict, init=False)
    _prompts: list[int] = field(init=False)
    """Index of the prompt in each row of the batch. Rows after these only fill up a bucket."""
    _open_rows: list[int] = field(init=False)
    """Rows that were open at the last poll."""

    def __post_init__(self) -> None:
        self._prompts = list(range(self.search.rows))
        self._open_rows = list(self._prompts)

    def polls(self, batch: PromptBatch) -> Iterator[None]:
        """Decode ``batch`` to the end. Yield after each poll that finds an open row."""
        self._prefill(batch)
        longest = self.search.sampling.max_mel_tokens
        for length in range(1, longest + 1):
            if length == longest or length % self.poll_every == 0:
                self._poll(is_last=length == longest)
                if not self._open_rows:
                    return
                yield
            self._fit_batch()
            self._run_step()

    def common_prefix(self, prompt: int) -> Tensor:
        """Return the first codes (n,) of ``prompt``, which is open, that no beam can change."""
        return self.search.common_prefix(self._prompts.index(prompt))

    def _prefill(self, batch: PromptBatch) -> None:
        """Read the prompts and the start code, and choose the first codes."""
        model, padding = self.language_model, batch.padding
        rows, length, _ = batch.embeddings.shape
        start = torch.full((rows, 1), model.start_mel_token, device=padding.device)
        start_embedding = model.mel_embedding(start) + model.mel_pos_embedding.emb.weight[0]
        # An attention weight of zero times NaN is NaN: the padding itself must be zero.
        is_padding = torch.arange(length, device=padding.device)[None] < padding[:, None]
        prompts = batch.embeddings.masked_fill(is_padding[:, :, None], 0)
        x = torch.cat([prompts, start_embedding], dim=1)  # (rows, length + 1, width)
        self.cache.start(padding, length + 1, self.transformer.dtype)
        bias = causal_bias(padding, length + 1, self.transformer.dtype)
        logits = self._logits(self.transformer.run(x, self.cache, bias)[:, -1:])
        self.search.advance(logits.expand(-1, self.search.sampling.num_beams, -1), self.noise)

    def _poll(self, *, is_last: bool) -> None:
        """Read from the device which rows are open, and take the results of the others.

        After the last step, when ``is_last``, no row is open.
        """
        is_open = self.search.is_open.tolist()  # the host waits for the device here
        rows = range(len(self._prompts))
        self._open_rows = [row for row in rows if is_open[row] and not is_last]
        for row, prompt in enumerate(self._prompts):
            if row not in self._open_rows and prompt not in self.results:
                self.results[prompt] = self.search.result(row)

    def _fit_batch(self) -> None:
        """Drop finished rows where that leads to a smaller bucket, and fill up the bucket."""
        rows = self.buckets.rows(len(self._open_rows))
        if rows == self.search.rows:
            return
        # Filler rows repeat an open row, so that their numbers are valid; their codes are not used.
        fillers = [self._open_rows[0]] * (rows - len(self._open_rows))
        kept = torch.tensor([*self._open_rows, *fillers], device=self.search.is_open.device)
        self.search.keep_rows(kept)
        self.cache.keep_rows(kept)
        self._prompts = [self._prompts[row] for row in self._open_rows]
        self._open_rows = list(range(len(self._prompts)))

    def _run_step(self) -> None:
        self.cache.reserve_step()
        key = (self.search.rows, *self.cache.shape, self.search.sampling)
        self.runner.run(key, self._step)

    def _step(self) -> None:
        """Choose the next code of each beam; this is a ``steps.runner.Step``."""
        model = self.language_model
        # The start code is at position 0 and the first code at 2: ``GPT2InferenceModel.forward``
        # takes the position from an attention mask that counts the new code already.
        position = model.mel_pos_embedding.emb.weight.index_select(0, self.search.length + 1)
        x = model.mel_embedding(self.search.last_codes()) + position  # (rows, beams, width)
        self.cache.begin_step()
        logits = self._logits(self.transformer.run(x, self.cache, self.cache.bias))
        self.cache.end_step(self.search.advance(logits, self.noise))

    def _logits(self, hidden: Tensor) -> Tensor:
        """Return logits (rows, new, codes), float32, of ``hidden`` states (rows, new, width)."""
        model = self.language_model
        return model.mel_head(model.final_norm(hidden)).float()
