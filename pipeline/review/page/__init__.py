"""The review page: a campaign's pictures in a browser, with what is known about each, and decisions about them."""
