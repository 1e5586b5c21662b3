"""`python -m services.cli`: the same command line, for those who have no script `doithoai`."""

from services.cli import main

main()
