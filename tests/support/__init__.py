"""What the tests share beside fixtures: makers of files, played servers and devices, damage done on purpose."""
