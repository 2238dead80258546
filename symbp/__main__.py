"""``python -m symbp``."""

from symbp.cli import main

main(prog_name="symbp")
