"""Findings about an installation, and how they are printed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import click


class Mark(StrEnum):
    """Whether a finding is in order; no job on this machine depends on a note."""

    OK = "ok"
    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report; ``advice`` holds a line for each thing that can be done."""

    subject: str
    found: str
    mark: Mark = Mark.OK
    advice: tuple[str, ...] = ()


_LABELS = {Mark.OK: "ok", Mark.PROBLEM: "PROBLEM", Mark.NOTE: "-"}


def has_problem(findings: Sequence[Finding]) -> bool:
    """Return whether one of ``findings`` lets jobs fail."""
    return any(finding.mark is Mark.PROBLEM for finding in findings)


def print_json(findings: Sequence[Finding]) -> None:
    """Print one JSON object: the status and every finding."""
    status = Mark.PROBLEM if has_problem(findings) else Mark.OK
    click.echo(json.dumps({"status": status, "findings": [asdict(each) for each in findings]}))


def print_lines(findings: Sequence[Finding]) -> None:
    """Print a line for each finding, followed by its advice; the same advice is printed once."""
    printed: set[str] = set()
    for finding in findings:
        click.echo(f"{_LABELS[finding.mark]:<7}  {finding.subject}: {finding.found}")
        for line in finding.advice:
            if line not in printed:  # packages of one extra have one command
                click.echo(f"         -> {line}")
            printed.add(line)
