"""Feature maps of pictures, and how subjects are found with them."""
