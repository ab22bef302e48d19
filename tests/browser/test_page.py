"""The page in a browser: what a person does with it."""

import io
import json
import re
import wave
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import Noise, Server

SOME = re.compile(r"[1-9]\d*")
FIRST = (
    "This is heard at once, and it is long enough to fill a chunk of a stream to its end, so that"
    " the sentence which follows it begins another one."
)
SECOND = "GATE holds this back."


def speak(page: Page, text: str) -> None:
    page.get_by_label("Text to speak").fill(text)
    page.get_by_role("button", name="Speak").click()


def speak_whole(page: Page, text: str) -> None:
    speak(page, text)
    expect(page.get_by_label("Takes").get_by_role("listitem")).not_to_have_count(0)


def fields(request: Request) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(request.post_data or "{}")
    return sent


def wav_file(folder: Path) -> Path:
    path = folder / "nora.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"\x10\x20" * 16_000)
    return path


def refuse_voice(route: Route) -> None:
    route.fulfill(status=400, json={"error": {"message": "no such voice", "param": "voice"}})


def test_samples_reach_the_audio_graph_while_the_rest_is_being_spoken(
    page: Page, server: Server
) -> None:
    speak(page, f"{FIRST} {SECOND}")

    expect(page.locator("#player")).to_have_attribute("data-heard", SOME)
    expect(page.locator("body")).to_have_attribute("data-state", "speaking")
    server.gate.touch()
    expect(page.get_by_label("Takes").get_by_role("listitem")).to_have_count(1)


def test_samples_are_heard_where_browsers_have_no_audio_worklet(page: Page) -> None:
    page.add_init_script("delete BaseAudioContext.prototype.audioWorklet")
    page.reload()

    speak(page, f"{FIRST} {SECOND}")

    expect(page.locator("#player")).to_have_attribute("data-heard", SOME)


def test_marks_the_chunk_that_is_heard_in_the_text(page: Page) -> None:
    speak(page, f"{FIRST} {SECOND}")

    expect(page.locator("mark")).to_have_text(FIRST)


def test_stop_frees_the_engine(page: Page) -> None:
    speak(page, "FOREVER.")
    expect(page.locator("#player")).to_have_attribute("data-heard", SOME)

    page.get_by_role("button", name="Stop").click()

    expect(page.locator("body")).to_have_attribute("data-state", "idle")
    speak_whole(page, "Then this.")


def test_a_take_is_downloaded_with_every_sample_that_came(page: Page) -> None:
    speak_whole(page, "One. Two.")

    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download take 1 as wav").click()

    with wave.open(io.BytesIO(downloading.value.path().read_bytes())) as file:
        assert file.getframerate() == 24_000
        assert str(file.getnframes()) == page.locator("#player").get_attribute("data-spoken")


def test_another_format_of_a_take_is_asked_for_with_its_seed(page: Page) -> None:
    with page.expect_request("**/v1/audio/speech") as first:
        speak_whole(page, "One.")
    page.get_by_label("Download as").select_option("mp3")

    with page.expect_request("**/v1/audio/speech") as second, page.expect_download():
        page.get_by_role("button", name="Download take 1 as mp3").click()

    asked, again = fields(first.value), fields(second.value)
    assert again == {
        **{name: asked[name] for name in asked if name != "stream_format"},
        "response_format": "mp3",
    }


def test_the_settings_of_a_take_are_used_again(page: Page) -> None:
    page.get_by_text("Mixed").click()
    page.get_by_role("button", name="Sad").click()
    with page.expect_request("**/v1/audio/speech") as first:
        speak_whole(page, "One.")
    page.get_by_text("As the voice").click()
    speak_whole(page, "Two.")

    page.get_by_role("button", name="Use the settings of take 1 again").click()
    with page.expect_request("**/v1/audio/speech") as again:
        page.keyboard.press("Control+Enter")

    assert fields(again.value) == fields(first.value)


def test_an_uploaded_voice_speaks(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Add a voice").click()
    page.locator("#audio_sample").set_input_files(wav_file(tmp_path))
    page.get_by_label("This is my voice").check()
    page.get_by_role("button", name="Save the voice").click()
    expect(page.get_by_role("radio", name="nora")).to_be_checked()

    with page.expect_request("**/v1/audio/speech") as asked:
        speak_whole(page, "One.")

    assert fields(asked.value)["voice"] == "nora"


def test_a_voice_is_recorded(page: Page) -> None:
    page.get_by_role("button", name="Add a voice").click()
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator("#record-time")).to_contain_text("0:01")
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_text("recording.webm")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_label("This is my voice").check()
    page.get_by_role("button", name="Save the voice").click()

    expect(page.get_by_role("radio", name="mine")).to_be_checked()


