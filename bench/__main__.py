"""`python -m bench` is `w2vbench`."""

from bench.cli import main

main()
