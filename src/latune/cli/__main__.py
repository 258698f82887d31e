"""`python -m latune.cli`."""

from latune.cli import main

if __name__ == "__main__":
    main()
