"""`python -m brandpress.pipeline.cli`: the command `brandpress`."""

from brandpress.pipeline.cli.app import main

main()
