"""The page of the image lists what the Dockerfile has: targets, arguments, variables."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PAGE = (ROOT / "docs" / "reference" / "image.md").read_text()
STAGES = re.findall(r"^FROM \S+ AS ([\w-]+)$", DOCKERFILE, re.MULTILINE)
ARGUMENTS = re.findall(r"^ARG (\w+)=(\S*)$", DOCKERFILE, re.MULTILINE)


def section(title: str) -> str:
    """Return the text below a heading of the second level."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """Return the words in code style in the first cell of each row."""
    cells = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)]


def test_the_default_target_is_the_last_stage() -> None:
    assert re.findall(r"^\| `([\w-]+)` \(the default\)", PAGE, re.MULTILINE) == [STAGES[-1]]


def test_every_target_is_on_the_page() -> None:
    final = [
        stage for stage in STAGES if not re.search(rf"(FROM {stage} |from={stage} )", DOCKERFILE)
    ]

    assert sorted(first_cells(section("Targets"))) == sorted(final)


def test_every_build_argument_is_on_the_page_with_its_default() -> None:
    assert set(first_cells(section("Build"))) == {name for name, _ in ARGUMENTS}
    for name, default in ARGUMENTS:
        row = re.search(rf"^\| [^|]*`{name}`[^|]* \| (.*?) \|", section("Build"), re.MULTILINE)
        assert row
        assert row[1] == f"`{default}`" if default else row[1].startswith("none")


def test_the_commands_of_the_page_name_targets_and_arguments_that_exist() -> None:
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))

    assert set(re.findall(r"(?:--target |TARGET=)([\w-]+)", commands)) <= set(STAGES)
    assert set(re.findall(r"--build-arg (\w+)=", commands)) <= {name for name, _ in ARGUMENTS}
    assert set(re.findall(r"--secret id=(\w+)", commands)) == set(
        re.findall(r"type=secret,id=(\w+)", DOCKERFILE)
    )


def test_every_variable_that_an_image_sets_is_on_the_page() -> None:
    runs = re.findall(r"^ENV ((?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
    set_by_images = {name for run in runs for name in re.findall(r"(?:^|\s)([A-Z_]+)=", run)}

    assert set(first_cells(section("Environment"))) == {
        name for name in set_by_images if name != "PATH" and not name.startswith("PIP_")
    }
