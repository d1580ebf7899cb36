"""The pages of the site, one in a file."""
