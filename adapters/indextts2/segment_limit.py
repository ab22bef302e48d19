"""How long a segment may be: what the operator asks for, and what the model takes."""

from pathlib import Path


def configured_limit(config: Path) -> int | None:
    """The text tokens of a segment that a ``config.yaml`` allows; None where it does not say.

    Needs neither torch nor weights, so that a model that is not loaded can tell, too.
    """
    import yaml

    try:
        content = yaml.safe_load(config.read_text(encoding="utf-8"))
        return int(content["gpt"]["max_text_tokens"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return None


def clamp_note(asked: int, limit: int) -> tuple[str, ...]:
    """One sentence for the operator where ``asked`` is past ``limit``, else nothing."""
    if asked <= limit:
        return ()
    return (
        f"MAX_TOKENS_PER_SEGMENT is {asked}, but the model takes at most {limit}; {limit} is used",
    )
