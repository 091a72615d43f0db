"""Feeds: tables of products, characters or styles that a brand spec names instead of listing them."""
