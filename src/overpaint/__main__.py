"""`python -m overpaint`: the command line."""

from overpaint.cli import main

if __name__ == "__main__":
    main()
