"""`python -m legato` is `legato`."""

from legato.cli.main import main

if __name__ == "__main__":
    main()
