"""How findings about an installation are printed."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from application.ports.examination import Finding, Mark
from entrypoints.installation import DISTRIBUTION, install_advice, product_command

_LABELS = {Mark.OK: "ok", Mark.PROBLEM: "PROBLEM", Mark.NOTE: "-"}


def has_problem(findings: Sequence[Finding]) -> bool:
    """Return whether one of ``findings`` lets jobs fail."""
    return any(finding.mark is Mark.PROBLEM for finding in findings)


def print_json(findings: Sequence[Finding]) -> None:
    """Print one JSON object: the status and every finding."""
    status = Mark.PROBLEM if has_problem(findings) else Mark.OK
    report = [{**asdict(each), "advice": advice_on(each)} for each in findings]
    click.echo(json.dumps({"status": status, "findings": report}))


def print_lines(findings: Sequence[Finding]) -> None:
    """Print a line for each finding, followed by its advice; the same advice is printed once."""
    printed: set[str] = set()
    for finding in findings:
        click.echo(f"{_LABELS[finding.mark]:<7}  {finding.subject}: {finding.found}")
        for line in advice_on(finding):
            if line not in printed:  # packages of one extra have one command
                click.echo(f"         -> {line}")
            printed.add(line)


def advice_on(finding: Finding) -> list[str]:
    """Return the advice with commands that work in this environment."""
    lines = [
        line.replace(f"run {DISTRIBUTION} ", f"run {product_command()} ") for line in finding.advice
    ]
    return [*lines, *install_advice(finding.extras)]
