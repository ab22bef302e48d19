"""The functions of the page that touch no element, run by the browser."""

import io
import wave
from typing import Any

import pytest
from playwright.sync_api import Page


def run(page: Page, module: str, body: str) -> Any:
    return page.evaluate(f"async () => {{ const module = await import('/page/{module}'); {body} }}")


def test_a_wav_file_has_the_samples_and_the_rate(page: Page) -> None:
    content = run(
        page,
        "wav.js",
        "return [...new Uint8Array(module.wavOf(Int16Array.of(1, -2, 32767, -32768), 24000))]",
    )

    with wave.open(io.BytesIO(bytes(content))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert file.readframes(9) == b"\x01\x00\xfe\xff\xff\x7f\x00\x80"


def test_a_sample_that_comes_in_two_halves_stays_whole(page: Page) -> None:
    body = """
    const reader = new module.PcmReader();
    return [[1], [0, 2, 0, 3], [0]].flatMap((part) => [...reader.read(Uint8Array.from(part))]);
    """
    assert run(page, "samples.js", body) == [1, 2, 3]


def test_samples_grow_beyond_their_first_room(page: Page) -> None:
    body = """
    const samples = new module.Samples();
    for (let part = 0; part < 5; part += 1) samples.append(new Int16Array(100_000).fill(part));
    return [samples.length, samples.from(399_999)[0], samples.from(400_000)[0]];
    """
    assert run(page, "samples.js", body) == [500_000, 3, 4]


def test_the_queue_gives_silence_for_what_has_not_come_and_loses_nothing(page: Page) -> None:
    body = """
    const queue = new module.SampleQueue();
    const taken = [];
    const take = () => { const out = new Float32Array(4000); queue.take(out); taken.push(...out); };
    queue.push(new Int16Array(3000).fill(8192));
    take();
    queue.push(new Int16Array(3000).fill(8192));
    take();
    queue.end();
    take();
    return [taken.slice(0, 4000).some(Boolean), taken.filter(Boolean).length, queue.isDone];
    """
    assert run(page, "worklet.js", body) == [False, 6000, True]


@pytest.mark.parametrize(
    ("text", "chunk", "after", "place"),
    [
        ("One two.\n\nThree.", "One two.", 0, [0, 8]),
        ("A b. A b.", "A b.", 4, [5, 9]),
        ("One   two", "One two", 0, [0, 9]),
        ("Come and see **this** place tomorrow night.",
         "Come and see this place tomorrow night.", 0, [0, 43]),
        ("One", "Two", 0, None),
    ],
)  # fmt: skip
def test_a_chunk_is_found_in_the_text(
    page: Page, text: str, chunk: str, after: int, place: list[int] | None
) -> None:
    body = f"return module.locate({text!r}, {chunk!r}, {after})"
    assert run(page, "marks.js", body) == place
