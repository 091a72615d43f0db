"""What rendering a plan will cost: minutes of a GPU, megabytes and money, each with a range."""
