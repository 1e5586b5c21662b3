"""`python -m services.cli`: the same command line, for who has no script `doithoai`."""

from services.cli import main

main()
