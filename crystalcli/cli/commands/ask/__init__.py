"""`crystal ask`: the command, its session, the prompt with its history, and the answer on the screen."""
