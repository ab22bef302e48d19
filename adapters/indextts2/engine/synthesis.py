"""Segments to audio: semantic codes, latents, mel spectrogram, samples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from adapters.indextts2.engine.audio_check import AudioCheck
from adapters.indextts2.engine.batching import Task, batches_of, tasks_of
from adapters.indextts2.engine.frontend import PreparedRequest
from adapters.indextts2.s2m.mel_decoder import MelDecoder, SemanticSegment
from adapters.indextts2.t2s.beam_search import Codes
from adapters.indextts2.t2s.generator import SemanticGenerator
from adapters.indextts2.t2s.prompt import PromptBuilder
from adapters.indextts2.vocoder.windowed import Vocoder
from domain.audio import Samples
from domain.errors import SynthesisFailed
from domain.warnings import SpeechWarning, WarningCode


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of one segment's audio; warnings about the segment stand on its last piece."""

    task: Task
    samples: Samples
    ends_segment: bool
    warnings: tuple[SpeechWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Synthesizer:
    """Speaks the segments of a request in order.

    ``latents`` computes latents (1, codes, width) of a prompt (1, positions, width) and its codes
    (codes,). At most ``segments_at_once`` segments share a batch. With ``early_codes`` above 0 the
    audio of so many codes of the first segment leaves before the segment is decoded to its end.

    A segment that is alone in its batch leaves in windows, each as soon as it is computed. Segments
    that share a batch leave one by one. Which of the two happens depends on the request alone.
    """

    prompts: PromptBuilder
    generator: SemanticGenerator
    latents: Callable[[Tensor, Tensor], Tensor]
    mel_decoder: MelDecoder
    vocoder: Vocoder
    segments_at_once: int
    early_codes: int = 0

    def pieces(self, request: PreparedRequest) -> Iterator[Piece]:
        """Yield the audio of all segments, lazily.

        Raises:
            SynthesisFailed: a segment has no codes, no audible sample, or samples that are not
                finite.
        """
        early_codes = self.early_codes
        for batch in batches_of(tasks_of(request.texts), size=self.segments_at_once):
            if len(batch) > 1:
                yield from self._batched(batch, request)
            elif early_codes:
                yield from self._early(batch[0], request, early_codes)
            else:
                yield from self._alone(batch[0], request)
            early_codes = 0

    def _alone(self, task: Task, request: PreparedRequest) -> Iterator[Piece]:
        prompt = self._prompt(task, request)
        (codes,) = self._codes([task], [prompt], request)
        yield from self._finished(task, prompt, codes, request)

    def _batched(self, tasks: Sequence[Task], request: PreparedRequest) -> Iterator[Piece]:
        prompts = [self._prompt(task, request) for task in tasks]
        every = self._codes(tasks, prompts, request)
        segments = [
            self._segment(task, prompt, codes.ids)
            for task, prompt, codes in zip(tasks, prompts, every, strict=True)
        ]
        spoken = self.vocoder.synthesize(self._mels(segments, request))
        for task, codes, samples in zip(tasks, every, spoken, strict=True):
            AudioCheck(task.chunk_number).check_last(samples)
            yield Piece(
                task, samples, ends_segment=True, warnings=_limit_warnings(task, codes, request)
            )

    def _early(self, task: Task, request: PreparedRequest, count: int) -> Iterator[Piece]:
        """Yield the first ``count`` codes' audio, then the rest of the segment.

        The segment is decoded from its start again, because a half-finished decode would block
        other requests between two pieces. A segment that ends before ``count`` codes is certain to
        its end and is spoken as without early audio.
        """
        prompt = self._prompt(task, request)
        begun = self.generator.begin(
            prompt, task.key, sampling=request.sampling, noise=request.noise, count=count
        )
        if isinstance(begun, Codes):
            yield from self._finished(task, prompt, _require_codes(task, begun), request)
            return
        (partial,) = self._mels([self._segment(task, prompt, begun)], request)
        beginning = partial[:, :, : -self.mel_decoder.lookahead_frames]
        check, frames = AudioCheck(task.chunk_number), 0
        for samples in self.vocoder.pieces(beginning, is_partial=True):
            frames += len(samples) // self.vocoder.samples_per_frame
            check.check(samples)
            yield Piece(task, samples, ends_segment=False)
        (codes,) = self._codes([task], [prompt], request)
        _require_same_beginning(task, codes, begun)
        (mel,) = self._mels([self._segment(task, prompt, codes.ids, beginning)], request)
        warnings = (_early_warning(task), *_limit_warnings(task, codes, request))
        yield from self._windows(task, mel, warnings, check=check, first_frame=frames)

    def _finished(
        self, task: Task, prompt: Tensor, codes: Codes, request: PreparedRequest
    ) -> Iterator[Piece]:
        """Yield the audio of a segment whose codes are complete; ``prompt`` is (1, p, width)."""
        (mel,) = self._mels([self._segment(task, prompt, codes.ids)], request)
        warnings = _limit_warnings(task, codes, request)
        yield from self._windows(task, mel, warnings, check=AudioCheck(task.chunk_number))

    def _windows(
        self,
        task: Task,
        mel: Tensor,
        warnings: tuple[SpeechWarning, ...],
        *,
        check: AudioCheck,
        first_frame: int = 0,
    ) -> Iterator[Piece]:
        """Yield the audio of ``mel`` (1, 80, frames) from ``first_frame`` to its end."""
        done = first_frame
        for samples in self.vocoder.pieces(mel, first_frame=first_frame):
            done += len(samples) // self.vocoder.samples_per_frame
            if done < mel.shape[2]:
                check.check(samples)
                yield Piece(task, samples, ends_segment=False)
            else:
                check.check_last(samples)
                yield Piece(task, samples, ends_segment=True, warnings=warnings)

    def _prompt(self, task: Task, request: PreparedRequest) -> Tensor:
        """Return the prompt (1, positions, width) of a segment."""
        return self.prompts.build(
            task.segment.ids, latents=request.reference.latents, emotion=request.emotion
        )

    def _codes(
        self, tasks: Sequence[Task], prompts: Sequence[Tensor], request: PreparedRequest
    ) -> list[Codes]:
        """Return the codes of each segment; each of ``prompts`` is (1, positions, width)."""
        every = self.generator.generate(
            prompts,
            [task.key for task in tasks],
            sampling=request.sampling,
            noise=request.noise,
        )
        return [_require_codes(task, codes) for task, codes in zip(tasks, every, strict=True)]

    def _segment(
        self,
        task: Task,
        prompt: Tensor,  # (1, positions, width)
        codes: Tensor,  # (codes,)
        generated_mel: Tensor | None = None,  # (1, 80, frames)
    ) -> SemanticSegment:
        return SemanticSegment(task.key, codes, self.latents(prompt, codes), generated_mel)

    def _mels(self, segments: Sequence[SemanticSegment], request: PreparedRequest) -> list[Tensor]:
        """Return the mel (1, 80, frames) of each segment."""
        return self.mel_decoder.decode(
            segments, reference=request.reference, options=request.flow, noise=request.noise
        )


def _require_codes(task: Task, codes: Codes) -> Codes:
    if not len(codes.ids):
        raise SynthesisFailed(
            f"the model generated no speech for chunk {task.chunk_number}; try another seed"
        )
    return codes


def _require_same_beginning(task: Task, codes: Codes, begun: Tensor) -> None:
    """Raise unless ``codes`` begin with the codes ``begun`` (codes,) that were spoken already."""
    if not torch.equal(codes.ids[: len(begun)], begun):
        raise SynthesisFailed(
            f"the model began chunk {task.chunk_number} in one way and went on in another;"
            " set EARLY_FIRST_AUDIO=false"
        )


def _early_warning(task: Task) -> SpeechWarning:
    return SpeechWarning(
        WarningCode.EARLY_AUDIO,
        f"the beginning of chunk {task.chunk_number} was spoken before its end was known"
        " (EARLY_FIRST_AUDIO); without that it would sound a little different",
    )


def _limit_warnings(
    task: Task, codes: Codes, request: PreparedRequest
) -> tuple[SpeechWarning, ...]:
    if codes.stopped:
        return ()
    return (
        SpeechWarning(
            WarningCode.LENGTH_LIMIT,
            f"chunk {task.chunk_number} reached max_mel_tokens"
            f" ({request.sampling.max_mel_tokens}) before it was finished and may be cut off; use"
            " smaller chunks or a higher max_mel_tokens",
        ),
    )
