"""``python -m tests.docs.diagrams``: write every diagram of docs/diagrams anew."""

from tests.docs.diagrams.pages import PAGES

for path, render in PAGES.items():
    path.write_text(render())
