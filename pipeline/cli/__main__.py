"""`python -m brandpress.pipeline.cli`: the command `brandpress`."""

from brandpress.pipeline.cli.entry import main

main()