def test_the_server_s_problem_with_a_name_stands_beside_it(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Add a voice").click()
    page.locator("#audio_sample").set_input_files(wav_file(tmp_path))
    page.get_by_label("Name").fill("../nora")
    page.get_by_label("This is my voice").check()
    page.get_by_role("button", name="Save the voice").click()

    expect(page.get_by_label("Name")).to_have_accessible_description(
        "name: '../nora' cannot name a voice"
    )


def test_the_recording_of_a_voice_is_played(page: Page) -> None:
    button = page.get_by_role("button", name="Play the recording of alice")

    button.click()

    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_have_attribute("aria-pressed", "false")


def test_a_problem_with_the_text_stands_beside_it(page: Page) -> None:
    speak(page, "...")

    expect(page.get_by_label("Text to speak")).to_have_accessible_description(
        "input: has no letter or digit to speak"
    )
    expect(page.get_by_label("Text to speak")).to_be_focused()


def test_a_lost_connection_is_told_with_a_way_on(page: Page) -> None:
    page.route("**/v1/audio/speech", lambda route: route.abort("connectionreset"))
    speak(page, "One.")
    expect(page.get_by_role("alert")).to_contain_text("The connection to the server was lost.")
    page.unroute("**/v1/audio/speech")

    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_label("Takes").get_by_role("listitem")).to_have_count(1)


def test_a_key_is_asked_for_once(page: Page) -> None:
    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer s3cret":
            route.continue_()
        else:
            route.fulfill(status=401, json={"error": {"message": "a key is needed"}})

    page.route("**/v1/audio/speech", guard)
    speak(page, "One.")
    page.get_by_label("Key", exact=True).fill("s3cret")
    page.get_by_role("button", name="Use the key").click()
    takes = page.get_by_label("Takes").get_by_role("listitem")
    expect(takes).to_have_count(1)

    page.keyboard.press("Escape")
    speak(page, "Two.")

    expect(takes).to_have_count(2)


def test_the_keyboard_is_enough(page: Page) -> None:
    page.get_by_label("Text to speak").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#player")).to_have_attribute("data-heard", SOME)
    page.keyboard.press("Escape")
    expect(page.locator("body")).to_have_attribute("data-state", "idle")

    reached: list[str] = []
    while "seek" not in reached and len(reached) < 40:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id"))
    assert [name for name in reached if name] == [
        *("speak", "add", "emotion-none", "speed", "chunk_pause_ms", "format"),
        *("seed", "draw", "lock", "play", "seek"),
    ]


def test_space_plays_a_take_again(page: Page) -> None:
    speak_whole(page, "One.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.evaluate("() => document.activeElement.blur()")

    page.keyboard.press("Space")

    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_what_the_preview_engine_cannot_do_is_disabled_with_the_reason(page: Page) -> None:
    model = {"state": "ready", "missing_files": []}
    health = {"status": "healthy", "engine": "preview", "device": "cpu", "model": model}
    page.route("**/health", lambda route: route.fulfill(json=health))
    page.reload()

    disabled = [
        page.get_by_role("button", name="Add a voice"),
        page.get_by_role("radio", name="alice"),
        page.get_by_role("radio", name="In words"),
    ]
    for control in disabled:
        expect(control).to_be_disabled()
        expect(control).to_have_attribute("title", re.compile("one voice of its own"))


def test_nothing_is_loaded_from_elsewhere_and_nothing_complains(
    page: Page, server: Server, noise: Noise
) -> None:
    speak_whole(page, "One.")

    assert noise.complaints == []
    assert [url for url in noise.requests if not url.startswith((server.url, "blob:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    speak(page, f"{FIRST} {SECOND}")
    expect(page.locator("mark")).to_have_text(FIRST)
    page.get_by_text("Mixed").click()
    found = [Axe().run(page)]
    page.get_by_role("button", name="Stop").click()
    page.route("**/v1/audio/speech", refuse_voice)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("no such voice")).to_be_visible()
    found.append(Axe().run(page))
    page.get_by_role("button", name="Add a voice").click()
    page.get_by_role("button", name="Save the voice").click()
    found.append(Axe().run(page))

    serious = [
        (violation["id"], [node["target"] for node in violation["nodes"]])
        for result in found
        for violation in result.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []
