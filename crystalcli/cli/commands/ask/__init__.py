"""`crystal ask`: command, session, prompt with its history, answer on the screen."""
