"""`python -m services84.cli`, for where the console script is not on the path."""

from services84.cli import main

main(prog_name="services84")
