"""`python -m stream.tethered VERB ...`: `driftbus VERB ...` that ends when its standard input does."""

from stream.cli import main
from stream.run.tether import hold

if __name__ == "__main__":
    hold()
    main(prog_name="driftbus")
