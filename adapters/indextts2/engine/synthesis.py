"""The audio of a request's segments, piece after piece."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adapters.indextts2.engine.batching import Task, grouped, tasks_of
from adapters.indextts2.engine.stages import Request, Stages
from adapters.indextts2.s2m.mel_decoder import SemanticSegment
from adapters.indextts2.s2m.options import FlowOptions
from adapters.indextts2.t2s.beam_search import Codes
from domain.audio import Samples, audible_span
from domain.errors import SynthesisFailed
from domain.voice import SILENT_AMPLITUDE


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a segment's audio; what there is to say of the segment stands on its last."""

    task: Task
    samples: Samples
    ends_segment: bool
    warnings: tuple[str, ...] = ()


class Synthesizer:
    """Speaks the segments of a request in order.

    A segment that is spoken alone leaves in windows, each as soon as it is there; segments that
    share a batch leave one by one. Which it is depends on the request alone.
    """

    def __init__(self, *, stages: Stages) -> None:
        self._stages = stages

    def pieces(self, request: Request) -> Iterator[Piece]:
        """The audio of all segments.

        Raises:
            SynthesisFailed: a segment without codes, without sound, or with broken samples.
        """
        early_codes = self._stages.early_codes
        for tasks in grouped(tasks_of(request.texts), self._stages.segments_at_once):
            if len(tasks) == 1:
                yield from self._alone(tasks[0], request, early_codes)
            else:
                yield from self._together(tasks, request)
            early_codes = 0

    def _alone(self, task: Task, request: Request, early_codes: int) -> Iterator[Piece]:
        prompt, hearing = self._prompt(task, request), _AudioCheck(task)
        if early_codes:
            begun = self._stages.generator.begin(
                prompt, task.key, plan=request.plan, noise=request.noise, count=early_codes
            )
            if isinstance(begun, Tensor):
                yield from self._in_two_parts(task, prompt, begun, request, hearing)
                return
            codes = _spoken(task, begun)
        else:
            (codes,) = self._codes([task], [prompt], request)
        (mel,) = self._mels([task], [prompt], [codes.ids], request)
        yield from self._ending(task, mel, 0, hearing, _warnings(task, codes, request))

    def _in_two_parts(
        self, task: Task, prompt: Tensor, begun: Tensor, request: Request, hearing: "_AudioCheck"
    ) -> Iterator[Piece]:
        """The codes ``begun`` first, and the whole segment going on from there.

        They are decoded again: what a request has half decoded would be in the way of another one
        that has its turn between two pieces.
        """
        (beginning,) = self._mels([task], [prompt], [begun], request)
        painted, heard = beginning[:, :, : -self._stages.mel_decoder.lookahead_frames], 0
        for samples in self._stages.vocoder.pieces(painted, is_partial=True):
            heard += len(samples) // self._stages.vocoder.samples_per_frame
            yield Piece(task, hearing.sound(samples), ends_segment=False)
        (codes,) = self._codes([task], [prompt], request)
        if not torch.equal(codes.ids[: len(begun)], begun):
            raise SynthesisFailed(
                f"the model began chunk {task.key.chunk + 1} in one way and went on in another;"
                " set EARLY_FIRST_AUDIO=false"
            )
        (mel,) = self._mels([task], [prompt], [codes.ids], request, painted=painted)
        warnings = _warnings(task, codes, request, is_early=True)
        yield from self._ending(task, mel, heard, hearing, warnings)

    def _ending(
        self, task: Task, mel: Tensor, heard: int, hearing: "_AudioCheck", warnings: tuple[str, ...]
    ) -> Iterator[Piece]:
        """The segment from frame ``heard`` on."""
        for samples in self._stages.vocoder.pieces(mel, first_frame=heard):
            heard += len(samples) // self._stages.vocoder.samples_per_frame
            if heard < mel.shape[2]:
                yield Piece(task, hearing.sound(samples), ends_segment=False)
            else:
                yield Piece(task, hearing.finish(samples), ends_segment=True, warnings=warnings)

    def _together(self, tasks: Sequence[Task], request: Request) -> Iterator[Piece]:
        prompts = [self._prompt(task, request) for task in tasks]
        every = self._codes(tasks, prompts, request)
        mels = self._mels(tasks, prompts, [codes.ids for codes in every], request)
        for task, codes, samples in zip(
            tasks, every, self._stages.vocoder.synthesize(mels), strict=True
        ):
            yield Piece(
                task,
                _AudioCheck(task).finish(samples),
                ends_segment=True,
                warnings=_warnings(task, codes, request),
            )

    def _prompt(self, task: Task, request: Request) -> Tensor:
        return self._stages.prompts.build(
            task.segment.ids, latents=request.voice.latents, emotion=request.emotion
        )

    def _codes(
        self, tasks: Sequence[Task], prompts: Sequence[Tensor], request: Request
    ) -> list[Codes]:
        keys = [task.key for task in tasks]
        every = self._stages.generator.generate(
            prompts, keys, plan=request.plan, noise=request.noise
        )
        return [_spoken(task, codes) for task, codes in zip(tasks, every, strict=True)]

    def _mels(
        self,
        tasks: Sequence[Task],
        prompts: Sequence[Tensor],
        every: Sequence[Tensor],
        request: Request,
        *,
        painted: Tensor | None = None,
    ) -> list[Tensor]:
        segments = [
            SemanticSegment(task.key, ids, self._stages.latents.read(prompt, ids), painted)
            for task, prompt, ids in zip(tasks, prompts, every, strict=True)
        ]
        return self._stages.mel_decoder.decode(
            segments,
            reference=request.voice,
            options=FlowOptions(request.plan.diffusion_steps, request.plan.inference_cfg_rate),
            noise=request.noise,
        )


def _spoken(task: Task, codes: Codes) -> Codes:
    """``codes`` if there are any."""
    if not len(codes.ids):
        raise SynthesisFailed(
            f"the model said nothing for chunk {task.key.chunk + 1}; try another seed"
        )
    return codes


class _AudioCheck:
    """Makes sure that a segment can be listened to."""

    def __init__(self, task: Task) -> None:
        self._chunk = task.key.chunk + 1
        self._is_heard = False

    def sound(self, samples: Samples) -> Samples:
        """``samples`` if they are numbers."""
        if not np.isfinite(samples).all():
            raise SynthesisFailed(
                f"the model produced broken audio for chunk {self._chunk};"
                " try another seed, or USE_FP16=false"
            )
        self._is_heard |= audible_span(samples, threshold=SILENT_AMPLITUDE) is not None
        return samples

    def finish(self, last: Samples) -> Samples:
        """``last``, the segment's last samples, if any of its samples can be heard."""
        last = self.sound(last)
        if not self._is_heard:
            raise SynthesisFailed(
                f"the model produced silence for chunk {self._chunk};"
                " try another seed or another voice"
            )
        return last


def _warnings(
    task: Task, codes: Codes, request: Request, *, is_early: bool = False
) -> tuple[str, ...]:
    chunk = task.key.chunk + 1
    early = (
        f"the beginning of chunk {chunk} was painted before its end was known (EARLY_FIRST_AUDIO);"
        " without that it would sound a little different"
    )
    cut = (
        f"chunk {chunk} reached max_mel_tokens ({request.plan.max_mel_tokens}) before it was"
        " finished and may be cut off; use smaller chunks or a higher max_mel_tokens"
    )
    return (*([early] if is_early else []), *([] if codes.stopped else [cut]))
