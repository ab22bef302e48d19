"""``python -m entrypoints.cli``: the command line."""

from entrypoints.cli.main import main

if __name__ == "__main__":
    main()
