import pytest

from domain.text.script import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello there", "en"),
        ("今天天气很好", "zh"),
        ("今日はいい天気です", "ja"),
        ("안녕하세요", "ko"),
        ("Привет, мир", "ru"),
        ("Γειά σου", "el"),
        ("مرحبا", "ar"),
        ("नमस्ते", "hi"),
        (
            (
                "我喜欢听这首叫做「さくら」的歌，因为它的旋律非常优美而且歌词也写得很好，每次听到这首歌我都会想起家乡的"
                "春天和小时候跟朋友们在河边一起玩耍的那些快乐日子，所以我把它推荐给你们大家"
            ),
            "zh",
        ),
        ("12345 !?", "en"),
        ("", "en"),
    ],
)
def test_judges_the_language_by_the_commonest_script(text: str, language: str) -> None:
    assert detect_language(text) == language
