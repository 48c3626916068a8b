"""`python -m overpaint.server`."""

if __name__ == "__main__":
    # Here: the processes that inspect pictures import this file too, and need nothing of it.
    import sys

    from overpaint.server.process import main

    sys.exit(main())
