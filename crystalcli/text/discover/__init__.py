"""The files under the folders that a user names: walk, ignore files, filters, rules, events."""
