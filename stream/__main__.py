"""`python -m stream`: the command `driftbus`, where its script is not on the path."""

from stream.cli import main

if __name__ == "__main__":
    main(prog_name="driftbus")
