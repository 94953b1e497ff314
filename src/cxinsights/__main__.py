"""`python -m cxinsights`: the command line."""

from cxinsights.cli import main

main()
