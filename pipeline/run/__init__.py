"""The three ways of use: submitted to a cluster, on a schedule, from CI; and what is handed over to other programs."""
